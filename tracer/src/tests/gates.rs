//! Gates of the user, judged on small runs: each branch has a run in which it decides.

use event_log::event::FailureOutcome;

use super::fixture::*;
use crate::{
    gate::{Expression, apply, facts::Facts, measure, metric},
    report::{Gate, ReasonCode, Report, Verdict},
};

fn gated(logs: &[LogText], expressions: &[&str]) -> Report {
    let expressions: Vec<Expression> = expressions.iter().map(|text| text.parse().unwrap()).collect();
    let mut report = report_on(logs);
    apply(&mut report, &expressions);
    report
}

/// The verdict of one expression, on its own.
fn verdict(logs: &[LogText], expression: &str) -> (Verdict, Gate) {
    let report = gated(logs, &[expression]);
    (report.verdict, report.gates[0].clone())
}

/// Two receivers: the first has everything, the second lacks two messages of ten and has one twice.
fn uneven() -> Vec<LogText> {
    let mut whole = receiver_of("receiver-1", 1..=10);
    whole.end(30_000, "idle");
    let mut lossy = receiver_of("receiver-2", [1, 2, 3, 4, 5, 6, 7, 8]);
    lossy.received_at(9000, "publisher-1/0", 8, 1).end(30_000, "idle");
    vec![clean_publisher(10), whole, lossy]
}

#[test]
fn expressions_are_judged() {
    use Verdict::{Fail, Pass, Unknown};
    let logs = uneven();
    for (expression, expected) in [
        // 2 of 20 over the run, 2 of 10 at one receiver.
        ("loss > 10%", Pass),
        ("loss >= 10%", Fail),
        ("loss > 10% per receiver", Fail),
        ("loss > 20% per receiver", Pass),
        ("loss > 10% per publisher", Pass),
        ("loss > 9.9% per publisher", Fail),
        ("loss < 5%", Pass),
        ("lost > 1", Fail),
        ("lost > 2", Pass),
        ("lost > 19% per receiver", Fail),
        ("received < 18", Pass),
        ("received < 10 per receiver", Fail),
        ("received <= 18", Fail),
        ("expected < 20", Pass),
        ("duplicates > 0", Fail),
        ("duplicates > 1", Pass),
        // 1 of 18, 1 of 8.
        ("duplicates > 6%", Pass),
        ("duplicates > 12% per receiver", Fail),
        ("retry_twins > 0", Pass),
        ("out_of_order > 0", Pass),
        ("late > 0", Pass),
        ("unexpected > 0", Pass),
        ("foreign > 0 per receiver", Pass),
        ("never_acked > 0", Pass),
        ("acked < 100%", Pass),
        ("published < 100% per publisher", Pass),
        ("attempted < 11", Fail),
        ("presence < 100% per receiver", Pass),
        ("gaps > 0", Pass),
        ("latency.p99 > 51ms", Pass),
        ("latency.p99 >= 51ms", Fail),
        ("latency.max > 50ms per receiver", Fail),
        ("latency.max > 50ms per service_node", Fail),
        ("latency.max > 51ms per service_node", Pass),
        ("latency_sent.p50 > 49ms", Fail),
        ("latency.n < 18", Pass),
        ("latency.negative > 0", Pass),
        ("ack.max > 20ms", Pass),
        ("ack.max > 19ms", Fail),
        ("slip.p50 > 1ms", Pass),
        ("slip.min < 2ms", Fail),
    ] {
        assert_eq!(verdict(&logs, expression).0, expected, "{expression}");
    }
    // Nobody ever listened.
    let deaf = [clean_publisher(3)];
    assert_eq!(
        verdict(&deaf, "attempted < 3").0,
        Unknown,
        "the receiver's log is missing"
    );
}

