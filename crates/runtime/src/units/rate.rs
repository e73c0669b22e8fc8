//! Rates: so many in such a time.

use std::{fmt, time::Duration};

use super::{
    UnitError,
    number::{find_unit, split_number},
};

const RATE_PERIODS_NS: &[(&str, u64)] = &[
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A pace: `count` events in each `period_ns`. Kept as a fraction, so that the thousandth due time is as exact as the
/// first; `count` 0 means unpaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Events per period; 0 = as fast as possible.
    pub count: u64,
    /// The period, nanoseconds; never 0.
    pub period_ns: u64,
}

impl Rate {
    /// As fast as possible.
    pub const UNPACED: Self = Self { count: 0, period_ns: 1 };

    /// One event per `interval`; unpaced when it is zero.
    #[must_use]
    pub fn from_interval(interval: Duration) -> Self {
        match u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX) {
            0 => Self::UNPACED,
            period_ns => Self { count: 1, period_ns },
        }
    }

    /// Whether events are due as fast as possible.
    #[must_use]
    pub const fn is_unpaced(self) -> bool {
        self.count == 0
    }

    /// Time between two events, nanoseconds, rounded down; 0 when unpaced.
    #[must_use]
    pub const fn interval_ns(self) -> u64 {
        match self.period_ns.checked_div(self.count) {
            Some(ns) => ns,
            None => 0,
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_unpaced() {
            return f.write_str("as fast as possible");
        }
        write!(f, "one per {:?}", Duration::from_nanos(self.interval_ns()))
    }
}

/// A rate from `20/s`, `600/m`, `0.5/s`; a bare number is per second, `0` is as fast as possible.
///
/// # Errors
/// [`UnitError`] with an example.
pub fn parse_rate(text: &str) -> Result<Rate, UnitError> {
    const WHAT: &str = "rate";
    const EXAMPLE: &str = "20/s";
    let (number, rest) = split_number(text, WHAT, EXAMPLE)?;
    let period_ns = match rest.strip_prefix('/') {
        Some(unit) => find_unit(RATE_PERIODS_NS, unit.trim(), text, WHAT, EXAMPLE)?,
        None if rest.is_empty() => 1_000_000_000,
        None => find_unit(RATE_PERIODS_NS, rest, text, WHAT, EXAMPLE)?,
    };
    if number.mantissa == 0 {
        return Ok(Rate::UNPACED);
    }
    let limit = "it must be at most a billion per second and at least one a day";
    let out_of_range = || UnitError::OutOfRange {
        text: text.to_owned(),
        what: WHAT,
        limit,
    };
    // 0.5/s is 5 in 10 s: the fraction moves into the period.
    let period_ns = 10_u64
        .pow(number.scale)
        .checked_mul(period_ns)
        .ok_or_else(out_of_range)?;
    let count = u64::try_from(number.mantissa).map_err(|_| out_of_range())?;
    let day_ns = 86_400_000_000_000_u64;
    Some(Rate { count, period_ns })
        .filter(|rate| rate.count <= rate.period_ns && rate.interval_ns() <= day_ns)
        .ok_or_else(out_of_range)
}
