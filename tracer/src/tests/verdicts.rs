//! One test for each branch of the verdict: without the branch the test fails.

use event_log::event::{FailureOutcome, Role};

use super::fixture::*;
use crate::{
    options::Options,
    report::{ReasonCode, Report, Verdict},
};

#[track_caller]
fn expect(report: &Report, verdict: Verdict, reasons: &[ReasonCode]) {
    assert_eq!(
        (report.verdict, codes(report).as_slice()),
        (verdict, reasons),
        "{:#?}",
        report.reasons
    );
}

/// The clean run with 3 messages, its logs changed.
fn changed(change: impl FnOnce(&mut Vec<LogText>)) -> Report {
    let mut logs = clean_run(3);
    change(&mut logs);
    report_on(&logs)
}

/// The end of the receiver's log, for tests that put something before it.
fn reopen(log: &mut LogText) -> &mut LogText {
    log.lines.pop();
    log
}

#[test]
fn a_clean_run_passes() {
    let report = report_on(&clean_run(120));
    expect(&report, Verdict::Pass, &[]);
    assert!(report.warnings.is_empty());
    assert!(
        report
            .gates
            .iter()
            .all(|gate| gate.verdict == Verdict::Pass && gate.margin >= Some(0.0))
    );
    assert_eq!(report.gates.len(), 4, "loss, never acknowledged, unexpected, slip");
    assert_eq!(
        (report.totals.counts.expected, report.totals.counts.received),
        (120, 120)
    );
}

#[test]
fn total_loss_fails() {
    let mut heard = receiver("receiver-1");
    heard.end(30_000, "idle");
    let report = report_on(&[clean_publisher(3), heard]);
    expect(&report, Verdict::Fail, &[ReasonCode::Loss]);
    assert_eq!(report.receivers[0].loss_percent, Some(100.0));
}

#[test]
fn tail_loss_fails() {
    let mut heard = receiver_of("receiver-1", 1..=2);
    heard.end(30_000, "idle");
    let report = report_on(&[clean_publisher(3), heard]);
    expect(&report, Verdict::Fail, &[ReasonCode::Loss]);
    assert_eq!(report.receivers[0].senders[0].lost_indices.show(9), "3");
}

#[test]
fn a_silent_receiver_fails_although_another_heard_everything() {
    let report = changed(|logs| {
        let mut silent = receiver("receiver-2");
        silent.end(30_000, "idle");
        logs.push(silent);
    });
    expect(&report, Verdict::Fail, &[ReasonCode::Loss]);
    assert_eq!(
        report.receivers.iter().map(|r| r.counts.lost).collect::<Vec<_>>(),
        [0, 3]
    );
}

#[test]
fn a_receiver_that_never_subscribed_has_lost_everything() {
    // It even left before the first message: who never subscribed heard nothing.
    let mut deaf = deaf_receiver("receiver-1");
    deaf.end(0, "error: no service node");
    let report = report_on(&[clean_publisher(3), deaf]);
    expect(&report, Verdict::Fail, &[ReasonCode::Loss, ReasonCode::RoleFailed]);
    assert_eq!(report.receivers[0].counts.lost, 3);
}

#[test]
fn a_silent_client_of_a_receiver_has_a_row() {
    let report = changed(|logs| {
        logs[1].lines[0] = logs[1].lines[0].replace("\"clients\":1", "\"clients\":2");
    });
    expect(&report, Verdict::Fail, &[ReasonCode::Loss]);
    assert_eq!(report.receivers[1].receiver, "receiver-1/1");
}

#[test]
fn a_silent_sender_is_unknown() {
    // Two clients planned three messages each, one of them never sent anything.
    let report = changed(|logs| {
        logs[0].lines[0] = logs[0].lines[0].replace("\"clients\":1", "\"clients\":2");
    });
    expect(&report, Verdict::Unknown, &[ReasonCode::CountMismatch]);
    assert!(report.reasons[0].text.contains("3 of 6"), "{}", report.reasons[0].text);
}

#[test]
fn a_sender_nobody_heard_fails() {
    let report = changed(|logs| {
        let mut second = publisher("publisher-2", 2);
        second.acked(1, 1).acked(2, 1).end(4000, "completed");
        logs.push(second);
    });
    expect(&report, Verdict::Fail, &[ReasonCode::Loss]);
    let lost: Vec<_> = report.receivers[0]
        .senders
        .iter()
        .map(|cell| (cell.sender.as_str(), cell.counts.lost))
        .collect();
    assert_eq!(lost, [("publisher-1/0", 0), ("publisher-2/0", 2)]);
}