#[test]
fn no_data_never_passes() {
    let mut silent = deaf_receiver("receiver-1");
    silent.end(30_000, "idle");
    let nothing_sent = {
        let mut log = publisher("publisher-1", 0);
        log.end(5000, "completed");
        let mut heard = receiver("receiver-1");
        heard.end(30_000, "idle");
        vec![log, heard]
    };
    for (logs, expression) in [
        (&nothing_sent, "loss > 100%"),
        (&nothing_sent, "duplicates > 100"),
        (&nothing_sent, "late > 50%"),
        (&nothing_sent, "latency.p99 > 9h"),
        (&nothing_sent, "latency.n < 0"),
        (&nothing_sent, "never_acked > 9"),
        (&nothing_sent, "slip.p99 > 9h"),
        (&vec![clean_publisher(3), silent], "foreign > 9"),
        (&vec![clean_publisher(3)], "loss > 99% per receiver"),
        (&vec![receiver_of("receiver-1", [])], "never_acked > 9 per publisher"),
        (&Vec::new(), "loss > 99%"),
        (&Vec::new(), "received < 0"),
    ] {
        let (_, gate) = verdict(logs, expression);
        assert_eq!(gate.verdict, Verdict::Unknown, "{expression}: {gate:?}");
        assert_eq!((gate.value, gate.margin), (None, None), "{expression}");
    }
}

#[test]
fn a_gate_shows_its_worst_entity_and_margin() {
    let report = gated(
        &uneven(),
        &[
            "loss > 5% per receiver",
            "presence < 99%",
            "latency.p90 > 1s per receiver",
        ],
    );
    let shown: Vec<_> = report
        .gates
        .iter()
        .map(|g| (g.name.as_ref(), g.scope.as_str(), g.value, g.limit, g.margin, g.unit))
        .collect();
    assert_eq!(
        shown,
        [
            (
                "loss > 5% per receiver",
                "receiver-2/0",
                Some(20.0),
                Some(5.0),
                Some(-15.0),
                "%"
            ),
            ("presence < 99%", "run", Some(100.0), Some(99.0), Some(1.0), "%"),
            (
                "latency.p90 > 1s per receiver",
                "receiver-1/0",
                Some(51.0),
                Some(1000.0),
                Some(949.0),
                "ms"
            ),
            (
                "schedule slip p99",
                "publisher-1/0",
                Some(1.0),
                Some(100.0),
                Some(99.0),
                "ms"
            ),
        ]
    );
    expect(&report, Verdict::Fail, &[ReasonCode::Gate]);
    assert_eq!(
        report.reasons[0].text,
        "loss > 5% per receiver: it is 20 % at receiver-2/0"
    );
}

#[test]
fn the_limits_of_report_do_not_count() {
    let report = gated(&uneven(), &["loss > 50%"]);
    expect(&report, Verdict::Pass, &[]);
}

#[test]
fn what_makes_a_run_unknown_stays() {
    let mut logs = uneven();
    reopen(&mut logs[1]);
    let report = gated(&logs, &["loss > 50%"]);
    expect(&report, Verdict::Unknown, &[ReasonCode::TornLog]);
    let report = gated(&logs, &["loss > 5%"]);
    assert_eq!(codes(&report)[0], ReasonCode::Gate, "a certain failure comes first");
    assert_eq!(report.verdict, Verdict::Fail);
}

#[test]
fn unreadable_lines_make_a_loss_uncertain() {
    let mut logs = uneven();
    logs[2].lines.insert(5, "{\"event\":\"received\"}".to_owned());
    let of = |expression| verdict(&logs, expression).1.verdict;
    assert_eq!(of("lost > 1"), Verdict::Unknown);
    assert_eq!(of("lost > 0"), Verdict::Fail);
    assert_eq!(of("loss > 10% per receiver"), Verdict::Unknown);
    assert_eq!(of("received < 19"), Verdict::Unknown);
    assert_eq!(of("received < 20"), Verdict::Fail);
    assert_eq!(of("duplicates > 1"), Verdict::Unknown);
}

#[test]
fn an_unexpected_message_of_a_missing_log_is_no_failure() {
    let mut heard = receiver_of("receiver-1", 1..=3);
    heard.received_at(9000, "publisher-9/0", 1, 1).end(30_000, "idle");
    let mut logs = vec![clean_publisher(3), heard];
    assert_eq!(verdict(&logs, "unexpected > 0").1.verdict, Verdict::Fail);
    reopen(&mut logs[0]);
    assert_eq!(verdict(&logs, "unexpected > 0").1.verdict, Verdict::Unknown);
}

