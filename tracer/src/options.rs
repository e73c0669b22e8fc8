//! What can be asked of a report, and every default with its reason.

use crate::cli::Expectation;

/// Share of lost messages allowed at any one receiver, percent: a lost message is what the tool is there to find.
pub const DEFAULT_MAX_LOSS_PERCENT: f64 = 0.0;

/// A message that arrives later than this after its intended time is counted as late. Well above the second in which
/// Waku is expected to deliver, and about where a user loses patience.
pub const DEFAULT_LATE_AFTER_NS: i64 = 5_000_000_000;

/// Schedule slip (99th percentile) that is always allowed: a few time slices of a busy machine, which is no fault of
/// the generator, and small beside the 300 ms that a light client's message is expected to take.
pub const SLIP_FLOOR_NS: i64 = 50_000_000;

/// Schedule slip (99th percentile) allowed as a part of the interval, percent: below it the load is still the planned
/// one.
pub const SLIP_INTERVAL_PERCENT: i64 = 10;

/// A percentile with fewer samples beyond it than this is marked: it rests on a handful of messages.
pub const MIN_SAMPLES_BEYOND: u64 = 10;

/// Options of a report. Durations are in nanoseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The run to judge, where the logs are of several.
    pub run: Option<String>,
    /// How many publisher logs there must be; overrides what the logs say.
    pub expect_publishers: Option<u32>,
    /// How many receiver logs there must be; overrides what the logs say.
    pub expect_receivers: Option<u32>,
    /// Loss allowed at any one receiver, percent of the messages expected there.
    pub max_loss_percent: f64,
    /// Same-hash duplicates allowed at any one receiver; `None`: not judged.
    pub max_duplicates: Option<u64>,
    /// Messages allowed at any one receiver that no publisher log knows.
    pub max_unexpected: u64,
    /// Whether messages that were never acknowledged are tolerated.
    pub allow_failed_publishes: bool,
    /// Schedule slip allowed (99th percentile); `None`: [`SLIP_FLOOR_NS`] or [`SLIP_INTERVAL_PERCENT`], the larger.
    pub max_slip_ns: Option<i64>,
    /// Latency from intended time allowed at any one receiver (99th percentile); `None`: not judged.
    pub max_latency_p99_ns: Option<i64>,
    /// From when on an arrival counts as late, after the intended time.
    pub late_after_ns: i64,
}

impl Options {
    /// The same with these numbers of logs.
    #[must_use]
    pub(crate) fn with_expectations(mut self, expectations: &[Expectation]) -> Self {
        for expectation in expectations {
            match expectation {
                Expectation::Publishers(count) => self.expect_publishers = Some(*count),
                Expectation::Receivers(count) => self.expect_receivers = Some(*count),
            }
        }
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            run: None,
            expect_publishers: None,
            expect_receivers: None,
            max_loss_percent: DEFAULT_MAX_LOSS_PERCENT,
            max_duplicates: None,
            max_unexpected: 0,
            allow_failed_publishes: false,
            max_slip_ns: None,
            max_latency_p99_ns: None,
            late_after_ns: DEFAULT_LATE_AFTER_NS,
        }
    }
}
