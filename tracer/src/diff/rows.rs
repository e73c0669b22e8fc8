//! The rows of a comparison, each with the test that fits its quantity.

use super::{
    bootstrap, fisher,
    model::{Change, Row, Test},
    side::Side,
};
use crate::{
    gate::{
        facts::LatencyFacts,
        measure::Entity,
        metric::{Aggregate, Metric, Quantity, Unit},
    },
    options::MIN_SAMPLES_BEYOND,
};

/// A row without a test.
pub(super) fn plain_row(
    quantity: Quantity,
    a: Option<&Entity<'_>>,
    b: Option<&Entity<'_>>,
    why: Option<&'static str>,
) -> Row {
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
pub(super) fn share_row(metric: Metric, a: Option<&Entity<'_>>, b: Option<&Entity<'_>>) -> Row {
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
pub(super) fn run_row(quantity: Quantity, before: (&Side, &Entity<'_>), after: (&Side, &Entity<'_>)) -> Option<Row> {
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