/// A clean run on two hosts; the receiver's clock is off by at most `bound_ms` to either side, if anybody knows.
fn two_hosts(bound_ms: Option<u64>) -> Vec<LogText> {
    let mut logs = clean_run(3);
    for (log, boot) in logs.iter_mut().zip(["boot-1", "boot-2"]) {
        let bound = bound_ms.map_or(String::new(), |ms| format!(",\"clock_error_ns\":{}", ms * 500_000));
        log.lines[0] = log.lines[0].replace("\"boot\":\"boot-1\"", &format!("\"boot\":\"{boot}\"{bound}"));
    }
    logs
}

#[test]
fn a_limit_within_the_clocks_bound_is_unknown() {
    use Verdict::{Fail, Pass, Unknown};
    let of = |bound_ms, expression| verdict(&two_hosts(bound_ms), expression).1.verdict;
    // Measured: 51 ms, right within 10 ms.
    assert_eq!(of(Some(10), "latency.p99 > 61ms"), Pass);
    assert_eq!(of(Some(10), "latency.p99 > 60ms"), Unknown);
    assert_eq!(of(Some(10), "latency.p99 > 41ms per receiver"), Unknown);
    assert_eq!(of(Some(10), "latency.p99 > 40ms"), Fail);
    assert_eq!(of(Some(10), "latency.min < 41ms"), Pass);
    assert_eq!(of(Some(10), "late > 0"), Pass);
    assert_eq!(of(None, "latency.p99 > 9h"), Unknown);
    assert_eq!(of(None, "late > 0"), Unknown);
    // What goes by identities, or by one clock, does not depend on it.
    assert_eq!(of(None, "loss > 0"), Pass);
    assert_eq!(of(None, "latency.n < 3"), Pass);
    assert_eq!(of(None, "ack.p99 > 1s"), Pass);
    // A limit of 50 ms, and a message that came 900 ms before it was sent: the bound was no bound.
    let mut logs = two_hosts(Some(10));
    reopen(&mut logs[1]).received_at(3100, "publisher-1/0", 4, 1);
    logs[1].end(30_000, "idle");
    reopen(&mut logs[0]).acked(4, 1).end(9000, "completed");
    assert_eq!(verdict(&logs, "latency.p99 > 9h").1.verdict, Unknown);
}

#[test]
fn presence_is_a_share_of_the_observed_time() {
    let mut heard = receiver_of("receiver-1", 1..=10);
    // Observed from -0.5 s to 19.5 s, without subscription for 5 s.
    heard.gap(2000, 3000, 7000).end(19_500, "idle");
    let (_, gate) = verdict(&[clean_publisher(10), heard], "presence < 75% per receiver");
    assert_eq!((gate.verdict, gate.value), (Verdict::Pass, Some(75.0)));
}

#[test]
fn never_acknowledged_is_judged_per_publisher() {
    let mut logs = clean_run(3);
    reopen(&mut logs[0])
        .failed(4, 1, FailureOutcome::Refused, false)
        .end(9000, "completed");
    let (_, gate) = verdict(&logs, "never_acked > 20% per publisher");
    assert_eq!((gate.verdict, gate.value), (Verdict::Fail, Some(25.0)));
    let (_, gate) = verdict(&logs, "failed > 1");
    assert_eq!((gate.verdict, gate.value), (Verdict::Pass, Some(1.0)));
}

#[test]
fn every_quantity_has_a_value_where_there_is_data() {
    let facts = Facts::of(&report_on(&uneven()));
    for scope in [
        metric::Scope::Run,
        metric::Scope::Receiver,
        metric::Scope::Publisher,
        metric::Scope::ServiceNode,
    ] {
        for quantity in metric::Quantity::all(scope) {
            for entity in measure::entities(&facts, scope) {
                let range = entity
                    .measure(quantity, false)
                    .unwrap_or_else(|| panic!("{quantity} of {entity:?}"));
                assert!(
                    range.low <= range.value && range.value <= range.high,
                    "{quantity}: {range:?}"
                );
            }
        }
    }
}
