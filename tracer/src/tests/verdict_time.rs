//! The verdict on schedules, clocks and windows of observation: one test for each branch.

use event_log::event::Role;

use super::fixture::*;
use crate::{
    options::Options,
    report::{Clock, ReasonCode, Report, Verdict},
};

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

#[test]
fn a_slip_of_a_time_slice_is_no_fault_at_a_high_rate() {
    // Sent 1 ms late at one message a millisecond: more than a tenth of the interval, less than the floor.
    let mut logs = clean_run(3);
    logs[0].lines[0] = logs[0].lines[0].replace("\"interval_ns\":1000000000", "\"interval_ns\":1000000");
    expect(&report_on(&logs), Verdict::Pass, &[]);
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
fn a_publisher_that_was_not_heard_does_not_blur_latency() {
    let mut far = publisher("publisher-2", 1);
    far.lines[0] = far.lines[0].replace("boot-1", "boot-2");
    far.acked(1, 1).end(9000, "completed");
    let mut logs = clean_run(3);
    logs.push(far);
    let options = Options {
        max_latency_p99_ns: Some(51_000_000),
        ..Options::default()
    };
    let report = report_with(&logs, &options);
    let gate = report.gates.iter().find(|gate| gate.name == "latency p99");
    assert_eq!(gate.map(|gate| gate.verdict), Some(Verdict::Pass));
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
fn hosts_without_boot_ids_do_not_share_a_clock() {
    let mut logs = clean_run(3);
    for log in &mut logs {
        log.lines[0] = log.lines[0].replace("\"boot\":\"boot-1\",", "");
    }
    assert_eq!(report_on(&logs).totals.latency.clock, Clock::Unknown);
    assert_eq!(report_on(&clean_run(3)).totals.latency.clock, Clock::Same);
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
    assert_eq!(report.gates[0].verdict, Verdict::Unknown, "the gate for loss, too");
    expect(&report, Verdict::Unknown, &[ReasonCode::NothingObserved]);
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
