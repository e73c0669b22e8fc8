//! Comparisons of small runs.

use super::fixture::*;
use crate::{
    diff::{Change, Comparison, Row, compare_archives},
    options::Options,
};

/// 60 messages, `lost` of them not received, each arrival `delay_ms` after it was sent.
fn run_of(lost: u32, delay_ms: i64) -> Vec<LogText> {
    let mut heard = receiver("receiver-1");
    for index in 1..=60 - lost {
        // Not all alike: a bootstrap of one value would be certain of anything.
        let jitter_ms = i64::from(index * 7 % 20);
        heard.received_at(intended(index) + 1 + delay_ms + jitter_ms, "publisher-1/0", index, 1);
    }
    heard.end(100_000, "idle");
    vec![clean_publisher(60), heard]
}

fn compare(before: &[LogText], after: &[LogText]) -> Comparison {
    compare_archives(&archive(before), &archive(after), &Options::default())
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

#[test]
fn clocks_that_may_disagree_excuse_a_latency() {
    let on_two_hosts = |bound: &str, delay_ms| {
        let mut logs = run_of(0, delay_ms);
        for (log, boot) in logs.iter_mut().zip(["boot-1", "boot-2"]) {
            log.lines[0] = log.lines[0].replace("\"boot\":\"boot-1\"", &format!("\"boot\":\"{boot}\"{bound}"));
        }
        logs
    };
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
