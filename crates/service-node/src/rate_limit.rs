//! How often one peer may ask: a token bucket per peer, refilled continuously.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    str::FromStr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use libp2p::PeerId;

/// Most peers remembered at once, about 3 MB. Only peers that asked within one period are remembered at all, so this
/// is reached by somebody who makes up peer ids, not by a fleet.
pub const REMEMBERED_PEERS_MAX: usize = 16_384;

/// Longest period of a limit. A day is beyond any use, and keeps the bookkeeping far from overflow.
pub const PERIOD_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Periods as nwaku's command line writes them, longest first, in milliseconds.
const UNITS_MS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Text or numbers that are no rate limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateLimitError {
    /// No `/` between volume and period.
    #[error("rate limit {text:?} is not of the form <volume>/<number><unit>, for example 30/1m or 3/500ms")]
    Form {
        /// What was given.
        text: String,
    },
    /// The volume is not a whole number from 1.
    #[error("volume {text:?} of the rate limit is not a whole number from 1 to 4294967295 (no limit: leave it out)")]
    Volume {
        /// What was given.
        text: String,
    },
    /// The unit is not known.
    #[error("unit {unit:?} of the rate limit's period is not known: use h, m, s or ms, as in 30/1m")]
    Unit {
        /// What was given.
        unit: String,
    },
    /// The period is zero, too long, or no number.
    #[error("period {text:?} of the rate limit is not from 1ms to 24h in whole milliseconds")]
    Period {
        /// What was given.
        text: String,
    },
}

/// So many requests per period; displayed and parsed as `30/1m`, `100/1s`, `3/500ms`, the way nwaku writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests per period, and the largest burst. 0 admits nothing.
    pub volume: u32,
    /// The time in which an empty bucket fills up. Zero admits everything, if the volume is not 0.
    pub period: Duration,
}

impl RateLimit {
    /// nwaku's limit for filter requests of one peer: 30 a minute.
    pub const FILTER_DEFAULT: Self = Self {
        volume: 30,
        period: Duration::from_secs(60),
    };

    /// `volume` requests per `period`.
    ///
    /// # Errors
    /// If the volume is 0, or the period is not a whole number of milliseconds from 1 ms to [`PERIOD_MAX`].
    pub fn new(volume: u32, period: Duration) -> Result<Self, RateLimitError> {
        if volume == 0 {
            return Err(RateLimitError::Volume {
                text: volume.to_string(),
            });
        }
        let is_whole_ms = period.subsec_nanos().is_multiple_of(1_000_000);
        if period.is_zero() || period > PERIOD_MAX || !is_whole_ms {
            return Err(RateLimitError::Period {
                text: format!("{period:?}"),
            });
        }
        Ok(Self { volume, period })
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms_ns = Duration::from_millis(1).as_nanos();
        let period_ns = self.period.as_nanos();
        let mut units = UNITS_MS
            .iter()
            .map(|&(unit, scale_ms)| (unit, u128::from(scale_ms) * ms_ns));
        match units.find(|(_, scale_ns)| period_ns > 0 && period_ns.is_multiple_of(*scale_ns)) {
            Some((unit, scale_ns)) => write!(f, "{}/{}{unit}", self.volume, period_ns / scale_ns),
            None => write!(f, "{}/{:?}", self.volume, self.period),
        }
    }
}

impl FromStr for RateLimit {
    type Err = RateLimitError;

    fn from_str(text: &str) -> Result<Self, RateLimitError> {
        let form = || RateLimitError::Form { text: text.to_owned() };
        let (volume, period) = text.split_once('/').ok_or_else(form)?;
        let volume = volume.parse().map_err(|_| RateLimitError::Volume {
            text: volume.to_owned(),
        })?;
        let end = period.find(|c: char| !c.is_ascii_digit()).unwrap_or(period.len());
        let (number, unit) = period.split_at(end);
        if number.is_empty() || unit.is_empty() {
            return Err(form());
        }
        let known = UNITS_MS.iter().find(|(name, _)| *name == unit);
        let (_, scale_ms) = known.ok_or_else(|| RateLimitError::Unit { unit: unit.to_owned() })?;
        let out_of_range = || RateLimitError::Period {
            text: period.to_owned(),
        };
        let period_ms = number
            .parse::<u64>()
            .ok()
            .and_then(|n| n.checked_mul(*scale_ms))
            .ok_or_else(out_of_range)?;
        Self::new(volume, Duration::from_millis(period_ms)).map_err(|error| match error {
            RateLimitError::Period { .. } => out_of_range(),
            other => other,
        })
    }
}

