//! The verdict on logs that are torn, missing, damaged, mixed or doubled: one test for each branch.

use event_log::event::{FailureOutcome, Role};

use super::fixture::*;
use crate::{
    options::Options,
    report::{ReasonCode, Verdict},
};

#[test]
fn a_torn_receiver_log_is_unknown() {
    let report = changed(|logs| {
        reopen(&mut logs[1]).subscribed(30_000);
    });
    expect(&report, Verdict::Unknown, &[ReasonCode::TornLog]);
}

#[test]
fn a_torn_receiver_log_with_a_certain_loss_fails() {
    let mut heard = receiver_of("receiver-1", [1, 3]);
    heard.subscribed(30_000);
    let report = report_on(&[clean_publisher(3), heard]);
    expect(&report, Verdict::Fail, &[ReasonCode::Loss, ReasonCode::TornLog]);
}

#[test]
fn what_was_sent_just_before_a_log_broke_off_is_not_certainly_lost() {
    // The last event is 2.9 s after the last message was sent, within the time an arrival may take.
    let mut heard = receiver_of("receiver-1", [1, 2]);
    heard.subscribed(5900);
    let report = report_on(&[clean_publisher(3), heard]);
    expect(
        &report,
        Verdict::Unknown,
        &[ReasonCode::TornLog, ReasonCode::TailNotObserved],
    );
    assert_eq!(
        (report.totals.counts.lost, report.totals.counts.not_observed_after),
        (0, 1)
    );
}

#[test]
fn a_torn_publisher_log_alone_is_unknown() {
    let report = changed(|logs| {
        reopen(&mut logs[0]);
    });
    expect(&report, Verdict::Unknown, &[ReasonCode::TornLog]);
}

#[test]
fn an_attempt_open_when_the_log_broke_off_is_not_a_failed_publish() {
    let mut sent = publisher("publisher-1", 3);
    sent.acked(1, 1)
        .failed(2, 1, FailureOutcome::Refused, true)
        .attempt(3, 1);
    let mut heard = receiver_of("receiver-1", [1]);
    heard.end(30_000, "idle");
    let report = report_on(&[sent.clone(), heard.clone()]);
    expect(&report, Verdict::Unknown, &[ReasonCode::TornLog]);
    sent.end(9000, "signal");
    expect(
        &report_on(&[sent, heard]),
        Verdict::Fail,
        &[ReasonCode::NeverAcknowledged],
    );
}

#[test]
fn a_missing_publisher_log_is_unknown() {
    let mut heard = receiver("receiver-1");
    heard.end(30_000, "idle");
    expect(&report_on(&[heard]), Verdict::Unknown, &[ReasonCode::NoPublisherLog]);
}

#[test]
fn a_missing_receiver_log_is_unknown() {
    expect(
        &report_on(&[clean_publisher(3)]),
        Verdict::Unknown,
        &[ReasonCode::NoReceiverLog],
    );
}

#[test]
fn a_receiver_log_without_clients_is_unknown() {
    let mut none = LogText::start(Role::Receiver, "receiver-1", |started| started.clients = 0);
    none.end(30_000, "idle");
    expect(
        &report_on(&[clean_publisher(3), none]),
        Verdict::Unknown,
        &[ReasonCode::NoReceiverLog],
    );
}

#[test]
fn fewer_or_more_logs_than_expected_are_unknown() {
    let asked = |publishers, receivers| Options {
        expect_publishers: Some(publishers),
        expect_receivers: Some(receivers),
        ..Options::default()
    };
    expect(&report_with(&clean_run(3), &asked(1, 1)), Verdict::Pass, &[]);
    expect(
        &report_with(&clean_run(3), &asked(2, 1)),
        Verdict::Unknown,
        &[ReasonCode::LogCount],
    );
    expect(
        &report_with(&clean_run(3), &asked(1, 2)),
        Verdict::Unknown,
        &[ReasonCode::LogCount],
    );
    expect(
        &report_with(&clean_run(3), &asked(0, 0)),
        Verdict::Unknown,
        &[ReasonCode::LogCount; 2],
    );
}

#[test]
fn what_the_logs_expect_is_checked() {
    let said = |line: &mut String, key: &str, count: u32| {
        *line = line.replace("\"config\"", &format!("\"{key}\":{count},\"config\""));
    };
    let report = changed(|logs| said(&mut logs[1].lines[0], "expect_receivers", 2));
    expect(&report, Verdict::Unknown, &[ReasonCode::LogCount]);
    assert_eq!(report.reasons[0].text, "found 1 of 2 receiver logs");
    let report = changed(|logs| {
        said(&mut logs[0].lines[0], "expect_publishers", 2);
        said(&mut logs[1].lines[0], "expect_publishers", 1);
    });
    expect(
        &report,
        Verdict::Unknown,
        &[ReasonCode::ExpectationsDisagree, ReasonCode::LogCount],
    );
}

#[test]
fn who_says_how_many_logs_there_must_be_overrides_the_logs() {
    let said = |line: &mut String, count: u32| {
        *line = line.replace("\"config\"", &format!("\"expect_publishers\":{count},\"config\""));
    };
    let mut logs = clean_run(3);
    said(&mut logs[0].lines[0], 2);
    said(&mut logs[1].lines[0], 3);
    let asked = Options {
        expect_publishers: Some(1),
        ..Options::default()
    };
    expect(&report_with(&logs, &asked), Verdict::Pass, &[]);
    // Nor does a node that served another run before know of this one.
    let report = changed(|logs| {
        let mut node = LogText::start(Role::ServiceNode, "node-1", |started| {
            "monday".clone_into(&mut started.run)
        });
        said(&mut node.lines[0], 7);
        node.end(30_000, "signal");
        logs.push(node);
    });
    expect(&report, Verdict::Pass, &[]);
}

