//! Verdicts, the reasons for them, and the gates they come from.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The three answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that was judged is within its limits.
    Pass,
    /// A limit is exceeded for certain.
    Fail,
    /// The logs do not allow a verdict.
    Unknown,
}

impl Verdict {
    /// Joins two verdicts: fail beats unknown, unknown beats pass.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Fail, _) | (_, Self::Fail) => Self::Fail,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Pass, Self::Pass) => Self::Pass,
        }
    }
}

/// Why the verdict is not pass, in a form to program against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// Messages were lost beyond the limit.
    Loss,
    /// Messages were never acknowledged.
    NeverAcknowledged,
    /// Messages arrived that no publisher log knows.
    Unexpected,
    /// More duplicates than allowed.
    Duplicates,
    /// Latency above the limit, or not to be compared with it.
    Latency,
    /// The logs are of several runs.
    MixedRuns,
    /// No log is of the run asked for.
    RunNotFound,
    /// There is no publisher log.
    NoPublisherLog,
    /// There is no receiver log, or none with a client.
    NoReceiverLog,
    /// There are fewer or more logs than expected.
    LogCount,
    /// The logs disagree about how many logs there should be.
    ExpectationsDisagree,
    /// A log has no event at all.
    EmptyLog,
    /// A log has events and no `run_started`.
    NoRunStarted,
    /// A log has no `run_ended`.
    TornLog,
    /// Lines of a log cannot be read.
    UnreadableLines,
    /// A role ended with an error.
    RoleFailed,
    /// Two logs of one node name: restarted, or a name used twice.
    ReusedName,
    /// No message was attempted.
    NothingAttempted,
    /// No message was acknowledged.
    NothingAcknowledged,
    /// A publisher attempted another number of messages than planned.
    CountMismatch,
    /// A publisher could not keep its schedule.
    ScheduleSlip,
    /// A receiver left before messages had reached it.
    TailNotObserved,
    /// No message was sent while a receiver listened.
    NothingObserved,
    /// An expression of the user holds, or cannot be judged.
    Gate,
}

impl ReasonCode {
    /// The reasons that say that a publisher's log may be missing.
    pub(crate) const PUBLISHER_LOG_MISSING: [Self; 4] =
        [Self::LogCount, Self::EmptyLog, Self::NoRunStarted, Self::NoPublisherLog];
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reason {
    /// `fail` or `unknown`.
    pub verdict: Verdict,
    /// Which kind of reason.
    pub code: ReasonCode,
    /// The reason with its numbers.
    pub text: String,
}

/// One limit with what was measured against it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Gate {
    /// Name of the gate; of a gate of the user, its expression.
    pub name: Cow<'static, str>,
    /// Whether the value is within the limit.
    pub verdict: Verdict,
    /// Where the value is worst.
    pub scope: String,
    /// What was measured; absent when there was nothing to measure.
    pub value: Option<f64>,
    /// What is allowed; absent when the gate tolerates everything.
    pub limit: Option<f64>,
    /// `limit − value`; negative when exceeded.
    pub margin: Option<f64>,
    /// Unit of value, limit and margin.
    pub unit: &'static str,
    /// Whether the value is a percentile with fewer than ten values beyond it, so that it rests on a handful of messages.
    pub few_samples: bool,
}

impl Gate {
    /// The value as `number` writes it, marked as percentiles of a handful of values are everywhere.
    pub(super) fn show_value(&self, number: impl Fn(Option<f64>) -> String) -> String {
        format!("{}{}", number(self.value), if self.few_samples { "*" } else { "" })
    }
}
