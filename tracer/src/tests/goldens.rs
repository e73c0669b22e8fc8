//! The histories Jepsen checks its own checkers with (jepsen-io/jepsen, `jepsen/test/jepsen/checker_test.clj`).

use event_log::event::FailureOutcome;

use super::fixture::*;
use crate::report::Verdict;

/// `set-test`: attempted 0 1 10 11 20 21, acknowledged 0 1, failed 10 11, indeterminate 20 21, read 0 10 20 30.
/// Lost 1, recovered 10 and 20, unexpected 30. Our indices begin at 1, so 0 stands here as 2.
#[test]
fn set_test() {
    let mut sent = publisher("publisher-1", 6);
    sent.acked(2, 1).acked(1, 1);
    sent.failed(10, 1, FailureOutcome::Refused, false)
        .failed(11, 1, FailureOutcome::Refused, false);
    sent.failed(20, 1, FailureOutcome::NoAnswer, false)
        .failed(21, 1, FailureOutcome::NoAnswer, false);
    sent.end(40_000, "completed");
    let mut heard = receiver_of("receiver-1", [2, 10, 20, 30]);
    heard.end(60_000, "idle");
    let report = report_on(&[sent, heard]);
    let c = &report.receivers[0].counts;
    assert_eq!(report.verdict, Verdict::Fail);
    assert_eq!((c.attempted, c.acked, c.received), (6, 2, 3));
    assert_eq!((c.lost, c.recovered, report.receivers[0].unexpected), (1, 2, 1));
    assert_eq!(report.receivers[0].senders[0].lost_indices.show(9), "1");
    assert_eq!(report.receivers[0].unexpected_by_sender[0].indices.show(9), "30");
    assert_eq!((c.failed, c.indeterminate, c.duplicates), (1, 1, 0));
}

/// `total-queue-test`, "pathological": attempted hung, enqueued, dup; acknowledged enqueued, dup; read wtf, dup, dup.
/// Lost enqueued, unexpected wtf, duplicated dup, nothing recovered.
#[test]
fn total_queue_test_pathological() {
    let (hung, enqueued, dup, wtf) = (1, 2, 3, 4);
    let mut sent = publisher("publisher-1", 3);
    sent.attempt(hung, 1)
        .acked(enqueued, 1)
        .acked(dup, 1)
        .end(9000, "completed");
    let mut heard = receiver("receiver-1");
    heard
        .received("publisher-1/0", wtf, 1)
        .received_at(9000, "publisher-1/0", dup, 1);
    heard.received_at(9500, "publisher-1/0", dup, 1).end(30_000, "idle");
    let report = report_on(&[sent, heard]);
    let r = &report.receivers[0];
    assert_eq!(report.verdict, Verdict::Fail);
    assert_eq!((r.counts.attempted, r.counts.acked, r.counts.received), (3, 2, 1));
    assert_eq!(
        (r.counts.lost, r.counts.recovered, r.unexpected, r.counts.duplicates),
        (1, 0, 1, 1)
    );
    assert_eq!(r.senders[0].lost_indices.show(9), "2");
    assert_eq!((r.duplicates[0].index, r.duplicates[0].age_ns), (dup, 500_000_000));
}

/// `total-queue-test`, "sane": two attempts in doubt, one of them dequeued, one acknowledged and dequeued.
#[test]
fn total_queue_test_sane() {
    let mut sent = publisher("publisher-1", 2);
    sent.attempt(1, 1).acked(2, 1).end(9000, "completed");
    let mut heard = receiver_of("receiver-1", [2, 1]);
    heard.end(30_000, "idle");
    let c = report_on(&[sent, heard]).receivers[0].counts;
    assert_eq!((c.attempted, c.acked, c.received, c.lost, c.recovered), (2, 1, 2, 0, 1));
}
