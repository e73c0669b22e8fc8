//! The verdict on what was lost, refused, doubled or unexpected: one test for each branch.

use event_log::event::FailureOutcome;

use super::fixture::*;
use crate::{
    options::Options,
    report::{ReasonCode, Verdict},
};

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
fn zero_messages_are_unknown() {
    let mut sent = publisher("publisher-1", 0);
    sent.end(9000, "completed");
    let mut heard = receiver("receiver-1");
    heard.end(30_000, "idle");
    let report = report_on(&[sent, heard]);
    // The gate, too: JUnit shows each by itself.
    assert_eq!(
        (report.gates[0].name.as_ref(), report.gates[0].verdict),
        ("loss", Verdict::Unknown)
    );
    expect(&report, Verdict::Unknown, &[ReasonCode::NothingAttempted]);
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
