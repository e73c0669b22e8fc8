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
    /// The offset (receiver's clock less sender's) is bounded, by messages or by both hosts' statements. The true value is
    /// the measured one less the offset.
    Bounded {
        /// How far the value may be off at most, nanoseconds: the larger of the two ends without their signs.
        bound_ns: u64,
        /// Smallest possible offset, nanoseconds.
        lo_ns: i64,
        /// Largest possible offset, nanoseconds.
        hi_ns: i64,
    },
    /// Different or unnamed kernels, and no bound: the value may be off by any amount.
    Unknown,
}

/// How far a receiver's clock may be ahead of a sender's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Offset {
    pub(crate) lo_ns: i64,
    pub(crate) hi_ns: i64,
}

impl Offset {
    /// The least and the most that a latency can be in truth.
    pub(crate) fn truth(self, measured_ns: i64) -> (i64, i64) {
        (
            measured_ns.saturating_sub(self.hi_ns),
            measured_ns.saturating_sub(self.lo_ns),
        )
    }
}

/// What holds of two pairs of clocks at once; `None`: off by any amount.
pub(crate) fn joined(a: Option<Offset>, b: Option<Offset>) -> Option<Offset> {
    let (a, b) = (a?, b?);
    Some(Offset {
        lo_ns: a.lo_ns.min(b.lo_ns),
        hi_ns: a.hi_ns.max(b.hi_ns),
    })
}

/// `offset`, unless the earliest arrival after its sending contradicts it: a message does not arrive before it is sent,
/// so the clocks did not keep what they promised.
pub(crate) fn kept_offset(offset: Option<Offset>, earliest_ns: Option<i64>) -> Option<Offset> {
    offset.filter(|offset| earliest_ns.is_none_or(|earliest_ns| offset.lo_ns <= earliest_ns))
}

impl Clock {
    /// The offset lies between these ends.
    fn bounded(lo_ns: i64, hi_ns: i64) -> Self {
        Self::Bounded {
            bound_ns: lo_ns.unsigned_abs().max(hi_ns.unsigned_abs()),
            lo_ns,
            hi_ns,
        }
    }

    /// What is known of the offset; `None`: nothing.
    pub(crate) fn offset(self) -> Option<Offset> {
        match self {
            Self::Same => Some(Offset::default()),
            Self::Bounded { lo_ns, hi_ns, .. } => Some(Offset { lo_ns, hi_ns }),
            Self::Unknown => None,
        }
    }

    /// The worse of two: what holds of both.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        match (self, other) {
            (Self::Same, Self::Same) => Self::Same,
            _ => joined(self.offset(), other.offset())
                .map_or(Self::Unknown, |offset| Self::bounded(offset.lo_ns, offset.hi_ns)),
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
    let (key_a, key_b) = (key(publisher, a), key(receiver, b));
    match measured.between(&key_a, &key_b) {
        Clocks::Same => return Clock::Same,
        Clocks::Within { lo_ns, hi_ns } => return Clock::bounded(lo_ns, hi_ns),
        // The measured bounds contain the stated ones: where they contradict each other, none is worth anything.
        Clocks::Contradictory => return Clock::Unknown,
        Clocks::Unknown if measured.knows(&key_a) && measured.knows(&key_b) => return Clock::Unknown,
        Clocks::Unknown => {}
    }
    match (a.clock_error_ns, b.clock_error_ns) {
        (Some(a), Some(b)) => {
            let error_ns = i64::try_from(a.saturating_add(b)).unwrap_or(i64::MAX);
            Clock::bounded(-error_ns, error_ns)
        }
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
