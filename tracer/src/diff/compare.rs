//! Two sides, quantity by quantity, and whether what changed is more than noise.

use schemars::JsonSchema;
use serde::Serialize;

use super::{bootstrap, fisher, side::Side};
use crate::{
    gate::{
        facts::LatencyFacts,
        measure::{Entity, entities},
        metric::{Aggregate, Metric, Quantity, Scope, Unit},
    },
    options::MIN_SAMPLES_BEYOND,
};

/// Probability of calling noise a change, over all tests of one comparison together.
pub const SIGNIFICANCE: f64 = 0.01;

/// Shares of messages, which are tested.
const SHARES: [Metric; 6] = [
    Metric::Loss,
    Metric::NeverAcked,
    Metric::Duplicates,
    Metric::RetryTwins,
    Metric::Late,
    Metric::OutOfOrder,
];

/// What a change means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Better, beyond the noise.
    Better,
    /// Worse, beyond the noise.
    Worse,
    /// Not beyond the noise.
    Noise,
    /// Nothing was tested.
    NotTested,
}

/// The test behind a row.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Test {
    /// `fisher_exact` or `bootstrap`.
    pub name: &'static str,
    /// Two-sided, of this test alone.
    pub p_value: f64,
    /// The same, corrected by Holm's method for the number of tests.
    pub adjusted_p_value: f64,
    /// 99 % interval of the change; of the bootstrap alone.
    pub interval: Option<[f64; 2]>,
}

/// One quantity on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Row {
    /// The quantity, as in an expression.
    pub quantity: String,
    /// `run`, or the receiver or publisher.
    pub scope: String,
    /// `%`, `ms` or `count`.
    pub unit: &'static str,
    /// Value before; absent where there is none.
    pub before: Option<f64>,
    /// Value after; absent where there is none.
    pub after: Option<f64>,
    /// After less before.
    pub difference: Option<f64>,
    /// The test, where there is one.
    pub test: Option<Test>,
    /// Why there is no test.
    pub not_tested: Option<&'static str>,
    /// What it means.
    pub change: Change,
}

/// One side, in words.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SideSummary {
    /// Path as given.
    pub path: String,
    /// Run id.
    pub run: Option<String>,
    /// Verdict of its report.
    pub verdict: String,
    /// `logs` or `report`.
    pub source: &'static str,
}

/// A comparison of two runs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// The first side.
    pub before: SideSummary,
    /// The second side.
    pub after: SideSummary,
    /// `worse` if any row is, else `better` if any row is, else `noise`; `not_tested` if no row was tested.
    pub change: Change,
    /// [`SIGNIFICANCE`].
    pub significance: f64,
    /// The quantities: of the run first, then loss by receiver, then the publishers.
    pub rows: Vec<Row>,
    /// What to know about it.
    pub notes: Vec<String>,
}

/// Compares two runs.
pub(super) fn compare(before: &Side, after: &Side) -> Comparison {
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
        before: summary(before),
        after: summary(after),
        change,
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
        verdict: side.facts.verdict.clone(),
        source: if side.samples.is_some() { "logs" } else { "report" },
    }
}

