//! Gates of the user, judged on small runs: each branch has a run in which it decides.

use event_log::event::{FailureOutcome, Role};

use super::fixture::*;
use crate::{
    clock::clock_key,
    gate::{Expression, apply, facts::Facts, measure, metric},
    options::Options,
    report::{self, Clock, Gate, ReasonCode, Report, ReportKind, Reporter as _, Verdict},
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
        ("latency_sent.max > 48ms per service_node", Fail),
        ("latency.max > 50ms per publisher", Fail),
        ("latency.max > 51ms per publisher", Pass),
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
fn clocks_two_seconds_apart_are_judged_by_what_is_known_of_them() {
    use Verdict::{Fail, Pass, Unknown};
    // Known to within 10 ms: the receiver's clock is 1.99 to 2.01 s ahead, and shows each arrival after 2.05 s.
    let mut logs = two_hosts(None);
    logs[1].lines.truncate(3);
    for index in 1..=3 {
        logs[1].received_at(intended(index) + 2050, "publisher-1/0", index, 1);
    }
    logs[1].end(30_000, "idle");
    let mut archive = archive(&logs);
    let [sender, receiver] = ["boot-1", "boot-2"].map(|boot| archive.clocks.clock(&clock_key(Some(boot), "")));
    archive.clocks.add(sender, 0, receiver, 2_010_000_000);
    archive.clocks.add(receiver, 1_990_000_000, sender, 0);
    archive.clocks.close();
    let verdict_of = |limit_ms: i64, expression: String| {
        let options = Options {
            max_latency_p99_ns: Some(limit_ms * 1_000_000),
            ..Options::default()
        };
        let mut report = report::build(&archive, &options);
        let of_report = report.verdict;
        apply(&mut report, &[expression.parse().unwrap()]);
        assert_eq!(report.gates[0].verdict, of_report, "{expression}");
        assert_eq!(report.gates[0].value, Some(2050.0), "measured values are never shifted");
        of_report
    };
    for (limit_ms, expected) in [(60, Pass), (59, Unknown), (40, Unknown), (39, Fail)] {
        assert_eq!(
            verdict_of(limit_ms, format!("latency.p99 > {limit_ms}ms per receiver")),
            expected,
            "{limit_ms}"
        );
    }
    let report = report::build(&archive, &Options::default());
    let text = report::render_text(&report, report::TextStyle::Plain);
    assert!(
        text.contains("clock: ahead by +1.99 s to +2.01 s (1 receiver)"),
        "{text}"
    );
}

#[test]
fn each_sender_is_judged_by_its_own_clock() {
    // The second publisher's clock is not known to agree with the receiver's.
    let mut logs = clean_run(3);
    let mut stranger = publisher("publisher-2", 3);
    stranger.lines[0] = stranger.lines[0].replace("boot-1", "boot-2");
    for index in 1..=3 {
        stranger.acked(index, 1);
        logs[1].received("publisher-2/0", index, 1);
    }
    stranger.end(9000, "completed");
    logs.push(stranger);
    let report = report_on(&logs);
    let clocks: Vec<Clock> = report.receivers[0].senders.iter().map(|cell| cell.clock).collect();
    assert_eq!(clocks, [Clock::Same, Clock::Unknown]);
    assert_eq!(report.receivers[0].latency.clock, Clock::Unknown);
    let facts = Facts::of(&report);
    let late: Vec<_> = facts.senders.iter().map(|sender| sender.pairs.late).collect();
    assert_eq!(late, [(0, 0), (0, 3)]);
}

#[test]
fn the_facts_of_a_report_and_of_its_json_are_the_same() {
    let mut damaged = uneven();
    damaged[2].lines.insert(5, "{\"event\":\"received\"}".to_owned());
    for logs in [uneven(), two_hosts(Some(10)), two_hosts(None), damaged, Vec::new()] {
        let report = report_on(&logs);
        let stored: Facts = serde_json::from_str(&crate::report::render_json(&report)).unwrap();
        assert_eq!(stored, Facts::of(&report));
    }
}

#[test]
fn unreadable_lines_of_a_log_count_once_however_many_clients_wrote_it() {
    // A second client of the same log, which heard everything; the line may explain one of the first one's two losses.
    let mut heard = LogText::start(Role::Receiver, "receiver-1", |started| started.clients = 2);
    heard.subscribed(-500);
    let second = heard.lines[1].replace("\"client\":0", "\"client\":1");
    heard.lines.push(second);
    for index in 1..=10 {
        heard.received_with(intended(index) + 51, "publisher-1/0", index, 1, |e| e.client = 1);
    }
    for index in 1..=8 {
        heard.received("publisher-1/0", index, 1);
    }
    heard.lines.insert(5, "{\"event\":\"received\"}".to_owned());
    heard.end(30_000, "idle");
    let logs = [clean_publisher(10), heard];
    assert_eq!(verdict(&logs, "received > 19").1.verdict, Verdict::Pass);
    for scope in ["", " per publisher", " per service_node"] {
        let lost = verdict(&logs, &format!("lost > 0{scope}")).1;
        assert_eq!((lost.verdict, lost.value), (Verdict::Fail, Some(2.0)), "{scope}");
    }
}

#[test]
fn an_unreadable_line_may_be_an_acknowledgement() {
    let mut logs = clean_run(3);
    // Not answered, by what can be read; the acknowledgement may be the line that cannot be.
    reopen(&mut logs[0]).attempt(4, 1);
    let unread = |logs: &[LogText], lines: usize| {
        let mut logs = logs.to_vec();
        for _ in 0..lines {
            logs[0].lines.push("{\"event\":\"published\"}".to_owned());
        }
        logs[0].end(9000, "completed");
        logs
    };
    for (lines, expected) in [(0, Verdict::Fail), (1, Verdict::Unknown)] {
        let logs = unread(&logs, lines);
        let report = report_on(&logs);
        let gate = report
            .gates
            .iter()
            .find(|gate| gate.name == "never acknowledged")
            .unwrap();
        assert_eq!((gate.verdict, gate.value), (expected, Some(1.0)), "{lines}");
        for expression in [
            "never_acked > 0 per publisher",
            "acked < 100%",
            "indeterminate > 0",
            "published < 4",
        ] {
            assert_eq!(
                verdict(&logs, expression).1.verdict,
                expected,
                "{expression} with {lines}"
            );
        }
    }
    reopen(&mut logs[0])
        .failed(4, 1, FailureOutcome::Refused, false)
        .failed(5, 1, FailureOutcome::Refused, false);
    let logs = unread(&logs, 1);
    assert_eq!(verdict(&logs, "failed > 1").1.verdict, Verdict::Unknown);
    assert_eq!(verdict(&logs, "failed > 0").1.verdict, Verdict::Fail);
    assert_eq!(
        codes(&report_on(&logs))[0],
        ReasonCode::NeverAcknowledged,
        "one of two for certain"
    );
}

#[test]
fn one_receiver_that_never_subscribed_does_not_make_all_absent() {
    let mut deaf = deaf_receiver("receiver-2");
    deaf.end(30_000, "idle");
    let mut logs = clean_run(3);
    logs.push(deaf.clone());
    let gate = verdict(&logs, "presence < 51%").1;
    assert_eq!((gate.verdict, gate.value), (Verdict::Fail, Some(50.0)));
    let gate = verdict(&logs, "presence < 51% per receiver").1;
    assert_eq!((gate.value, gate.scope.as_str()), (Some(0.0), "receiver-2/0"));
    let gate = verdict(&[clean_publisher(3), deaf], "presence < 51%").1;
    assert_eq!((gate.verdict, gate.value), (Verdict::Fail, Some(0.0)));
}

#[test]
fn a_receiver_without_an_observation_has_an_unknown_presence() {
    // Killed a second after it had subscribed: what it would have heard is not known.
    let mut killed = deaf_receiver("receiver-2");
    killed.subscribed(1000);
    let mut logs = clean_run(3);
    logs.push(killed);
    let gate = verdict(&logs, "presence < 1% per receiver").1;
    assert_eq!(
        (gate.verdict, gate.value, gate.scope.as_str()),
        (Verdict::Unknown, None, "receiver-2/0")
    );
    assert_eq!(verdict(&logs, "presence < 100%").1.value, Some(100.0));
}

#[test]
fn the_slow_publisher_is_named() {
    // Eight messages of the first publisher, each at two receivers, and one of the second, late at one of them.
    let mut slow = publisher("publisher-2", 1);
    slow.acked(1, 1);
    slow.end(9000, "completed");
    let mut receivers = ["receiver-1", "receiver-2"].map(receiver);
    for (log, delay_ms) in receivers.iter_mut().zip([50, 450]) {
        for index in 1..=8 {
            log.received("publisher-1/0", index, 1);
        }
        log.received_at(intended(1) + delay_ms, "publisher-2/0", 1, 1);
        log.end(30_000, "idle");
    }
    let [first, second] = receivers;
    let logs = [clean_publisher(8), slow, first, second];
    let report = report_on(&logs);
    let by_sender = report.latency_groups.by_sender.iter();
    let found: Vec<_> = by_sender
        .map(|group| (group.name.as_str(), group.from_intended.n, group.from_sent.max_ns))
        .collect();
    // Sent a millisecond after the intended time.
    assert_eq!(
        found,
        [
            ("publisher-1/0", 16, Some(50_000_000)),
            ("publisher-2/0", 2, Some(449_000_000))
        ]
    );
    for (expression, expected) in [
        ("latency.p50 > 60ms per publisher", Verdict::Pass),
        ("latency.max > 60ms per publisher", Verdict::Fail),
        ("latency.p50 > 60ms per receiver", Verdict::Pass),
    ] {
        let gate = verdict(&logs, expression).1;
        assert_eq!(gate.verdict, expected, "{expression}");
        if expected == Verdict::Fail {
            assert_eq!((gate.scope.as_str(), gate.value), ("publisher-2/0", Some(450.0)));
        }
    }
}

#[test]
fn a_service_node_is_judged_by_its_own_receivers() {
    // At the second node a receiver on another host has lost one of three messages.
    let mut far = deaf_receiver("receiver-2");
    far.subscribed(-500)
        .received("publisher-1/0", 1, 1)
        .received("publisher-1/0", 3, 1);
    far.end(30_000, "idle");
    for line in &mut far.lines {
        *line = line.replace(NODE, "16Uiu2HAmOther").replace("boot-1", "boot-2");
    }
    let mut silent = receiver("receiver-3");
    silent.end(30_000, "idle");
    silent
        .lines
        .iter_mut()
        .for_each(|line| *line = line.replace(NODE, "16Uiu2HAmSilent"));
    let mut logs = clean_run(3);
    logs.extend([far, silent]);
    let report = report_on(&logs);
    assert_eq!(report.receivers[1].service_nodes, ["16Uiu2HAmOther"]);
    let facts = Facts::of(&report);
    let measured = |word: &str| {
        let expression: Expression = format!("{word} per service_node").parse().unwrap();
        let of = |entity: measure::Entity<'_>| {
            let range = entity.measure(expression.quantity, false);
            (
                entity.name.to_owned(),
                range.map(|range| (range.value, range.high.is_finite())),
            )
        };
        let entities = measure::entities(&facts, metric::Scope::ServiceNode);
        entities.into_iter().map(of).collect::<Vec<_>>()
    };
    let name = |name: &str| format!("16Uiu2HAm{name}");
    assert_eq!(
        measured("lost > 0"),
        [
            (name("Node"), Some((0.0, true))),
            (name("Other"), Some((1.0, true))),
            (name("Silent"), Some((3.0, true)))
        ]
    );
    // The clocks of the first node's pairs agree, whatever those of the others do.
    assert_eq!(
        measured("latency.max > 1s"),
        [
            (name("Node"), Some((51e6, true))),
            (name("Other"), Some((51e6, false))),
            (name("Silent"), None)
        ]
    );
}

