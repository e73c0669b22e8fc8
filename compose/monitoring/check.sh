#!/usr/bin/env bash
# Shows that the monitoring works, without Docker: a live fleet of processes on this machine, Prometheus from the
# distribution in front of it. Every query of the dashboards must return series, and `promtool check metrics` must have
# nothing to say about the metrics of any role.
#
#   compose/monitoring/check.sh BINARY        (packages prometheus and python3; BINARY is lpt)
#
# Exit codes: 0 all as it must be, 1 not so, 77 something it needs is not installed.
set -euo pipefail
readonly here=$(cd "$(dirname "$0")" && pwd)
readonly SCRAPE_WAIT_S=60 READY_WAIT_S=90
lpt=$(realpath "${1:?usage: check.sh BINARY, the path of lpt}")
for tool in prometheus promtool python3 curl; do
    command -v "$tool" >/dev/null || { echo "$tool is not installed" >&2; exit 77; }
done
work=$(mktemp -d)
pids=()

cleanup() {
    local code=$?
    trap - EXIT
    [[ $code == 0 ]] || tail -n 15 "$work"/*.log >&2 || true
    ((${#pids[@]} == 0)) || { kill "${pids[@]}" 2>/dev/null || true; wait "${pids[@]}" 2>/dev/null || true; }
    rm -rf "$work"
    exit "$code"
}
trap cleanup EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }
free_ports() { python3 -c '
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in sockets: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])' "$1"; }

read -r prom tracer node1 node2 publisher receiver listen1 listen2 <<<"$(free_ports 8)"
mkdir "$work/fleet" "$work/out"
part() { # part NAME ROLE HTTP-PORT [options]
    local name=$1 role=$2 port=$3
    shift 3
    "$lpt" fleet "$role" --fleet-folder "$work/fleet" --fleet-reports "$work/out" --fleet-host 127.0.0.1 \
        --fleet-nodes 2 --fleet-http-port "$port" "$@" >"$work/$name.log" 2>&1 &
    pids+=($!)
}
part tracer tracer "$tracer"
part node-1 node "$node1" --fleet-node-port "$listen1"
part node-2 node "$node2" --fleet-node-port "$listen2"
part receiver receiver "$receiver"
part publisher publisher "$publisher" -- --messages 0 --rate 20/s

cat >"$work/prometheus.yml" <<END
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - { job_name: node, static_configs: [{ targets: ["127.0.0.1:$node1", "127.0.0.1:$node2"] }] }
  - { job_name: publisher, static_configs: [{ targets: ["127.0.0.1:$publisher"] }] }
  - { job_name: receiver, static_configs: [{ targets: ["127.0.0.1:$receiver"] }] }
END
promtool check config "$here/prometheus.yml"
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" --web.listen-address="127.0.0.1:$prom" \
    >"$work/prometheus.log" 2>&1 &
pids+=($!)

end=$((SECONDS + READY_WAIT_S))
until "$lpt" healthcheck "http://127.0.0.1:$publisher" 2>/dev/null; do
    ((SECONDS < end)) || fail "the publisher is not at work after $READY_WAIT_S s"
    sleep 0.2
done
for role in "node $node1" "publisher $publisher" "receiver $receiver"; do
    read -r name port <<<"$role"
    curl -sf "http://127.0.0.1:$port/metrics" >"$work/$name.metrics"
    promtool check metrics <"$work/$name.metrics" || fail "promtool complains about the metrics of the $name"
    echo "promtool check metrics: $name, $(grep -vc '^#' "$work/$name.metrics") samples"
done
python3 "$here/check_dashboards.py" "http://127.0.0.1:$prom" "$SCRAPE_WAIT_S" "$here"/grafana/dashboards/*.json
