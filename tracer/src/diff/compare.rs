//! Two sides, quantity by quantity, and whether what changed is more than noise.

use std::collections::BTreeMap;

use super::{
    model::{Change, Comparison, DIFF_VERSION, Row, SIGNIFICANCE, SideSummary},
    rows::{plain_row, run_row, share_row},
    side::Side,
};
use crate::{
    gate::{
        measure::{Entity, entities},
        metric::{Aggregate, Metric, Quantity, Scope},
    },
    report::Verdict,
};

/// Shares of messages, which are tested.
const SHARES: [Metric; 6] = [
    Metric::Loss,
    Metric::NeverAcked,
    Metric::Duplicates,
    Metric::RetryTwins,
    Metric::Late,
    Metric::OutOfOrder,
];

/// Compares two runs.
pub(crate) fn compare(before: &Side, after: &Side) -> Comparison {
    let mut rows = Vec::new();
    let (run_before, run_after) = (entities(&before.facts, Scope::Run), entities(&after.facts, Scope::Run));
    if let (Some(a), Some(b)) = (run_before.first(), run_after.first()) {
        rows.extend(SHARES.iter().map(|metric| share_row(*metric, Some(a), Some(b))));
        for quantity in Quantity::all(Scope::Run) {
            rows.extend(run_row(quantity, (before, a), (after, b)));
        }
    }
    // Of one receiver the same loss is that of the run.
    if before.facts.receivers.len() > 1 || after.facts.receivers.len() > 1 {
        pairs(before, after, Scope::Receiver, |a, b| {
            rows.push(share_row(Metric::Loss, a, b))
        });
    }
    pairs(before, after, Scope::Publisher, |a, b| {
        for metric in [Metric::Ack, Metric::Slip] {
            for percent in [50.0, 99.0] {
                let quantity = Quantity {
                    metric,
                    aggregate: Some(Aggregate::Percentile(percent)),
                };
                rows.push(plain_row(quantity, a, b, Some("reports hold no single values of it")));
            }
        }
    });
    adjust(&mut rows);
    let has = |change| rows.iter().any(|row| row.change == change);
    let order = [Change::Worse, Change::Better, Change::Noise];
    let change = order
        .into_iter()
        .find(|change| has(*change))
        .unwrap_or(Change::NotTested);
    Comparison {
        diff_version: DIFF_VERSION,
        before: summary(before),
        after: summary(after),
        change,
        open: open(before, after, &rows),
        significance: SIGNIFICANCE,
        notes: notes(before, after),
        rows,
    }
}

/// Compares the logs of two runs.
#[cfg(test)]
pub(crate) fn compare_archives(
    before: &crate::model::Archive,
    after: &crate::model::Archive,
    options: &crate::options::Options,
) -> Comparison {
    let side = |name, archive| Side::of_archive(name, archive, options);
    compare(&side("before", before), &side("after", after))
}

fn summary(side: &Side) -> SideSummary {
    SideSummary {
        path: side.path.clone(),
        run: side.facts.run.clone(),
        verdict: side.facts.verdict,
        source: if side.is_report { "report" } else { "logs" },
    }
}

/// Why it cannot be said that nothing is worse. Loss and latency are what a comparison is for: without a test of the one or
/// of the other there is nothing to be reassured by.
fn open(before: &Side, after: &Side, rows: &[Row]) -> Vec<String> {
    let mut open = Vec::new();
    for side in [before, after] {
        let path = &side.path;
        match side.facts.unknown.as_slice() {
            [] if side.facts.verdict == Verdict::Unknown => open.push(format!("the verdict on {path} is unknown")),
            [] => {}
            [only] => open.push(format!("{path} is not known well: {only}")),
            [first, more @ ..] => open.push(format!("{path} is not known well: {first} (and {} more)", more.len())),
        }
    }
    for (what, words) in [("loss", ["loss", "loss"]), ("latency", ["latency.", "latency_sent."])] {
        let is_of = |row: &&Row| row.scope == "run" && words.iter().any(|word| row.quantity.starts_with(word));
        let mut all = rows.iter().filter(is_of);
        if !all.clone().any(|row| row.test.is_some()) {
            let why = all.find_map(|row| row.not_tested).unwrap_or("no data");
            open.push(format!("{what} was not tested: {why}"));
        }
    }
    open
}

fn notes(before: &Side, after: &Side) -> Vec<String> {
    let mut notes = vec![
        "messages are taken as independent; losses in bursts look more certain than they are: repeat the run"
            .to_owned(),
    ];
    for side in [before, after].into_iter().filter(|side| side.is_report) {
        notes.push(format!(
            "{} is a report: of its latencies there are bins, 16 an octave, and none since sent",
            side.path
        ));
    }
    notes
}

/// Calls `row` with each name of either side, in the order of names.
fn pairs<'a>(
    before: &'a Side,
    after: &'a Side,
    scope: Scope,
    mut row: impl FnMut(Option<&Entity<'a>>, Option<&Entity<'a>>),
) {
    let (a, b) = (entities(&before.facts, scope), entities(&after.facts, scope));
    let mut pairs: BTreeMap<&str, (Option<&Entity<'_>>, Option<&Entity<'_>>)> = BTreeMap::new();
    for entity in &a {
        pairs.entry(entity.name).or_default().0.get_or_insert(entity);
    }
    for entity in &b {
        pairs.entry(entity.name).or_default().1.get_or_insert(entity);
    }
    pairs.into_values().for_each(|(a, b)| row(a, b));
}

/// Holm's method: of many tests at once, the chance that any calls noise a change stays [`SIGNIFICANCE`].
fn adjust(rows: &mut [Row]) {
    let mut order: Vec<(usize, f64)> = rows
        .iter()
        .enumerate()
        .filter_map(|(at, row)| Some((at, row.test.as_ref()?.p_value)))
        .collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    let (count, mut largest) = (order.len(), 0.0_f64);
    for (rank, (at, p_value)) in order.into_iter().enumerate() {
        largest = largest.max(p_value * (count - rank) as f64).min(1.0);
        let row = &mut rows[at];
        if let Some(test) = &mut row.test {
            test.adjusted_p_value = largest;
        }
        if largest > SIGNIFICANCE {
            row.change = Change::Noise;
        }
    }
}