#[test]
fn a_percentile_of_a_handful_of_values_is_marked_in_every_form() {
    let shown = |messages: u32, expression: &str| {
        let report = gated(&clean_run(messages), &[expression]);
        let gate = report.gates[0].clone();
        let forms = [
            ReportKind::Text,
            ReportKind::Markdown,
            ReportKind::Html,
            ReportKind::Junit,
        ];
        (gate.few_samples, forms.map(|kind| kind.render(&report)))
    };
    let (few, [text, markdown, html, junit]) = shown(3, "latency.p99 > 1s");
    assert!(few && text.contains("51 ms*"), "{text}");
    assert!(markdown.contains("| 51* |"), "{markdown}");
    assert!(html.contains("51*"), "{html}");
    assert!(junit.contains("fewer than 10 values beyond it"), "{junit}");
    let (few, [text, ..]) = shown(30, "latency.p50 > 1s");
    assert!(!few && !text.contains("51 ms*"), "{text}");
    let limits = Options {
        max_latency_p99_ns: Some(1_000_000_000),
        ..Options::default()
    };
    let marks: Vec<bool> = report_with(&clean_run(3), &limits)
        .gates
        .iter()
        .map(|gate| gate.few_samples)
        .collect();
    assert_eq!(
        marks,
        [false, false, false, true, true],
        "loss, acks, unexpected, slip, latency"
    );
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
