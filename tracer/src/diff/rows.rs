//! The rows of a comparison, each with the test that fits its quantity.

use std::cmp::Ordering;

use super::{
    MAX_TESTED, fisher,
    model::{Change, Row, Test},
    quantile,
    side::Side,
    values::Values,
};
use crate::{
    gate::{
        measure::Entity,
        metric::{Aggregate, Metric, Quantity, Unit},
        range::Range,
    },
    latency::rank_of,
    options::MIN_SAMPLES_BEYOND,
    report::Offset,
};

/// A test, and what the change is if it exceeds the noise; or why there is no test.
type Tested = Result<(Test, Change), &'static str>;

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
    let quantity = |metric| Quantity {
        metric,
        aggregate: None,
    };
    let hits = quantity(if metric == Metric::Loss { Metric::Lost } else { metric });
    let mut row = plain_row(quantity(metric), a, b, None);
    let share = |entity: Option<&Entity<'_>>| Some(entity?.measure(hits, true)?.value);
    (row.before, row.after, row.unit) = (share(a), share(b), "%");
    row.difference = row.before.zip(row.after).map(|(before, after)| after - before);
    row.settle(match a.zip(b) {
        Some((a, b)) => test_share(metric, hits, a, b),
        None => Err("no data on one side"),
    });
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
            row.settle(test_latency(quantity.metric, percent, before, after));
            Some(row)
        }
        (Metric::Latency, Some(Aggregate::Max)) => Some(plain_row(quantity, a, b, Some("one message, no series"))),
        _ => None,
    }
}

impl Row {
    fn settle(&mut self, tested: Tested) {
        match tested {
            Ok((test, change)) => (self.test, self.change) = (Some(test), change),
            Err(why) => self.not_tested = Some(why),
        }
    }
}

/// Less is better, of everything that is tested.
fn change(after: Ordering) -> Change {
    match after {
        Ordering::Greater => Change::Worse,
        Ordering::Less => Change::Better,
        Ordering::Equal => Change::Noise,
    }
}

/// Where the counts are not certain, the least change that they leave is tested: what is called a change is one whatever
/// the truth is.
fn test_share(metric: Metric, hits: Quantity, a: &Entity<'_>, b: &Entity<'_>) -> Tested {
    if metric == Metric::Late && a.late_after_ns() != b.late_after_ns() {
        return Err("lateness begins elsewhere on each side");
    }
    let count = |entity: &Entity<'_>| entity.measure(hits, false).zip(entity.base(metric));
    let (a_hits, a_all) = count(a).ok_or("no data on one side")?;
    let (b_hits, b_all) = count(b).ok_or("no data on one side")?;
    if a_all.max(b_all) > MAX_TESTED {
        return Err("more messages than are tested");
    }
    let (a_share, b_share) = (Shares::new(a_hits, a_all), Shares::new(b_hits, b_all));
    let (after, a_count, b_count) = if b_share.low > a_share.high {
        (Ordering::Greater, a_hits.high, b_hits.low)
    } else if b_share.high < a_share.low {
        (Ordering::Less, a_hits.low, b_hits.high)
    } else if a_hits.is_certain() && b_hits.is_certain() {
        (Ordering::Equal, a_hits.high, b_hits.low)
    } else if metric == Metric::Late && [a, b].iter().any(|e| e.offset() != Some(Offset::default())) {
        return Err(CLOCKS);
    } else {
        return Err("lines that cannot be read may explain it");
    };
    let p_value = fisher::two_sided((a_count as u64, b_count as u64), (a_all, b_all));
    let p_value = p_value.ok_or("more than one for each message")?;
    let test = Test {
        name: "fisher_exact",
        p_value,
        adjusted_p_value: p_value,
        interval: None,
    };
    Ok((test, change(after)))
}

const CLOCKS: &str = "the clocks are not known to agree";

/// The shares that the truth may be.
struct Shares {
    low: f64,
    high: f64,
}

impl Shares {
    fn new(hits: Range, all: u64) -> Self {
        let all = all.max(1) as f64;
        Self {
            low: hits.low / all,
            high: hits.high / all,
        }
    }
}

fn test_latency(metric: Metric, percent: f64, before: (&Side, &Entity<'_>), after: (&Side, &Entity<'_>)) -> Tested {
    let (a, b) = (series(before.0, metric)?, series(after.0, metric)?);
    let permille = (percent * 10.0).round() as u32;
    for n in [a.n(), b.n()] {
        if n > MAX_TESTED {
            return Err("more values than are tested");
        }
        if n.saturating_sub(rank_of(n, permille)) < MIN_SAMPLES_BEYOND {
            return Err("too few values beyond it");
        }
    }
    let offsets = before.1.offset().zip(after.1.offset());
    let (of_a, of_b) = offsets.ok_or(CLOCKS)?;
    // The true change is the measured one less what the clocks of one side are ahead of those of the other.
    let excused_ns = (
        of_b.lo_ns.saturating_sub(of_a.hi_ns),
        of_b.hi_ns.saturating_sub(of_a.lo_ns),
    );
    let moved = quantile::compare(a, b, permille, excused_ns).ok_or("no data on one side")?;
    let interval_ns = moved.interval_ns.0.zip(moved.interval_ns.1);
    let test = Test {
        name: "order_statistics",
        p_value: moved.p_value,
        adjusted_p_value: moved.p_value,
        interval: interval_ns.map(|(low, high)| [low as f64 / 1e6, high as f64 / 1e6]),
    };
    Ok((test, change(moved.direction)))
}

fn series(side: &Side, metric: Metric) -> Result<&Values, &'static str> {
    let values = match metric {
        Metric::Latency => &side.from_intended,
        _ => &side.from_sent,
    };
    values.as_ref().ok_or(match metric {
        Metric::Latency => "the report holds no histogram of it",
        _ => "a report holds no single values of it",
    })
}