#[test]
fn one_duplicate_does_not_cancel_one_loss() {
    let mut heard = receiver_of("receiver-1", [1, 2, 2]);
    heard.end(30_000, "idle");
    let report = report_on(&[clean_publisher(3), heard]);
    expect(&report, Verdict::Fail, &[ReasonCode::Loss]);
    assert_eq!((report.totals.counts.lost, report.totals.counts.duplicates), (1, 1));
}

#[test]
fn a_loss_within_the_limit_passes() {
    let mut heard = receiver_of("receiver-1", 1..=99);
    heard.end(200_000, "idle");
    let logs = [clean_publisher(100), heard];
    let report = report_with(
        &logs,
        &Options {
            max_loss_percent: 1.0,
            ..Options::default()
        },
    );
    expect(&report, Verdict::Pass, &[]);
    assert_eq!((report.gates[0].value, report.gates[0].margin), (Some(1.0), Some(0.0)));
    let report = report_with(
        &logs,
        &Options {
            max_loss_percent: 0.99,
            ..Options::default()
        },
    );
    expect(&report, Verdict::Fail, &[ReasonCode::Loss]);
}

#[test]
fn duplicates_fail_only_when_asked() {
    let mut logs = clean_run(3);
    reopen(&mut logs[1])
        .received_at(9000, "publisher-1/0", 3, 1)
        .end(30_000, "idle");
    expect(&report_on(&logs), Verdict::Pass, &[]);
    let limit = |max| Options {
        max_duplicates: Some(max),
        ..Options::default()
    };
    expect(&report_with(&logs, &limit(0)), Verdict::Fail, &[ReasonCode::Duplicates]);
    expect(&report_with(&logs, &limit(1)), Verdict::Pass, &[]);
}

#[test]
fn an_unexpected_message_fails() {
    let mut logs = clean_run(3);
    reopen(&mut logs[1])
        .received_at(9000, "nobody", 3, 1)
        .end(30_000, "idle");
    let report = report_on(&logs);
    expect(&report, Verdict::Fail, &[ReasonCode::Unexpected]);
    assert_eq!(report.receivers[0].unexpected_by_sender[0].sender, "nobody");
    expect(
        &report_with(
            &logs,
            &Options {
                max_unexpected: 1,
                ..Options::default()
            },
        ),
        Verdict::Pass,
        &[],
    );
}

#[test]
fn an_unexpected_message_is_unknown_when_a_publisher_log_is_torn() {
    let mut logs = clean_run(3);
    reopen(&mut logs[0]);
    reopen(&mut logs[1])
        .received_at(9000, "publisher-1/0", 4, 1)
        .end(30_000, "idle");
    expect(
        &report_on(&logs),
        Verdict::Unknown,
        &[ReasonCode::TornLog, ReasonCode::Unexpected],
    );
}

#[test]
fn a_message_of_another_run_is_not_unexpected() {
    let mut logs = clean_run(3);
    reopen(&mut logs[1])
        .received_with(9000, "x", 1, 1, |e| e.run = Some("ffff".to_owned()))
        .end(30_000, "idle");
    let report = report_on(&logs);
    expect(&report, Verdict::Pass, &[]);
    assert_eq!((report.receivers[0].other_run, report.receivers[0].unexpected), (1, 0));
}

#[test]
fn a_refused_message_fails_unless_tolerated() {
    let mut sent = publisher("publisher-1", 3);
    sent.acked(1, 1)
        .failed(2, 1, FailureOutcome::Refused, false)
        .acked(3, 1)
        .end(9000, "completed");
    let mut heard = receiver_of("receiver-1", [1, 3]);
    heard.end(30_000, "idle");
    let logs = [sent, heard];
    let report = report_on(&logs);
    expect(&report, Verdict::Fail, &[ReasonCode::NeverAcknowledged]);
    assert_eq!(
        (
            report.totals.not_published,
            report.totals.counts.failed,
            report.totals.counts.lost
        ),
        (1, 1, 0)
    );
    expect(
        &report_with(
            &logs,
            &Options {
                allow_failed_publishes: true,
                ..Options::default()
            },
        ),
        Verdict::Pass,
        &[],
    );
}

