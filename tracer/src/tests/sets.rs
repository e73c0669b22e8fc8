//! Retries, duplicates, lateness and order at one receiver.

use event_log::event::{CorruptReceived, FailureOutcome, ForeignReceived, MalformedFrame};

use super::fixture::*;
use crate::{
    options::Options,
    report::{Counts, Report},
};

const SENDER: &str = "publisher-1/0";

fn counts(report: &Report) -> Counts {
    report.receivers[0].counts
}

#[test]
fn an_index_is_received_by_any_of_its_attempts() {
    let mut sent = publisher("publisher-1", 1);
    sent.failed(1, 1, FailureOutcome::NoAnswer, true)
        .acked(1, 2)
        .end(9000, "completed");
    for arrived in [1, 2] {
        let mut heard = receiver("receiver-1");
        heard.received(SENDER, 1, arrived).end(30_000, "idle");
        let report = report_on(&[sent.clone(), heard]);
        let c = counts(&report);
        assert_eq!(
            (c.attempted, c.acked, c.received, c.lost),
            (1, 1, 1, 0),
            "attempt {arrived} arrived"
        );
        // 51 ms after the schedule or 500 ms later; always 50 ms after the attempt itself was sent.
        let latency = &report.receivers[0].latency;
        assert_eq!(
            latency.from_intended.max_ns,
            Some(51_000_000 + i64::from(arrived - 1) * 500_000_000)
        );
        assert_eq!(latency.from_sent.max_ns, Some(50_000_000));
    }
}

#[test]
fn a_retry_twin_is_no_duplicate() {
    let mut sent = publisher("publisher-1", 1);
    sent.failed(1, 1, FailureOutcome::NoAnswer, true)
        .acked(1, 2)
        .end(9000, "completed");
    let mut heard = receiver("receiver-1");
    heard
        .received(SENDER, 1, 1)
        .received(SENDER, 1, 2)
        .received_at(9000, SENDER, 1, 2)
        .end(30_000, "idle");
    let report = report_on(&[sent, heard]);
    let c = counts(&report);
    assert_eq!((c.received, c.retry_twins, c.duplicates), (1, 1, 1));
    // The twin first arrived at 1551 ms.
    assert_eq!(report.receivers[0].duplicates[0].age_ns, (9000 - 1551) * 1_000_000);
}

#[test]
fn every_duplicate_has_its_age_from_the_first_arrival() {
    let mut heard = receiver_of("receiver-1", [1]);
    heard
        .received_at(1151, SENDER, 1, 1)
        .received_at(61_051, SENDER, 1, 1)
        .end(90_000, "idle");
    let report = report_on(&[clean_publisher(1), heard]);
    let ages: Vec<_> = report.receivers[0]
        .duplicates
        .iter()
        .map(|d| d.age_ns / 1_000_000)
        .collect();
    assert_eq!(ages, [60_000, 100], "the oldest first");
}

#[test]
fn late_is_later_than_the_bound_after_the_intended_time() {
    let late = |ms: i64| {
        let mut heard = receiver("receiver-1");
        heard.received_at(1000 + ms, SENDER, 1, 1).end(30_000, "idle");
        counts(&report_on(&[clean_publisher(1), heard])).late
    };
    assert_eq!((late(5000), late(5001)), (0, 1));
    let mut heard = receiver_of("receiver-1", [1]);
    heard.end(30_000, "idle");
    let options = Options {
        late_after_ns: 50_000_000,
        ..Options::default()
    };
    assert_eq!(counts(&report_with(&[clean_publisher(1), heard], &options)).late, 1);
}

#[test]
fn a_swap_is_one_message_out_of_order_and_a_loss_is_none() {
    let order = |arrivals: &[(i64, u32)]| {
        let mut heard = receiver("receiver-1");
        arrivals.iter().for_each(|(ms, index)| {
            heard.received_at(*ms, SENDER, *index, 1);
        });
        heard.end(60_000, "idle");
        counts(&report_on(&[clean_publisher(4), heard])).out_of_order
    };
    assert_eq!(order(&[(5000, 1), (5001, 2), (5002, 3), (5003, 4)]), 0);
    assert_eq!(order(&[(5000, 1), (5001, 3), (5002, 2), (5003, 4)]), 1);
    assert_eq!(order(&[(5000, 1), (5001, 4)]), 0, "a loss is no disorder");
    assert_eq!(order(&[(5000, 4), (5001, 3), (5002, 2), (5003, 1)]), 3);
    assert_eq!(
        order(&[(5000, 4), (5000, 3), (5000, 2), (5000, 1)]),
        0,
        "at the same moment"
    );
    assert_eq!(order(&[(5000, 4), (5000, 1), (5001, 2), (5001, 3)]), 2);
}

