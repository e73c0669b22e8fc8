//! Comparisons of small runs.

use event_log::event::Role;

use super::fixture::*;
use crate::{
    diff::{self, Change, Comparison, Row, compare_archives},
    exit_code::ExitCode,
    options::Options,
    report::render_json,
};

/// 60 messages, `lost` of them not received, each arrival `delay_ms` after it was sent.
fn run_of(lost: u32, delay_ms: i64) -> Vec<LogText> {
    let mut heard = receiver("receiver-1");
    for index in 1..=60 - lost {
        let jitter_ms = i64::from(index * 7 % 20);
        heard.received_at(intended(index) + 1 + delay_ms + jitter_ms, "publisher-1/0", index, 1);
    }
    heard.end(100_000, "idle");
    vec![clean_publisher(60), heard]
}

fn compare(before: &[LogText], after: &[LogText]) -> Comparison {
    compare_archives(&archive(before), &archive(after), &Options::default())
}

/// The same of the JSON reports.
fn compare_reports(before: &[LogText], after: &[LogText]) -> Comparison {
    let side = |name, logs| diff::of_json(name, render_json(&report_on(logs)).as_bytes()).unwrap();
    diff::compare(&side("before.json", before), &side("after.json", after))
}

#[track_caller]
fn row<'a>(comparison: &'a Comparison, quantity: &str) -> &'a Row {
    comparison
        .rows
        .iter()
        .find(|row| row.quantity == quantity && row.scope == "run")
        .unwrap()
}

#[test]
fn a_run_does_not_differ_from_itself() {
    let comparison = compare(&run_of(3, 50), &run_of(3, 50));
    assert_eq!(comparison.change, Change::Noise);
    assert!(
        comparison
            .rows
            .iter()
            .all(|row| row.difference.is_none_or(|difference| difference == 0.0))
    );
    assert!(row(&comparison, "loss").test.is_some() && row(&comparison, "latency.p50").test.is_some());
}

#[test]
fn loss_beyond_the_noise_is_worse_one_way_and_better_the_other() {
    let (before, after) = (run_of(0, 50), run_of(30, 50));
    let worse = compare(&before, &after);
    assert_eq!(
        (worse.change, row(&worse, "loss").change),
        (Change::Worse, Change::Worse)
    );
    assert_eq!(
        (row(&worse, "loss").before, row(&worse, "loss").after),
        (Some(0.0), Some(50.0))
    );
    let better = compare(&after, &before);
    assert_eq!(
        (better.change, row(&better, "loss").change),
        (Change::Better, Change::Better)
    );
}

#[test]
fn one_more_loss_of_sixty_is_noise() {
    assert_eq!(compare(&run_of(1, 50), &run_of(2, 50)).change, Change::Noise);
}

#[test]
fn slower_is_worse() {
    let comparison = compare(&run_of(0, 50), &run_of(0, 90));
    let p50 = row(&comparison, "latency.p50");
    assert_eq!((p50.change, p50.difference), (Change::Worse, Some(40.0)));
    let [low, high] = p50.test.as_ref().unwrap().interval.unwrap();
    assert!(
        low > 20.0 && low <= 40.0 && (40.0..60.0).contains(&high),
        "{low} {high}"
    );
    // 60 values have none beyond p99.
    assert_eq!(
        row(&comparison, "latency.p99").not_tested,
        Some("too few values beyond it")
    );
}

/// The run on two hosts, each with what it states of its clock.
fn on_two_hosts(bound: &str, delay_ms: i64) -> Vec<LogText> {
    let mut logs = run_of(0, delay_ms);
    for (log, boot) in logs.iter_mut().zip(["boot-1", "boot-2"]) {
        log.lines[0] = log.lines[0].replace("\"boot\":\"boot-1\"", &format!("\"boot\":\"{boot}\"{bound}"));
    }
    logs
}

#[test]
fn clocks_that_may_disagree_excuse_a_latency() {
    let of = |bound: &str| {
        let comparison = compare(&on_two_hosts(bound, 50), &on_two_hosts(bound, 90));
        row(&comparison, "latency.p50").clone()
    };
    assert_eq!(of("").not_tested, Some("the clocks are not known to agree"));
    // 2 × 5 ms on each side are less than the 40 ms of the change, 2 × 25 ms are more.
    assert_eq!(of(",\"clock_error_ns\":5000000").change, Change::Worse);
    assert_eq!(of(",\"clock_error_ns\":25000000").change, Change::Noise);
}

