//! Same logs in, same report out, byte for byte, in whatever order files and lines come.

use event_log::event::{ClientStarted, FailureOutcome};
use proptest::prelude::*;

use super::{fixture::*, reference::history, tables::tables};
use crate::report::{ReportKind, Reporter as _, TextStyle, render_json, render_text};

/// Every form that is one document.
const KINDS: [ReportKind; 6] = [
    ReportKind::Text,
    ReportKind::Json,
    ReportKind::Markdown,
    ReportKind::Junit,
    ReportKind::Html,
    ReportKind::Csv,
];

fn shown(logs: &[LogText]) -> [String; KINDS.len()] {
    let report = report_on(logs);
    KINDS.map(|kind| kind.render(&report))
}

/// Lines with equal times, twins, gaps, two receivers: whatever an order could leak through.
fn busy_run() -> Vec<LogText> {
    let mut sent = publisher("publisher-1", 6);
    sent.failed(1, 1, FailureOutcome::NoAnswer, true)
        .acked(1, 2)
        .acked(2, 1)
        .acked(3, 1);
    sent.failed(4, 1, FailureOutcome::Refused, false)
        .acked(5, 1)
        .attempt(6, 1)
        .end(9000, "signal");
    let mut one = receiver_of("receiver-1", [1, 3, 5]);
    one.received_at(1051, "publisher-1/0", 1, 2)
        .received_at(1051, "publisher-1/0", 2, 1);
    one.received_at(1051, "stranger", 7, 1)
        .received_at(1051, "another", 8, 1);
    one.gap(2000, 2100, 2500).gap(4000, 4100, 4200).end(30_000, "idle");
    let mut two = receiver_of("receiver-2", [5, 5, 3]);
    two.lines.push("not an event".to_owned());
    two.lines.push("{\"v\":1,\"event\":\"cut".to_owned());
    vec![sent, one, two]
}

#[test]
fn of_two_starts_of_one_client_the_later_counts_whatever_the_order_of_lines() {
    let start = |ms: i64, name: &str| {
        let event = ClientStarted {
            client: 0,
            name: name.to_owned(),
            peer_id: format!("peer of {name}"),
        };
        let mut log = LogText::empty("");
        log.log(ms, event);
        log.lines.remove(0)
    };
    for (ms, expected) in [(-1000, "later"), (-1800, "zebra")] {
        let mut logs = clean_run(3);
        logs[1].lines.push(start(ms, expected));
        logs[1].lines.push(start(-1800, "earlier"));
        let before = shown(&logs);
        logs[1].lines.reverse();
        assert_eq!(shown(&logs), before);
        assert_eq!(report_on(&logs).receivers[0].receiver, expected);
    }
}

fn shuffled(logs: Vec<LogText>) -> impl Strategy<Value = Vec<LogText>> {
    let each: Vec<_> = logs
        .into_iter()
        .map(|log| {
            Just(log.lines.clone())
                .prop_shuffle()
                .prop_map(move |lines| LogText { lines, ..log.clone() })
        })
        .collect();
    each.prop_shuffle()
}

proptest! {
    #[test]
    fn the_order_of_a_busy_run_does_not_matter(logs in shuffled(busy_run())) {
        prop_assert_eq!(shown(&logs), shown(&busy_run()));
    }

    #[test]
    fn the_order_of_any_run_does_not_matter(
        (before, after) in history().prop_flat_map(|h| (Just(h.logs()), shuffled(h.logs())))
    ) {
        prop_assert_eq!(shown(&before), shown(&after));
    }

    #[test]
    fn the_order_of_lines_does_not_matter_for_the_tables(logs in shuffled(busy_run())) {
        prop_assert_eq!(tables(&logs), tables(&busy_run()));
    }

    #[test]
    fn a_damaged_run_never_panics(
        damage in proptest::collection::vec(any::<(prop::sample::Index, prop::sample::Index, u8)>(), 1..20)
    ) {
        let mut archive = crate::model::Archive::default();
        for log in busy_run() {
            let mut bytes = log.text().into_bytes();
            for (place, digit, byte) in &damage {
                let place = place.index(bytes.len());
                // Digits most of all: a changed number still parses.
                let near = bytes[place..].iter().position(u8::is_ascii_digit).map_or(place, |ahead| place + ahead);
                bytes[near] = if byte % 2 == 0 { b'0' + u8::try_from(digit.index(10)).unwrap() } else { *byte };
            }
            crate::load::load_one(&mut archive, &log.path, true, bytes.as_slice()).unwrap();
        }
        let report = crate::report::build(&archive, &crate::Options::default());
        prop_assert!(!render_text(&report, TextStyle::Plain).is_empty());
        prop_assert!(!render_json(&report).is_empty());
    }
}
