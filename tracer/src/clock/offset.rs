//! How two clocks agree.

use schemars::JsonSchema;
use serde::Serialize;

use crate::units::show_signed_ns;

/// How two clocks agree; the *offset* is the second less the first, at any one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "relation")]
pub enum Clocks {
    /// They are one clock.
    Same,
    /// The offset lies between these bounds, both possible.
    Within {
        /// Smallest possible offset, nanoseconds.
        lo_ns: i64,
        /// Largest possible offset, nanoseconds.
        hi_ns: i64,
    },
    /// No constant offset explains what was logged: a clock was set, or drifted by more than the bounds are wide.
    Contradictory,
    /// Nothing is known, or of one direction only.
    Unknown,
}

impl Clocks {
    /// From the two bounds, where both are known.
    pub(super) fn of_bounds(lo_ns: Option<i64>, hi_ns: Option<i64>) -> Self {
        match (lo_ns, hi_ns) {
            (Some(lo_ns), Some(hi_ns)) if lo_ns <= hi_ns => Self::Within { lo_ns, hi_ns },
            (Some(_), Some(_)) => Self::Contradictory,
            _ => Self::Unknown,
        }
    }

    /// In words: `same clock`, `clock +1.00 ms to +2.00 ms ahead`.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Same => "same clock".to_owned(),
            Self::Within { lo_ns, hi_ns } => {
                format!("clock ahead by {} to {}", show_signed_ns(lo_ns), show_signed_ns(hi_ns))
            }
            Self::Contradictory => "clock was set or drifted".to_owned(),
            Self::Unknown => "clock offset unknown".to_owned(),
        }
    }
}