#[test]
fn no_data_is_not_tested() {
    let comparison = compare(&[], &run_of(0, 50));
    assert_eq!(comparison.change, Change::NotTested);
    assert_eq!(row(&comparison, "loss").not_tested, Some("no data on one side"));
}

#[test]
fn a_fleet_of_forty_receivers_that_became_slow_is_worse() {
    let fleet = |delay_ms: i64| {
        let mut logs = vec![clean_publisher(30)];
        for number in 0..40 {
            let mut log = receiver(&format!("receiver-{number:02}"));
            for index in 1..=30 {
                let at_ms = intended(index) + delay_ms + i64::from(index * 7 % 20);
                log.received_at(at_ms, "publisher-1/0", index, 1);
            }
            log.end(100_000, "idle");
            logs.push(log);
        }
        logs
    };
    let comparison = compare(&fleet(50), &fleet(4900));
    assert_eq!(
        comparison.rows.iter().filter(|row| row.test.is_some()).count(),
        6 + 8 + 40
    );
    for quantity in ["latency.p50", "latency.p99"] {
        assert_eq!(row(&comparison, quantity).change, Change::Worse, "{quantity}");
    }
    assert_eq!(diff::judge(&comparison), ExitCode::Fail);
    assert_eq!(compare(&fleet(50), &fleet(50)).change, Change::Noise);
}

#[test]
fn an_incomplete_side_is_no_reassurance_although_its_verdict_is_fail() {
    let lossy = || {
        let mut logs = run_of(0, 50);
        logs[1].lines.drain(10..13);
        logs
    };
    let whole = lossy();
    for torn in [0, 1] {
        let mut logs = lossy();
        reopen(&mut logs[torn]);
        assert_eq!(report_on(&logs).verdict, crate::report::Verdict::Fail);
        for (before, after) in [(&whole, &logs), (&logs, &whole)] {
            let comparison = compare(before, after);
            assert_eq!(diff::judge(&comparison), ExitCode::Unknown, "{:?}", comparison.open);
            assert!(comparison.open[0].contains("is torn"), "{:?}", comparison.open);
            assert!(
                diff::render_text(&comparison).contains("\n  but "),
                "{:?}",
                comparison.open
            );
        }
    }
    // What is worse for certain stays so.
    let mut worse = run_of(40, 50);
    reopen(&mut worse[0]);
    assert_eq!(diff::judge(&compare(&whole, &worse)), ExitCode::Fail);
    assert_eq!(diff::judge(&compare(&whole, &whole)), ExitCode::Pass);
}

#[test]
fn losses_that_unreadable_lines_may_explain_are_not_worse() {
    let damaged = |unreadable: usize| {
        let mut logs = run_of(20, 50);
        for _ in 0..unreadable {
            logs[1].lines.insert(5, "{\"event\":\"received\"}".to_owned());
        }
        logs
    };
    let comparison = compare(&run_of(0, 50), &damaged(20));
    let loss = row(&comparison, "loss");
    assert_eq!(loss.not_tested, Some("lines that cannot be read may explain it"));
    assert_eq!(diff::judge(&comparison), ExitCode::Unknown);
    // 15 are lost for certain.
    let comparison = compare(&run_of(0, 50), &damaged(5));
    assert_eq!(row(&comparison, "loss").change, Change::Worse);
    assert_eq!(diff::judge(&comparison), ExitCode::Fail);
}

#[test]
fn lateness_by_clocks_that_may_disagree_is_not_tested() {
    // Half of the arrivals are late, by the clocks.
    let late = |mut logs: Vec<LogText>| {
        let mut heard = LogText::start(Role::Receiver, "receiver-1", |_| {});
        heard.lines[0].clone_from(&logs[1].lines[0]);
        heard.subscribed(-500);
        for index in 1..=60 {
            let delay_ms = if index % 2 == 0 { 6000 } else { 50 };
            heard.received_at(intended(index) + delay_ms, "publisher-1/0", index, 1);
        }
        heard.end(100_000, "idle");
        logs[1] = heard;
        logs
    };
    let one_clock = compare(&run_of(0, 50), &late(run_of(0, 50)));
    assert_eq!(row(&one_clock, "late").change, Change::Worse);
    for bound in ["", ",\"clock_error_ns\":1000000000"] {
        let comparison = compare(&on_two_hosts(bound, 50), &late(on_two_hosts(bound, 50)));
        assert_eq!(
            row(&comparison, "late").not_tested,
            Some("the clocks are not known to agree")
        );
    }
    let sooner = Options {
        late_after_ns: 1_000_000_000,
        ..Options::default()
    };
    let side = |logs: &[LogText], options: &Options| {
        diff::of_json("report", render_json(&report_with(logs, options)).as_bytes()).unwrap()
    };
    let (before, after) = (side(&run_of(0, 50), &Options::default()), side(&run_of(0, 50), &sooner));
    let comparison = diff::compare(&before, &after);
    assert_eq!(
        row(&comparison, "late").not_tested,
        Some("lateness begins elsewhere on each side")
    );
}

