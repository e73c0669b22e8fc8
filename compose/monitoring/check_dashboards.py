"""Asks Prometheus every query of Grafana dashboards, and looks at how the dashboards are made.

usage: check_dashboards.py PROMETHEUS-URL WAIT-SECONDS DASHBOARD.json...
"""

import json
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

# What Grafana puts in the place of its own variable; several scrapes of check.sh.
RATE_INTERVAL = "10s"
GRID_COLUMNS = 24


def ask(base, expression):
    query = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"{base}/api/v1/query?{query}", timeout=10) as answer:
        return json.load(answer)["data"]["result"]


def has_a_value(series):
    """Whether any series holds a number: a quantile of nothing is a series, too, but says NaN."""
    return any(entry["value"][1] != "NaN" for entry in series)


def structure_problems(dashboard):
    problems = []
    if not dashboard.get("uid") or not dashboard.get("title"):
        problems.append("no uid or no title")
    panels = dashboard.get("panels", [])
    ids = [panel["id"] for panel in panels]
    if len(set(ids)) != len(ids):
        problems.append("panel ids repeat")
    taken = {}
    for panel in panels:
        place = panel["gridPos"]
        if place["x"] + place["w"] > GRID_COLUMNS:
            problems.append(f"{panel['title']}: beyond the right edge")
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if (x, y) in taken:
                    problems.append(f"{panel['title']} lies over {taken[x, y]}")
                taken[x, y] = panel["title"]
        if panel["type"] == "row":
            continue
        if not panel.get("targets"):
            problems.append(f"{panel['title']}: no query")
        for target in panel.get("targets", []):
            if target["datasource"]["uid"] != datasource_uid():
                problems.append(f"{panel['title']}: unknown data source {target['datasource']}")
    return sorted(set(problems))


def datasource_uid():
    text = (Path(__file__).parent / "grafana/provisioning/datasources/prometheus.yml").read_text()
    return next(line.split()[1] for line in text.splitlines() if line.strip().startswith("uid:"))


def main(base, wait_s, paths):
    failed = False
    for path in paths:
        dashboard = json.loads(Path(path).read_text())
        for problem in structure_problems(dashboard):
            print(f"{path}: {problem}")
            failed = True
        queries = [
            (panel["title"], target["expr"])
            for panel in dashboard["panels"]
            for target in panel.get("targets", [])
        ]
        deadline = time.monotonic() + wait_s
        silent = queries
        while silent and time.monotonic() < deadline:
            silent = [
                (title, expr) for title, expr in silent
                if not has_a_value(ask(base, expr.replace("$__rate_interval", RATE_INTERVAL)))
            ]
            time.sleep(0.5 if silent else 0)
        for title, expr in silent:
            print(f"{path}: {title}: no series for {expr}")
            failed = True
        print(f"{path}: {len(queries) - len(silent)} of {len(queries)} queries return series")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), sys.argv[3:]))
