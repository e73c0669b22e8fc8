//! One-way latency and what the clocks allow to say about it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    clock::{ClockBounds, Clocks, clock_key},
    latency::Distribution,
    model::{Header, Log},
};

/// How far the clocks behind a one-way latency agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "quality")]
pub enum Clock {
    /// Sender and receiver run on one kernel: one clock.
    Same,
    /// The offset is bounded, by messages or by both hosts' statements: the value is right within it.
    Bounded {
        /// The bound, nanoseconds.
        bound_ns: u64,
    },
    /// Different or unnamed kernels, and no bound: the value may be off by any amount.
    Unknown,
}

impl Clock {
    /// The worse of two.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Bounded { bound_ns: a }, Self::Bounded { bound_ns: b }) => Self::Bounded { bound_ns: a.max(b) },
            (bounded @ Self::Bounded { .. }, Self::Same) | (Self::Same, bounded @ Self::Bounded { .. }) => bounded,
            (Self::Same, Self::Same) => Self::Same,
        }
    }
}

/// What two hosts' clocks allow to say: one kernel is one clock, messages bound the offset, so do the bounds that hosts
/// state, anything else is unknown.
pub(super) fn clock_between(publisher: &Log, receiver: &Log, measured: &ClockBounds) -> Clock {
    let (Some(a), Some(b)) = (&publisher.header, &receiver.header) else {
        return Clock::Unknown;
    };
    if a.boot.is_some() && a.boot == b.boot {
        return Clock::Same;
    }
    let key = |log: &Log, header: &Header| clock_key(header.boot.as_deref(), &log.path);
    match measured.between(&key(publisher, a), &key(receiver, b)) {
        Clocks::Same => return Clock::Same,
        Clocks::Within { lo_ns, hi_ns } => {
            let bound_ns = lo_ns.unsigned_abs().max(hi_ns.unsigned_abs());
            return Clock::Bounded { bound_ns };
        }
        // The measured bounds contain the stated ones: where they contradict each other, none is worth anything.
        Clocks::Contradictory => return Clock::Unknown,
        Clocks::Unknown => {}
    }
    match (a.clock_error_ns, b.clock_error_ns) {
        (Some(a), Some(b)) => Clock::Bounded {
            bound_ns: a.saturating_add(b),
        },
        _ => Clock::Unknown,
    }
}

/// One-way latency of first arrivals.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Latency {
    /// Arrival − intended send time: what a user waits. The headline.
    pub from_intended: Distribution,
    /// Arrival − actual send time of the attempt that arrived.
    pub from_sent: Distribution,
    /// What the clocks allow to say.
    pub clock: Clock,
}