#[test]
fn a_clock_that_broke_its_bound_excuses_any_latency() {
    // Stated to be right within 5 ms, and a message came 40 ms before it was sent.
    let early = |delay_ms| {
        let mut logs = on_two_hosts(",\"clock_error_ns\":5000000", delay_ms);
        reopen(&mut logs[1])
            .received_at(intended(61) - 39, "publisher-1/0", 61, 1)
            .end(100_000, "idle");
        reopen(&mut logs[0]).acked(61, 1).end(70_000, "signal");
        logs
    };
    let comparison = compare(&early(50), &early(90));
    let p50 = row(&comparison, "latency.p50");
    assert_eq!(p50.not_tested, Some("the clocks are not known to agree"));
}

#[test]
fn latency_that_was_not_tested_is_said_and_is_no_pass() {
    let comparison = compare(&on_two_hosts("", 50), &on_two_hosts("", 5000));
    assert_eq!(
        comparison.open,
        ["latency was not tested: the clocks are not known to agree"]
    );
    let text = diff::render_text(&comparison);
    assert!(
        text.starts_with(
            "NO CHANGE beyond the noise in what was tested\n  but latency was not tested: the clocks are not known to agree\n\n"
        ),
        "{text}"
    );
    assert_eq!(diff::judge(&comparison), ExitCode::Unknown);
}

#[test]
fn latencies_of_reports_are_compared_by_their_histograms() {
    let comparison = compare_reports(&run_of(0, 50), &run_of(0, 90));
    let p50 = row(&comparison, "latency.p50");
    assert_eq!(p50.change, Change::Worse);
    let [low, high] = p50.test.as_ref().unwrap().interval.unwrap();
    assert!(low > 15.0 && low <= 40.0 && high >= 40.0, "{low} {high}");
    assert_eq!(
        row(&comparison, "latency_sent.p50").not_tested,
        Some("a report holds no single values of it")
    );
    assert_eq!(diff::judge(&comparison), ExitCode::Fail);
    // A change within a bin, a sixteenth of an octave, cannot be told from none.
    assert_eq!(
        compare_reports(&run_of(0, 1000), &run_of(0, 1001)).change,
        Change::Noise
    );
    assert_eq!(
        diff::judge(&compare_reports(&run_of(0, 50), &run_of(0, 50))),
        ExitCode::Pass
    );
}

#[test]
fn many_receivers_are_corrected_for() {
    // One of thirty receivers with 5 losses of 60: alone it would be a finding, among thirty it is not.
    let many = |lost: u32| {
        let mut logs = vec![clean_publisher(60)];
        for number in 0..30 {
            let missing = if number == 7 { lost } else { 0 };
            let mut log = receiver_of(&format!("receiver-{number:02}"), 1..=60 - missing);
            log.end(100_000, "idle");
            logs.push(log);
        }
        logs
    };
    let comparison = compare(&many(0), &many(8));
    let row = comparison.rows.iter().find(|row| row.scope == "receiver-07/0").unwrap();
    let test = row.test.as_ref().unwrap();
    assert!(test.p_value < 0.01 && test.adjusted_p_value > 0.01, "{test:?}");
    assert_eq!(row.change, Change::Noise);
}

#[test]
fn the_statement_comes_first() {
    let comparison = compare(&run_of(0, 50), &run_of(30, 50));
    let text = crate::diff::render_text(&comparison);
    assert!(text.starts_with("WORSE beyond the noise: loss 0 % -> 50 %\n"), "{text}");
    assert!(
        text.contains("Fisher's exact test") && text.lines().all(|line| line.chars().count() <= 120),
        "{text}"
    );
    let escaped = {
        let mut hostile = comparison;
        hostile.before.path = "a\u{1b}[31m".to_owned();
        crate::diff::render_text(&hostile)
    };
    assert!(!escaped.contains('\u{1b}'));
}
