//! What a gate says: `metric[.aggregate] op value[unit] [per entity]`. `parse` reads it.

use std::fmt;

use super::metric::{Quantity, Scope};

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Above,
    AtLeast,
    Below,
    AtMost,
}

impl Op {
    /// Longer signs first, so that the first match is the right one.
    pub(super) const SIGNS: [(&'static str, Self); 4] = [
        (">=", Self::AtLeast),
        ("<=", Self::AtMost),
        (">", Self::Above),
        ("<", Self::Below),
    ];

    pub(crate) fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
        }
    }

    /// Whether larger values are the bad ones.
    pub(crate) fn is_upper(self) -> bool {
        matches!(self, Self::Above | Self::AtLeast)
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
        }
    }
}

/// The number of an expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Limit {
    Percent(f64),
    Count(u64),
    DurationNs(i64),
}

impl Limit {
    /// Percent, a count, or nanoseconds.
    pub(crate) fn number(self) -> f64 {
        match self {
            Self::Percent(percent) => percent,
            Self::Count(count) => count as f64,
            Self::DurationNs(ns) => ns as f64,
        }
    }
}

/// When a run fails.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Expression {
    pub(crate) quantity: Quantity,
    pub(crate) op: Op,
    pub(crate) limit: Limit,
    pub(crate) scope: Scope,
}
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Count(count) => write!(f, "{count}"),
            Self::DurationNs(ns) => {
                let units = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)];
                let fits = units.iter().find(|(_, unit_ns)| ns != 0 && ns % unit_ns == 0);
                let (unit, unit_ns) = fits.unwrap_or(&("ns", 1));
                write!(f, "{}{unit}", ns / unit_ns)
            }
        }
    }
}

impl fmt::Display for Expression {
    /// The expression in its plainest form; reads back as the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.quantity, self.op.sign(), self.limit)?;
        if self.quantity.metric.scopes().first() != Some(&self.scope) {
            write!(f, " per {}", self.scope.word())?;
        }
        Ok(())
    }
}