#[test]
fn an_empty_log_is_unknown() {
    let report = changed(|logs| logs.push(LogText::empty("receiver-2.jsonl")));
    expect(&report, Verdict::Unknown, &[ReasonCode::EmptyLog]);
}

#[test]
fn a_log_without_head_is_unknown() {
    let report = changed(|logs| {
        let mut headless = clean_run(3).remove(1);
        headless.path = "receiver-2.jsonl".to_owned();
        headless.lines.remove(0);
        logs.push(headless);
    });
    expect(&report, Verdict::Unknown, &[ReasonCode::NoRunStarted]);
}

#[test]
fn unreadable_lines_are_unknown() {
    let report = changed(|logs| logs[1].lines.insert(3, "{\"v\":1,\"event\":\"rece".to_owned()));
    expect(&report, Verdict::Unknown, &[ReasonCode::UnreadableLines]);
}

#[test]
fn a_loss_that_an_unreadable_line_may_explain_is_unknown() {
    let logs = |heard: &[u32]| {
        let mut log = receiver_of("receiver-1", heard.iter().copied());
        log.end(30_000, "idle");
        log.lines.insert(3, "{\"v\":1,\"event\":\"rece".to_owned());
        [clean_publisher(3), log]
    };
    let report = report_on(&logs(&[1, 2]));
    expect(
        &report,
        Verdict::Unknown,
        &[ReasonCode::UnreadableLines, ReasonCode::Loss],
    );
    expect(
        &report_on(&logs(&[1])),
        Verdict::Fail,
        &[ReasonCode::Loss, ReasonCode::UnreadableLines],
    );
}

#[test]
fn other_text_between_events_is_a_warning() {
    let report = changed(|logs| logs[1].lines.insert(3, "receiver: 3 messages".to_owned()));
    expect(&report, Verdict::Pass, &[]);
    assert_eq!(report.warnings.len(), 1);
}

#[test]
fn fewer_messages_than_planned_are_unknown_unless_the_end_was_ordered() {
    let ended = |reason: &str| {
        let mut logs = clean_run(3);
        logs[0].lines[0] = logs[0].lines[0].replace("\"messages\":3", "\"messages\":5");
        reopen(&mut logs[0]).end(9000, reason);
        report_on(&logs)
    };
    expect(&ended("completed"), Verdict::Unknown, &[ReasonCode::CountMismatch]);
    for reason in ["signal", "duration"] {
        let report = ended(reason);
        expect(&report, Verdict::Pass, &[]);
        assert!(report.warnings[0].contains("3 of 5"), "{:?}", report.warnings);
    }
    expect(&ended("error: disk full"), Verdict::Unknown, &[ReasonCode::RoleFailed]);
}

#[test]
fn mixed_runs_are_unknown_until_one_is_chosen() {
    let mut logs = clean_run(3);
    for mut log in clean_run(2) {
        log.path = format!("other-{}", log.path);
        log.lines[0] = log.lines[0].replace("0f3c", "beef");
        logs.push(log);
    }
    let report = report_on(&logs);
    expect(&report, Verdict::Unknown, &[ReasonCode::MixedRuns]);
    assert!(
        report.reasons[0].text.contains("0f3c, beef"),
        "{}",
        report.reasons[0].text
    );
    assert!(report.receivers.is_empty(), "nothing is merged");
    let chosen = |run: &str| {
        report_with(
            &logs,
            &Options {
                run: Some(run.to_owned()),
                ..Options::default()
            },
        )
    };
    assert_eq!(chosen("0f3c").totals.attempted, 3);
    assert_eq!(chosen("beef").totals.attempted, 2);
    expect(&chosen("beef"), Verdict::Pass, &[]);
    expect(&chosen("none"), Verdict::Unknown, &[ReasonCode::RunNotFound]);
}

#[test]
fn a_restarted_publisher_is_unknown() {
    let report = changed(|logs| {
        let mut again = clean_publisher(3);
        again.path = "publisher-1b.jsonl".to_owned();
        logs.push(again);
    });
    expect(&report, Verdict::Unknown, &[ReasonCode::ReusedName]);
}

#[test]
fn a_sender_of_two_publishers_is_unknown() {
    let report = changed(|logs| {
        let mut other = clean_publisher(3);
        other.path = "publisher-2.jsonl".to_owned();
        other.lines[0] = other.lines[0].replace("\"node\":\"publisher-1\"", "\"node\":\"publisher-2\"");
        logs.push(other);
    });
    expect(&report, Verdict::Unknown, &[ReasonCode::ReusedName]);
    assert!(
        report.reasons[0].text.contains("publisher-1/0"),
        "{}",
        report.reasons[0].text
    );
}

#[test]
fn a_restarted_receiver_is_unknown_and_has_two_rows() {
    let report = changed(|logs| {
        let mut again = clean_run(3).remove(1);
        again.path = "receiver-1b.jsonl".to_owned();
        logs.push(again);
    });
    expect(&report, Verdict::Unknown, &[ReasonCode::ReusedName]);
    let names: Vec<_> = report.receivers.iter().map(|r| r.receiver.as_str()).collect();
    assert_eq!(
        names,
        ["receiver-1/0 in receiver-1.jsonl", "receiver-1/0 in receiver-1b.jsonl"]
    );
}

#[test]
fn two_logs_in_one_file_are_two_logs() {
    let mut both = LogText::empty("all.jsonl");
    both.lines = clean_run(3).into_iter().flat_map(|log| log.lines).collect();
    let report = report_on(&[both]);
    expect(&report, Verdict::Pass, &[]);
    assert_eq!(
        report.logs.iter().map(|log| log.path.as_str()).collect::<Vec<_>>(),
        ["all.jsonl", "all.jsonl#2"]
    );
}
