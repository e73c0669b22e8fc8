//! The HTML page.

use super::{fixture::*, reports::outage_run};
use crate::report::{ReportKind, Reporter as _};

/// Two receivers of two senders, an outage at one of them, a duplicate.
fn page() -> String {
    let mut two = publisher("publisher-2", 4);
    (1..=4).for_each(|index| {
        two.acked(index, 1);
    });
    two.end(14_000, "completed");
    let mut heard = receiver_of("receiver-2", 1..=10);
    (1..=4).for_each(|index| {
        heard.received("publisher-2/0", index, 1);
    });
    heard.end(30_000, "idle");
    let mut logs = outage_run();
    let first = reopen(&mut logs[1]);
    (1..=4).for_each(|index| {
        first.received("publisher-2/0", index, 1);
    });
    first.end(30_000, "idle");
    logs.extend([two, heard]);
    ReportKind::Html.render(&report_on(&logs))
}

/// What stands under a heading, up to the next.
#[track_caller]
fn section(page: &str, title: &str) -> String {
    let (_, rest) = page.split_once(&format!("<h2>{title}</h2>")).expect(title);
    rest.split("<h2>").next().unwrap().to_owned()
}

#[test]
fn a_small_page_reads_like_this() {
    let page = ReportKind::Html.render(&report_on(&outage_run()));
    let (_, body) = page.split_once("<body>").unwrap();
    insta::assert_snapshot!(body);
}

#[test]
fn the_page_needs_neither_network_nor_script() {
    let page = page();
    let policy = "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; \
                  form-action 'none'\"";
    assert!(page.contains(policy), "{page}");
    // The name space of SVG is a name; nothing is fetched.
    let without_name_space = page.replace("http://www.w3.org/2000/svg", "");
    for outside in [
        "http:", "https:", "src=", "href=", "url(", "@import", "<link", "<img", "<iframe", "fetch(",
    ] {
        assert!(!without_name_space.contains(outside), "{outside}");
    }
    // All of it stands in the markup; only the box that searches waits for the script.
    let (before_script, script) = page.split_once("<script>").unwrap();
    assert_eq!(before_script.matches(" hidden").count(), 1);
    assert!(before_script.contains("<input id=\"search\" type=\"search\" hidden"));
    assert!(script.contains("box.hidden=false") && !before_script.contains("onclick"));
    assert_eq!(page.matches("<script").count(), 1);
}

#[test]
fn the_page_is_for_light_and_dark_wide_and_narrow() {
    let page = page();
    assert!(
        page.contains(":root{color-scheme:light dark;") && page.contains("@media(prefers-color-scheme:dark){:root{")
    );
    assert!(page.contains("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"));
    // Charts take their colours from the page, and what is too wide scrolls in its own box.
    for (chart, _) in page.match_indices("<svg") {
        let svg = page[chart..].split("</svg>").next().unwrap();
        assert!(
            !svg.contains("fill=\"") && !svg.contains("stroke=\"") && !svg.contains("style="),
            "{svg}"
        );
    }
    assert_eq!(
        page.matches("<table>").count(),
        page.matches("<div class=\"wide\"><table>").count()
    );
}

#[test]
fn delivery_over_time_marks_the_outage() {
    let chart = section(&page(), "Delivery over time");
    assert_eq!(chart.matches("class=\"outage\"").count(), 2, "{chart}");
    let outage = "<title>outage: 4 lost, 2023-11-14T22:13:23.000000000Z to 2023-11-14T22:13:27.000000000Z</title>";
    assert!(chart.contains(outage), "{chart}");
    assert_eq!(
        chart.matches("class=\"lost\"").count(),
        4,
        "a bar for each lost message"
    );
    let outages = section(&page(), "Outages");
    assert!(
        outages.contains("<td class=\"name\">receiver-1/0 from publisher-1/0: 3-6</td>"),
        "{outages}"
    );
}

#[test]
fn latency_is_a_distribution_with_its_percentiles() {
    let latency = section(&page(), "Latency");
    assert!(latency.contains("aria-label=\"Distribution of latency since the intended time\""));
    assert!(
        latency.contains(">p50 51.0 ms</text>") && latency.contains(">p99 1.50 s</text>"),
        "{latency}"
    );
    let row = "<td class=\"name\">all receivers</td><td class=\"name\">intended</td><td class=\"n\">24</td>";
    assert!(latency.contains(row), "{latency}");
    let pairs = section(&page(), "Latency by receiver and sender");
    for measure in ["n", "negative", "min", "p50", "p90", "p95", "p99", "p99.9", "max"] {
        assert!(pairs.contains(&format!("<th class=\"n\">{measure}</th>")), "{measure}");
    }
    for group in [
        "service node pushed to",
        "service node subscribed at",
        "content topic",
        "size",
    ] {
        let table = section(&page(), &format!("Latency by {group}"));
        assert!(table.contains("<td class=\"name\">sent</td>"), "{group}");
    }
}

#[test]
fn losses_are_charted_by_place() {
    let places = section(&page(), "Loss by place");
    assert!(
        places.contains(">receiver was not subscribed</text>") && places.contains(">4 deliveries</text>"),
        "{places}"
    );
    assert!(
        places.contains(">publisher offline</text>") && places.contains(">3 messages</text>"),
        "{places}"
    );
}

#[test]
fn the_heat_map_has_a_cell_for_each_pair() {
    let map = section(&page(), "Receivers and senders");
    assert!(
        map.contains("<title>receiver-1/0 from publisher-1/0: 4 of 10 lost</title>"),
        "{map}"
    );
    assert!(
        map.contains("fill-opacity=\"0.71\""),
        "a fifth, and of the rest the root of 40 %: {map}"
    );
    assert!(map.contains(">40 %</text>"), "{map}");
    assert_eq!(map.matches("<rect class=\"bar\"").count(), 4);
    let sums = section(&page(), "Sums by receiver and by sender");
    assert!(
        sums.contains("<td class=\"name\">sender</td><td class=\"name\">publisher-1/0</td><td class=\"n\">20</td>"),
        "{sums}"
    );
}

#[test]
fn lost_messages_can_be_searched_by_service_node_too() {
    let page = page();
    let lost = page.split_once("<section id=\"lost\">").unwrap().1;
    assert_eq!(lost.matches("<tr><td").count(), 4 + 3);
    assert!(lost.contains("<th>service node</th>") && lost.contains(&format!("<td class=\"name\">{NODE}</td>")));
    assert!(lost.contains("aria-label=\"Search lost messages\""));
}