#[test]
fn a_message_without_answer_is_indeterminate_and_not_passed_over() {
    let mut sent = publisher("publisher-1", 2);
    sent.acked(1, 1)
        .failed(2, 1, FailureOutcome::NoAnswer, false)
        .end(9000, "completed");
    let mut heard = receiver_of("receiver-1", [1]);
    heard.end(30_000, "idle");
    let report = report_on(&[sent, heard]);
    expect(&report, Verdict::Fail, &[ReasonCode::NeverAcknowledged]);
    assert_eq!((report.totals.counts.indeterminate, report.totals.counts.lost), (1, 0));
    assert_eq!(report.receivers[0].senders[0].indeterminate_indices.show(9), "2");
    assert!(report.warnings.iter().any(|warning| warning.contains("without answer")));
}

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
fn zero_messages_are_unknown() {
    let mut sent = publisher("publisher-1", 0);
    sent.end(9000, "completed");
    let mut heard = receiver("receiver-1");
    heard.end(30_000, "idle");
    expect(
        &report_on(&[sent, heard]),
        Verdict::Unknown,
        &[ReasonCode::NothingAttempted],
    );
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
fn a_schedule_that_slips_is_unknown() {
    // The publisher sends 1 ms late; a limit below that is exceeded.
    let slip = |max_slip_ns| {
        report_with(
            &clean_run(3),
            &Options {
                max_slip_ns,
                ..Options::default()
            },
        )
    };
    expect(&slip(None), Verdict::Pass, &[]);
    expect(&slip(Some(1_000_000)), Verdict::Pass, &[]);
    let report = slip(Some(999_999));
    expect(&report, Verdict::Unknown, &[ReasonCode::ScheduleSlip]);
    let gate = report
        .gates
        .iter()
        .find(|gate| gate.name == "schedule slip p99")
        .unwrap();
    assert_eq!((gate.value, gate.limit), (Some(1.0), Some(0.999_999)));
}

#[test]
fn the_slip_limit_grows_with_the_interval() {
    let late = |interval_ns: u64| {
        let mut logs = clean_run(3);
        let interval = format!("\"interval_ns\":{interval_ns}");
        logs[0].lines[0] = logs[0].lines[0].replace("\"interval_ns\":1000000000", &interval);
        for line in &mut logs[0].lines {
            // The intended time of message 3 is 50 ms earlier: it leaves 51 ms late.
            *line = line.replace(
                "\"intended\":\"2023-11-14T22:13:23.000",
                "\"intended\":\"2023-11-14T22:13:22.950",
            );
        }
        report_on(&logs)
    };
    expect(&late(1_000_000_000), Verdict::Pass, &[]);
    expect(&late(500_000_000), Verdict::Unknown, &[ReasonCode::ScheduleSlip]);
    expect(&late(0), Verdict::Unknown, &[ReasonCode::ScheduleSlip]);
}

fn latency_with(boot: &str, clock_error_ns: Option<u64>, limit_ms: i64, arrival_shift_ms: i64) -> Report {
    let mut heard = LogText::start(Role::Receiver, "receiver-1", |started| {
        started.boot = Some(boot.to_owned());
        started.clock_error_ns = clock_error_ns;
    });
    heard.subscribed(-500);
    for index in 1..=3 {
        heard.received_at(intended(index) + arrival_shift_ms, "publisher-1/0", index, 1);
    }
    heard.end(30_000, "idle");
    let mut sent = clean_publisher(3);
    if let Some(error_ns) = clock_error_ns {
        sent.lines[0] = sent.lines[0].replace("\"config\"", &format!("\"clock_error_ns\":{error_ns},\"config\""));
    }
    let options = Options {
        max_latency_p99_ns: Some(limit_ms * 1_000_000),
        ..Options::default()
    };
    report_with(&[sent, heard], &options)
}

#[test]
fn latency_on_one_clock_is_judged() {
    expect(&latency_with("boot-1", None, 50, 50), Verdict::Pass, &[]);
    expect(
        &latency_with("boot-1", None, 49, 50),
        Verdict::Fail,
        &[ReasonCode::Latency],
    );
}

#[test]
fn latency_without_clock_bound_is_unknown() {
    expect(
        &latency_with("boot-2", None, 5000, 50),
        Verdict::Unknown,
        &[ReasonCode::Latency],
    );
}

#[test]
fn latency_within_the_clock_bound_of_the_limit_is_unknown() {
    let ten_ms = Some(10_000_000);
    expect(&latency_with("boot-2", ten_ms, 70, 50), Verdict::Pass, &[]);
    expect(
        &latency_with("boot-2", ten_ms, 69, 50),
        Verdict::Unknown,
        &[ReasonCode::Latency],
    );
    expect(
        &latency_with("boot-2", ten_ms, 30, 50),
        Verdict::Unknown,
        &[ReasonCode::Latency],
    );
    expect(
        &latency_with("boot-2", ten_ms, 29, 50),
        Verdict::Fail,
        &[ReasonCode::Latency],
    );
}

#[test]
fn negative_latency_is_counted_and_makes_a_latency_gate_unknown() {
    let report = latency_with("boot-1", None, 5000, -3);
    expect(&report, Verdict::Unknown, &[ReasonCode::Latency]);
    let latency = &report.receivers[0].latency;
    assert_eq!(
        (latency.from_intended.negative, latency.from_intended.min_ns),
        (3, Some(-3_000_000))
    );
    assert_eq!(
        (latency.from_sent.negative, latency.from_sent.n),
        (3, 3),
        "never dropped"
    );
    assert!(
        report
            .warnings
            .iter()
            .any(|warning| warning.contains("by the clocks: they disagree"))
    );
    // Loss does not depend on clocks.
    assert_eq!(report.totals.counts.lost, 0);
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

#[test]
fn a_receiver_that_leaves_early_is_unknown() {
    let mut heard = receiver_of("receiver-1", [1, 2]);
    heard.end(2500, "duration");
    let report = report_on(&[clean_publisher(3), heard]);
    expect(&report, Verdict::Unknown, &[ReasonCode::TailNotObserved]);
    assert_eq!(report.totals.counts.not_observed_after, 1);
}

#[test]
fn a_receiver_that_comes_late_has_not_lost_what_it_missed() {
    let mut heard = deaf_receiver("receiver-1");
    heard
        .subscribed(1500)
        .received("publisher-1/0", 2, 1)
        .received("publisher-1/0", 3, 1)
        .end(30_000, "idle");
    let report = report_on(&[clean_publisher(3), heard]);
    expect(&report, Verdict::Pass, &[]);
    assert_eq!(
        (report.totals.counts.not_observed_before, report.totals.counts.expected),
        (1, 2)
    );
    assert!(report.warnings[0].contains("before it subscribed"));
}

#[test]
fn a_receiver_that_comes_too_late_for_anything_is_unknown() {
    let mut heard = deaf_receiver("receiver-1");
    heard.subscribed(10_000).end(30_000, "idle");
    let report = report_on(&[clean_publisher(3), heard]);
    expect(&report, Verdict::Unknown, &[ReasonCode::NothingObserved]);
}

#[test]
fn a_run_whose_every_publish_failed_is_not_a_pass() {
    let mut sent = publisher("publisher-1", 1);
    sent.failed(1, 1, FailureOutcome::NotSent, false).end(9000, "completed");
    let mut heard = receiver("receiver-1");
    heard.end(30_000, "idle");
    let tolerant = Options {
        allow_failed_publishes: true,
        ..Options::default()
    };
    expect(
        &report_with(&[sent, heard], &tolerant),
        Verdict::Unknown,
        &[ReasonCode::NothingAcknowledged],
    );
}

#[test]
fn fail_beats_unknown_beats_pass() {
    use Verdict::{Fail, Pass, Unknown};
    for (a, b, both) in [
        (Pass, Pass, Pass),
        (Pass, Unknown, Unknown),
        (Unknown, Fail, Fail),
        (Pass, Fail, Fail),
    ] {
        assert_eq!((a.and(b), b.and(a)), (both, both));
    }
}

#[test]
fn a_latency_gate_without_arrivals_is_unknown() {
    let mut heard = receiver("receiver-1");
    heard.end(30_000, "idle");
    let options = Options {
        max_loss_percent: 100.0,
        max_latency_p99_ns: Some(1),
        ..Options::default()
    };
    expect(
        &report_with(&[clean_publisher(3), heard], &options),
        Verdict::Unknown,
        &[ReasonCode::Latency],
    );
}