#[test]
fn strays_are_counted_apart() {
    let mut heard = receiver_of("receiver-1", [1]);
    let text = |text: &str| text.to_owned();
    for _ in 0..3 {
        heard.log(
            2000,
            ForeignReceived {
                client: 0,
                hash: hash("x", 1, 1),
                size_bytes: 3,
                service_node: text(NODE),
                transport: None,
                content_topic: text(TOPIC),
                reason: text("not JSON"),
            },
        );
    }
    for _ in 0..2 {
        heard.log(
            2000,
            CorruptReceived {
                client: 0,
                sender: text(SENDER),
                index: 1,
                hash: hash("x", 1, 1),
                size_bytes: 3,
                service_node: text(NODE),
                transport: None,
                reason: text("size"),
            },
        );
    }
    heard.log(
        2000,
        MalformedFrame {
            client: Some(0),
            peer: text(NODE),
            transport: None,
            protocol: text("filter"),
            error: text("cut"),
        },
    );
    heard.end(30_000, "idle");
    let report = report_on(&[clean_publisher(1), heard]);
    let r = &report.receivers[0];
    assert_eq!(
        (r.corrupt, r.foreign, r.malformed, r.unexpected, r.counts.received),
        (2, 3, 1, 0, 1)
    );
}

#[test]
fn identical_bytes_sent_again_are_one_hash() {
    let mut sent = publisher("publisher-1", 1);
    sent.failed(1, 1, FailureOutcome::NoAnswer, true)
        .acked(1, 2)
        .end(9000, "completed");
    let (first, second) = (hash(SENDER, 1, 1).to_string(), hash(SENDER, 1, 2).to_string());
    sent.lines
        .iter_mut()
        .for_each(|line| *line = line.replace(&second, &first));
    let mut heard = receiver("receiver-1");
    heard.received(SENDER, 1, 1).end(30_000, "idle");
    let report = report_on(&[sent, heard]);
    let c = counts(&report);
    assert_eq!(
        (c.attempted, c.acked, c.received, c.lost, c.retry_twins),
        (1, 1, 1, 0, 0)
    );
    assert_eq!(report.senders[0].attempts, 2);
    // Of equal bytes the first attempt stands for both: 50 ms before the arrival, not 450 ms after it.
    assert_eq!(report.receivers[0].latency.from_sent.max_ns, Some(50_000_000));
}

#[test]
fn publish_outcomes_are_tabled_by_status() {
    let mut sent = publisher("publisher-1", 3);
    sent.failed(1, 1, FailureOutcome::Refused, true).acked(1, 2);
    sent.failed(2, 1, FailureOutcome::Refused, false)
        .failed(3, 1, FailureOutcome::NotSent, false);
    sent.end(9000, "completed");
    let mut heard = receiver_of("receiver-1", []);
    heard.received(SENDER, 1, 2).end(30_000, "idle");
    let report = report_on(&[sent, heard]);
    let rows: Vec<_> = report
        .publish_outcomes
        .iter()
        .map(|o| (o.outcome, o.status, o.attempts, o.example.as_deref()))
        .collect();
    let expected = [
        ("acked", Some(200), 1, None),
        ("refused", Some(503), 2, Some("not now")),
        ("not_sent", None, 1, Some("not connected")),
    ];
    assert_eq!(rows, expected);
    let s = &report.senders[0];
    assert_eq!(
        (
            s.attempted,
            s.attempts,
            s.acked,
            s.failed,
            s.never_acked,
            s.not_published
        ),
        (3, 4, 1, 2, 2, 2)
    );
    assert_eq!(s.never_acked_indices.show(9), "2-3");
}
