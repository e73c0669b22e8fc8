//! Logs made to break out of every form of the report: in each field that a log or its path may fill.

use event_log::event::{LightpushHandled, RelayOrigin, RelayReceived, RelaySent, Role};
use quick_xml::{Reader, events::Event};

use super::{
    fixture::*,
    reports::outage_run,
    tables::{tables_of, write_logs},
};
use crate::report::{Report, ReportKind, Reporter as _};

/// A formula, a terminal escape, markup of every kind, line ends, what turns text around, what XML forbids.
const EVIL: &str =
    "<img src=x onerror=alert(1)></script>|`x`\u{1b}[31m\u{202e}\r\n\t\u{0}\u{ffff}]]>&\"'@x \\ http://x";

/// GitHub's limit of a job summary.
const MAX_SUMMARY_BYTES: usize = 1024 * 1024;

/// What each hostile name is recognised by, behind the sign that makes a formula of it.
fn evil(tag: &str) -> String {
    format!("=1+{tag}{EVIL}")
}

/// The run with an outage and a service node, every name and text in it replaced.
fn hostile_logs() -> Vec<LogText> {
    let mut logs = outage_run();
    logs.push(node());
    let fields = [
        ("publisher-1", "sender"),
        ("receiver-1", "receiver"),
        ("node-1", "nodename"),
        (NODE, "servicenode"),
        (TOPIC, "topic"),
        ("/waku/2/rs/0/0", "pubsubtopic"),
        ("not connected", "statustext"),
        ("\"idle\"", "reason"),
        ("\"box\"", "host"),
        ("\"0.1.0\"", "version"),
        (RUN, "run"),
    ];
    for log in &mut logs {
        for line in &mut log.lines {
            for (name, tag) in fields {
                // As JSON writes it, so that the line stays one line.
                let json = serde_json::to_string(&evil(tag)).unwrap();
                let quoted = name.starts_with('"');
                *line = line.replace(name, if quoted { &json } else { json.trim_matches('"') });
            }
        }
        // A slash and a NUL cannot be in the name of a file.
        log.path = format!("{}{}", evil("path").replace(['/', '\0'], ""), log.path);
    }
    logs
}

fn node() -> LogText {
    let mut node = LogText::start(Role::ServiceNode, "node-1", |started| {
        started.peer_id = Some(NODE.to_owned())
    });
    let (hash, pubsub_topic) = (hash("publisher-1/0", 1, 1), "/waku/2/rs/0/0".to_owned());
    let handled = LightpushHandled {
        peer: NODE.to_owned(),
        protocol: "v3".to_owned(),
        request_id: "r".to_owned(),
        hash: Some(hash),
        pubsub_topic: Some(pubsub_topic.clone()),
        content_topic: Some(TOPIC.to_owned()),
        size_bytes: 1024,
        received: at(1001),
        status: 200,
        status_text: Some("not connected".to_owned()),
        relay_peers: Some(1),
    };
    let sent = RelaySent {
        hash,
        to_peers: vec![NODE.to_owned()],
        pubsub_topic: pubsub_topic.clone(),
        origin: RelayOrigin::Lightpush,
    };
    let got = RelayReceived {
        hash,
        from_peer: NODE.to_owned(),
        pubsub_topic,
        content_topic: TOPIC.to_owned(),
        size_bytes: 1024,
    };
    node.log(1003, handled).log(1004, sent).log(1030, got);
    node
}

pub(super) fn hostile_report() -> Report {
    report_on(&hostile_logs())
}

