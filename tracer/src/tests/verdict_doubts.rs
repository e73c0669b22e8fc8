//! Logs that leave something open: what is only a warning, and what cannot be said any more.

use event_log::event::Role;

use super::fixture::*;
use crate::{
    load::load_one,
    options::Options,
    report::{ReasonCode, Verdict},
};

#[test]
fn a_log_of_another_program_in_a_folder_is_a_warning() {
    let mut archive = archive(&clean_run(3));
    load_one(&mut archive, "other.log", false, b"another program\n".as_slice()).unwrap();
    let report = crate::report::build(&archive, &Options::default());
    expect(&report, Verdict::Pass, &[]);
    assert_eq!(report.warnings, ["other.log holds no event and was left out"]);
}

/// The gate for messages that no publisher log knows, when there is one and the logs are changed.
fn unexpected_with(options: &Options, change: impl FnOnce(&mut Vec<LogText>)) -> Option<Verdict> {
    let mut logs = clean_run(3);
    reopen(&mut logs[1]).received("publisher-9/0", 1, 1).end(30_000, "idle");
    change(&mut logs);
    let report = report_with(&logs, options);
    let gate = report.gates.iter().find(|gate| gate.name == "unexpected")?;
    Some(gate.verdict)
}

#[test]
fn what_nobody_sent_is_unknown_where_a_publisher_log_may_be_missing() {
    let options = Options::default();
    assert_eq!(unexpected_with(&options, |_| {}), Some(Verdict::Fail));
    let unknown = Some(Verdict::Unknown);
    let damaged = |logs: &mut Vec<LogText>| logs[0].lines.insert(3, "{\"v\":1,\"event\":\"publ".to_owned());
    assert_eq!(unexpected_with(&options, damaged), unknown);
    let empty = |logs: &mut Vec<LogText>| logs.push(LogText::empty("publisher-9.jsonl"));
    assert_eq!(unexpected_with(&options, empty), unknown);
    let headless = |logs: &mut Vec<LogText>| {
        let mut log = publisher("publisher-9", 1);
        log.acked(1, 1).lines.remove(0);
        logs.push(log);
    };
    assert_eq!(unexpected_with(&options, headless), unknown);
    let none = |logs: &mut Vec<LogText>| drop(logs.remove(0));
    assert_eq!(unexpected_with(&options, none), unknown);
    let two = Options {
        expect_publishers: Some(2),
        ..Options::default()
    };
    assert_eq!(unexpected_with(&two, |_| {}), unknown);
}

#[test]
fn a_torn_publisher_log_says_how_far_it_came() {
    let report = changed(|logs| {
        logs[0] = publisher("publisher-1", 5);
        (1..=3).for_each(|index| {
            logs[0].acked(index, 1);
        });
    });
    let expected = "publisher-1.jsonl attempted 3 of 5 planned messages";
    assert!(
        report.warnings.iter().any(|warning| warning == expected),
        "{:?}",
        report.warnings
    );
}

#[test]
fn a_log_of_a_service_node_that_is_not_whole_is_a_warning() {
    for (is_torn, is_damaged) in [(false, false), (true, false), (false, true)] {
        let report = changed(|logs| {
            let mut node = LogText::start(Role::ServiceNode, "node-1", |_| {});
            if is_damaged {
                node.lines.push("{\"v\":1,\"event\":\"stor".to_owned());
            }
            if !is_torn {
                node.end(30_000, "signal");
            }
            logs.push(node);
        });
        expect(&report, Verdict::Pass, &[]);
        let expected = "node-1.jsonl is torn or damaged: it cannot show that something did not happen";
        let warned = report.warnings.iter().any(|warning| warning == expected);
        assert_eq!(warned, is_torn || is_damaged, "{:?}", report.warnings);
    }
}

#[test]
fn events_of_a_later_version_are_a_warning() {
    let report = changed(|logs| {
        let line = logs[1].lines[2].replace("\"event\":\"", "\"event\":\"later_");
        logs[1].lines.insert(3, line);
    });
    expect(&report, Verdict::Pass, &[]);
    assert_eq!(report.warnings, ["receiver-1.jsonl has 1 event of unknown names"]);
}

#[test]
fn logs_of_service_nodes_alone_name_their_run() {
    let mut node = LogText::start(Role::ServiceNode, "node-1", |_| {});
    node.end(30_000, "signal");
    let report = report_on(&[node]);
    assert_eq!(report.run.as_deref(), Some(RUN));
    expect(
        &report,
        Verdict::Unknown,
        &[ReasonCode::NoPublisherLog, ReasonCode::NoReceiverLog],
    );
}

#[test]
fn without_any_event_both_ends_are_missing() {
    let report = report_on(&[LogText::empty("a.jsonl")]);
    expect(
        &report,
        Verdict::Unknown,
        &[
            ReasonCode::EmptyLog,
            ReasonCode::NoPublisherLog,
            ReasonCode::NoReceiverLog,
        ],
    );
}

#[test]
fn a_node_that_names_another_run_is_a_warning_and_a_native_log_names_none() {
    let mut node = LogText::start(Role::ServiceNode, "node-1", |started| {
        "monday".clone_into(&mut started.run)
    });
    node.end(30_000, "signal");
    let mut logs = clean_run(3);
    logs.push(node);
    let mut archive = archive(&logs);
    let native = "NTC 2025-11-20 13:06:16.015+00:00 handling message topics=\"waku filter\" tid=1 file=protocol.nim:213 \
        pubsubTopic=/waku/2/rs/2/0 msg_hash=0x7cdd668c0d74a717f593225238ae193c2e826e523ad40b35f1258513e3c9a7e9\n";
    load_one(&mut archive, "node-2.log", false, native.as_bytes()).unwrap();
    let report = crate::report::build(&archive, &Options::default());
    let named = |warning: &&String| warning.contains("names run");
    let warnings: Vec<_> = report.warnings.iter().filter(named).collect();
    assert_eq!(
        warnings,
        ["node-1.jsonl names run monday: its messages are matched by hash"]
    );
    assert_eq!(report.logs.iter().filter(|log| log.used).count(), 4);
}