/// Admits or refuses the requests of each peer. Charge it once per request *frame*, not per stream: js-waku opens idle
/// streams in advance.
///
/// Each peer has a bucket of `volume` tokens which refills continuously, `volume` per period; a refused request costs
/// nothing. The buckets are kept as the time at which each would be full again (the generic cell rate algorithm): that
/// needs one number per peer, is exact in integers, and a bucket whose time has passed equals a new one, so it is
/// forgotten. nwaku's limiter refills a peer's bucket in steps and adds a bucket shared by all peers.
#[derive(Debug)]
pub struct PeerRateLimiter {
    limit: Option<RateLimit>,
    epoch: Instant,
    buckets: Mutex<Buckets>,
    forgotten_early: AtomicU64,
}

/// The buckets that are not full, by peer and by the time at which each is full, in ticks since the epoch.
///
/// A tick is 1 / volume of a nanosecond, so that one token (period / volume) is a whole number: the period's
/// nanoseconds.
#[derive(Debug, Default)]
struct Buckets {
    full_at: HashMap<PeerId, u128>,
    by_time: BTreeSet<(u128, PeerId)>,
}

impl PeerRateLimiter {
    /// A limiter with one bucket per peer; without a limit it admits everything and remembers nothing.
    pub fn new(limit: Option<RateLimit>) -> Self {
        Self {
            limit,
            epoch: Instant::now(),
            buckets: Mutex::default(),
            forgotten_early: AtomicU64::new(0),
        }
    }

    /// Takes one token from the bucket of `peer`, if there is one.
    ///
    /// `now` may lie a little before that of an earlier call, as it does when threads race.
    pub fn admit(&self, peer: PeerId, now: Instant) -> bool {
        let Some(limit) = self.limit else { return true };
        let volume = u128::from(limit.volume);
        let token = limit.period.as_nanos();
        // No overflow: a duration has below 2^94 nanoseconds, a volume below 2^32.
        let now = now.saturating_duration_since(self.epoch).as_nanos() * volume;

        let mut buckets = self.lock();
        buckets.forget_full(now);
        let full_at = buckets.full_at.get(&peer).copied().unwrap_or(now);
        let full_at_if_admitted = full_at + token;
        if volume == 0 || full_at_if_admitted - now > token * volume {
            return false;
        }
        buckets.set(peer, full_at_if_admitted);
        if buckets.full_at.len() > REMEMBERED_PEERS_MAX {
            buckets.forget_fullest();
            self.forgotten_early.fetch_add(1, Ordering::Relaxed);
        }
        true
    }

    /// Peers remembered: those whose bucket was not full at the last call.
    pub fn remembered_count(&self) -> usize {
        self.lock().full_at.len()
    }

    /// How many peers were forgotten although their bucket was not full, because of [`REMEMBERED_PEERS_MAX`].
    pub fn forgotten_early_count(&self) -> u64 {
        self.forgotten_early.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Buckets> {
        // A panic between two statements of `admit` leaves at worst one bucket out of order.
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buckets {
    fn set(&mut self, peer: PeerId, full_at: u128) {
        if let Some(before) = self.full_at.insert(peer, full_at) {
            self.by_time.remove(&(before, peer));
        }
        self.by_time.insert((full_at, peer));
    }

    fn forget_full(&mut self, now: u128) {
        while self.by_time.first().is_some_and(|(full_at, _)| *full_at <= now) {
            self.forget_fullest();
        }
    }

    fn forget_fullest(&mut self) {
        if let Some((_, peer)) = self.by_time.pop_first() {
            self.full_at.remove(&peer);
        }
    }
}

#[cfg(test)]
mod tests;