/// Nothing in it is obeyed by a terminal, or turns text around.
#[track_caller]
fn assert_plain(text: &str) {
    let bad = text
        .chars()
        .find(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{202e}'));
    assert_eq!(bad, None, "{text}");
}

#[track_caller]
fn assert_names(text: &str, tags: &[&str]) {
    for tag in tags {
        assert!(text.contains(tag), "{tag} is not in it:\n{text}");
    }
}

#[test]
fn the_logs_themselves_are_understood() {
    let report = hostile_report();
    assert_eq!(
        (report.totals.acked, report.totals.counts.lost, report.outages.len()),
        (10, 4, 2)
    );
    assert!(report.senders[0].sender.contains(EVIL) && report.run.as_deref().unwrap().contains(EVIL));
}

#[test]
fn the_terminal_obeys_nothing() {
    let text = ReportKind::Text.render(&hostile_report());
    assert_plain(&text);
    assert_names(&text, &["=1+se", "=1+re", "=1+run", "=1+statustext", "=1+path"]);
}

#[test]
fn json_holds_everything_as_it_was() {
    let json = ReportKind::Json.render(&hostile_report());
    assert!(!json.chars().any(|c| c.is_control() && c != '\n'));
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["run"], evil("run"));
    assert_eq!(value["senders"][0]["sender"], evil("sender") + "/0");
    assert_eq!(value["latency_groups"]["by_content_topic"][0]["name"], evil("topic"));
    assert_eq!(value["publish_outcomes"][1]["example"], evil("statustext"));
    let (host, version, end) = (evil("host"), evil("version"), evil("reason"));
    let logs = value["logs"].as_array().unwrap();
    assert!(logs.iter().all(|log| log["host"] == host && log["version"] == version));
    assert!(logs.iter().any(|log| log["ended"] == end));
}

#[test]
fn markdown_holds_no_markup_of_a_log() {
    let text = ReportKind::Markdown.render(&hostile_report());
    assert_plain(&text);
    assert_names(
        &text,
        &[
            "=1+sender",
            "=1+receiver",
            "=1+run",
            "=1+statustext",
            "=1+path",
            "=1+reason",
        ],
    );
    for markup in ["<img", "</script", "`", "]]>", "http://", "&&", "](", "@x"] {
        assert!(!text.contains(markup), "{markup}: {text}");
    }
    // Every row of a table has as many cells as its head.
    let mut cells = 0;
    for line in text.lines() {
        let here = line.matches('|').count();
        if !line.starts_with('|') {
            assert_eq!(here, 0, "{line}");
            cells = 0;
        } else if std::mem::replace(&mut cells, here) > 0 {
            assert_eq!(cells, here, "{line}");
        }
    }
}

#[test]
fn junit_holds_nothing_that_xml_forbids() {
    let xml = ReportKind::Junit.render(&hostile_report());
    assert_plain(&xml);
    assert_names(&xml, &["=1+sender", "=1+receiver", "=1+run"]);
    assert!(
        !xml.contains('\u{ffff}') && !xml.contains("<img") && !xml.contains("]]>"),
        "{xml}"
    );
    let replaced = xml.split_once("name=\"characters_replaced\" value=\"").unwrap().1;
    assert!(!replaced.starts_with("0\""));
    let mut reader = Reader::from_str(&xml);
    while reader.read_event().unwrap() != Event::Eof {}
}

#[test]
fn html_holds_no_markup_of_a_log() {
    let html = ReportKind::Html.render(&hostile_report());
    assert_plain(&html);
    let tags = [
        "sender",
        "receiver",
        "run",
        "statustext",
        "path",
        "reason",
        "topic",
        "servicenode",
    ];
    assert_names(
        &html,
        &tags.map(|tag| format!("=1+{tag}")).each_ref().map(String::as_str),
    );
    assert!(!html.contains("<img") && !html.contains("'x'"), "{html}");
    assert_eq!(
        (html.matches("<script").count(), html.matches("</script>").count()),
        (1, 1)
    );
}

#[test]
fn no_cell_of_a_table_is_a_formula() {
    let folder = tempfile::tempdir().unwrap();
    let [received, sent, lost] = tables_of(&write_logs(folder.path(), &hostile_logs()));
    assert_names(
        &received,
        &[
            "pubsubtopic",
            "receiver",
            "sender",
            "nodename",
            "servicenode",
            "relay",
            "lightpush",
        ],
    );
    assert_names(&sent, &["pubsubtopic", "sender", "nodename", "servicenode", "relay"]);
    assert_names(&lost, &["receiver", "sender", "servicenode"]);
    let rendered = ReportKind::Csv.render(&hostile_report());
    assert_eq!(rendered, lost);
    for table in [received, sent, lost] {
        assert_plain(&table);
        // The reader refuses records of unequal length.
        for record in csv::Reader::from_reader(table.as_bytes()).records() {
            let record = record.unwrap();
            let is_formula = |cell: &str| cell.trim_start().starts_with(['=', '+', '-', '@']);
            let cell = record
                .iter()
                .find(|cell| is_formula(cell) && cell.parse::<f64>().is_err());
            assert_eq!(cell, None);
        }
    }
}