fn notes(before: &Side, after: &Side) -> Vec<String> {
    let mut notes = vec![
        "messages are taken as independent; losses in bursts look more certain than they are: repeat the run"
            .to_owned(),
    ];
    for side in [before, after] {
        if side.facts.verdict == "unknown" {
            notes.push(format!(
                "the verdict on {} is unknown: its numbers may lack a part of the run",
                side.path
            ));
        }
        if side.samples.is_none() {
            notes.push(format!(
                "{} is a report without single values: its latencies are not tested",
                side.path
            ));
        }
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
    let names: std::collections::BTreeSet<&str> = a.iter().chain(&b).map(|entity| entity.name).collect();
    for name in names {
        row(
            a.iter().find(|entity| entity.name == name),
            b.iter().find(|entity| entity.name == name),
        );
    }
}

/// A row without a test.
fn plain_row(quantity: Quantity, a: Option<&Entity<'_>>, b: Option<&Entity<'_>>, why: Option<&'static str>) -> Row {
    let (unit, scale) = match quantity.unit() {
        Unit::Percent => ("%", 1.0),
        Unit::Count => ("count", 1.0),
        Unit::Duration => ("ms", 1e6),
    };
    let value = |entity: Option<&Entity<'_>>| Some(entity?.measure(quantity, false)?.value / scale);
    let (before, after) = (value(a), value(b));
    let scope = a.or(b).map_or("run", |entity| entity.name).to_owned();
    Row {
        quantity: quantity.to_string(),
        scope,
        unit,
        before,
        after,
        difference: before.zip(after).map(|(before, after)| after - before),
        test: None,
        not_tested: why,
        change: Change::NotTested,
    }
}

/// A share of messages, by Fisher's exact test.
fn share_row(metric: Metric, a: Option<&Entity<'_>>, b: Option<&Entity<'_>>) -> Row {
    let hits = Quantity {
        metric: if metric == Metric::Loss { Metric::Lost } else { metric },
        aggregate: None,
    };
    let mut row = plain_row(
        Quantity {
            metric,
            aggregate: None,
        },
        a,
        b,
        None,
    );
    let share = |entity: Option<&Entity<'_>>| Some(entity?.measure(hits, true)?.value);
    (row.before, row.after, row.unit) = (share(a), share(b), "%");
    row.difference = row.before.zip(row.after).map(|(before, after)| after - before);
    let count = |entity: Option<&Entity<'_>>| {
        let entity = entity?;
        Some((entity.measure(hits, false)?.value as u64, entity.base(metric)?))
    };
    let counts = count(a).zip(count(b));
    let p_value = counts.and_then(|(a, b)| fisher::two_sided((a.0, b.0), (a.1, b.1)));
    row.test = p_value.map(|p_value| Test {
        name: "fisher_exact",
        p_value,
        adjusted_p_value: p_value,
        interval: None,
    });
    if row.test.is_none() {
        row.not_tested = Some(match counts {
            None => "no data on one side",
            Some(_) => "more than one for each message",
        });
    }
    row
}

/// A quantity of the run that is no share: a latency, or a number that is shown beside.
fn run_row(quantity: Quantity, before: (&Side, &Entity<'_>), after: (&Side, &Entity<'_>)) -> Option<Row> {
    let (a, b) = (Some(before.1), Some(after.1));
    match (quantity.metric, quantity.aggregate) {
        (Metric::Expected | Metric::Received | Metric::Attempted | Metric::Presence | Metric::Unexpected, _) => {
            Some(plain_row(quantity, a, b, Some("shown for comparison")))
        }
        (Metric::Latency | Metric::LatencySent, Some(Aggregate::Percentile(percent))) => {
            let mut row = plain_row(quantity, a, b, None);
            match test_latency(quantity.metric, percent, before.0, after.0) {
                Ok(test) => row.test = Some(test),
                Err(why) => row.not_tested = Some(why),
            }
            Some(row)
        }
        (Metric::Latency, Some(Aggregate::Max)) => Some(plain_row(quantity, a, b, Some("one message, no series"))),
        _ => None,
    }
}

fn test_latency(metric: Metric, percent: f64, before: &Side, after: &Side) -> Result<Test, &'static str> {
    fn series(side: &Side, metric: Metric) -> Result<&[i64], &'static str> {
        let samples = side.samples.as_ref().ok_or("a report holds no single values")?;
        Ok(match metric {
            Metric::Latency => &samples.from_intended_ns,
            _ => &samples.from_sent_ns,
        })
    }
    let (a, b) = (series(before, metric)?, series(after, metric)?);
    let permille = (percent * 10.0).round() as u32;
    for series in [a, b] {
        let beyond = series.len().saturating_sub(bootstrap::rank(series.len(), permille));
        if (beyond as u64) < MIN_SAMPLES_BEYOND {
            return Err("too few values beyond it");
        }
    }
    let error_ns = |latency: &LatencyFacts| latency.clock.error_ns().and_then(|ns| i64::try_from(ns).ok());
    let errors = error_ns(&before.facts.totals.latency).zip(error_ns(&after.facts.totals.latency));
    let (error_a, error_b) = errors.ok_or("the clocks are not known to agree")?;
    let allowance_ns = error_a.saturating_add(error_b);
    let difference = bootstrap::percentile_difference(a, b, permille, allowance_ns).ok_or("no data on one side")?;
    let (low, high) = difference.interval_ns;
    Ok(Test {
        name: "bootstrap",
        p_value: difference.p_value(),
        adjusted_p_value: difference.p_value(),
        interval: Some([low as f64 / 1e6, high as f64 / 1e6]),
    })
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
        // Of every quantity that is tested less is better.
        row.change = match row.difference {
            Some(difference) if largest <= SIGNIFICANCE && difference > 0.0 => Change::Worse,
            Some(difference) if largest <= SIGNIFICANCE && difference < 0.0 => Change::Better,
            _ => Change::Noise,
        };
    }
}