#[test]
fn names_of_a_megabyte_do_not_fill_the_report() {
    // As long as a line lets them be, and of characters that become six.
    let long = |name: &str| format!("{name}{}", "|&".repeat(500_000));
    let mut logs = outage_run();
    for log in &mut logs {
        for line in &mut log.lines {
            for name in ["publisher-1", "receiver-1"] {
                *line = line.replace(name, &long(name));
            }
        }
    }
    let report = report_on(&logs);
    assert_eq!((report.totals.acked, report.totals.counts.lost), (10, 4));
    for (kind, max_bytes) in [
        (ReportKind::Text, 64 * 1024),
        (ReportKind::Junit, 64 * 1024),
        (ReportKind::Html, 256 * 1024),
        (ReportKind::Markdown, 128 * 1024),
        // A cell of a spreadsheet is 32 Ki characters long at most.
        (ReportKind::Csv, MAX_SUMMARY_BYTES),
    ] {
        let text = kind.render(&report);
        assert!(text.len() < max_bytes, "{kind:?} has {} bytes", text.len());
    }
    let summary = ReportKind::Markdown.render(&report);
    assert!(summary.starts_with("## ❌ FAIL\n") && summary.contains("4 of 10 messages lost (40 %, limit 0 %)"));
    assert!(summary.contains("\n### Gates\n") && summary.contains("| loss | fail | <code>receiver-1&#124;&amp;"));
}

#[test]
fn a_summary_of_300_by_300_pairs_keeps_verdict_and_gates() {
    // Names as long as they are shown, of characters that become six.
    let name = |role: &str, number: u32| format!("{role}-{number:03}{}", "|".repeat(120));
    let mut logs = Vec::new();
    for number in 0..300 {
        let mut sent = publisher(&name("publisher", number), 1);
        sent.acked(1, 1).end(9000, "completed");
        let mut heard = receiver(&name("receiver", number));
        // The last one has lost everything of the first 299.
        let first = if number == 299 { 299 } else { 0 };
        (first..300).for_each(|sender| {
            heard.received(&format!("{}/0", name("publisher", sender)), 1, 1);
        });
        heard.end(30_000, "idle");
        logs.extend([sent, heard]);
    }
    let report = report_on(&logs);
    let summary = ReportKind::Markdown.render(&report);
    assert!(summary.len() < MAX_SUMMARY_BYTES, "{}", summary.len());
    assert!(summary.starts_with("## ❌ FAIL\n") && summary.contains("299 of 300 messages lost"));
    for section in [
        "Gates",
        "Received, by receiver and sender",
        "Sums by receiver and by sender",
    ] {
        assert!(summary.contains(&format!("\n### {section}\n")), "{section}");
    }
    assert!(summary.contains("_cut, 89800 more rows; those shown weigh most_"));
    // Of 90,000 pairs those that lost something are shown.
    let pairs = summary.split_once("### Received, by receiver and sender").unwrap().1;
    assert!(
        pairs.lines().nth(4).unwrap().starts_with("| <code>receiver-299"),
        "{pairs}"
    );
    assert!(ReportKind::Html.render(&report).len() < 4 * MAX_SUMMARY_BYTES);
    assert!(ReportKind::Text.render(&report).len() < 64 * 1024);
    assert!(ReportKind::Junit.render(&report).len() < 64 * 1024);
}

#[test]
fn the_head_of_a_summary_fits_however_much_there_is_to_say() {
    let mut report = hostile_report();
    let text = "|".repeat(2000);
    report.reasons = vec![report.reasons[0].clone(); 1000];
    report
        .reasons
        .iter_mut()
        .for_each(|reason| reason.text.clone_from(&text));
    report.warnings = vec![text.clone(); 1000];
    report.gates = vec![report.gates[0].clone(); 1000];
    for gate in &mut report.gates {
        gate.name = text.clone().into();
        gate.scope.clone_from(&text);
    }
    let summary = ReportKind::Markdown.render(&report);
    assert!(summary.len() < 900 * 1024, "{}", summary.len());
    assert!(summary.contains("- and 950 more\n") && summary.contains("_cut, 800 more rows; those shown weigh most_"));
    assert!(summary.contains("### Received, by receiver and sender"));
    let junit = ReportKind::Junit.render(&report);
    assert!(junit.contains("and 900 more reasons"));
}
