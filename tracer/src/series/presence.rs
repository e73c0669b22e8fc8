//! How much of its observation a receiver was subscribed.

use schemars::JsonSchema;
use serde::Serialize;

use crate::receivers::{Gap, Window};

/// Presence of one receiver.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Presence {
    /// From the first subscription to the end of the observation, nanoseconds.
    pub observed_ns: i64,
    /// Of this without a live subscription, nanoseconds.
    pub absent_ns: i64,
    /// Share of the observation with a live subscription, percent; absent when there was no observation.
    pub present_percent: Option<f64>,
    /// Longest time without a live subscription, nanoseconds.
    pub longest_gap_ns: i64,
}

impl Presence {
    /// Of a window and the gaps in it (in order, none overlapping another).
    pub(super) fn of(window: &Window, gaps: &[Gap]) -> Self {
        let (Some(from_ns), Some(until_ns)) = (window.subscribed_ns, window.until_ns) else {
            return Self::default();
        };
        let observed_ns = until_ns.saturating_sub(from_ns).max(0);
        let within = |gap: &Gap| {
            let (since_ns, to_ns) = (gap.since_ns.max(from_ns), gap.until_ns.min(until_ns));
            to_ns.saturating_sub(since_ns).max(0)
        };
        let absent_ns = gaps.iter().map(within).fold(0, i64::saturating_add).min(observed_ns);
        Self {
            observed_ns,
            absent_ns,
            present_percent: (observed_ns > 0).then(|| 100.0 * (1.0 - absent_ns as f64 / observed_ns as f64)),
            longest_gap_ns: gaps.iter().map(within).max().unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_count_within_the_observation_only() {
        let window = Window {
            subscribed_ns: Some(100),
            until_ns: Some(1100),
            complete: true,
        };
        let gap = |since_ns, until_ns| Gap { since_ns, until_ns };
        let presence = Presence::of(&window, &[gap(0, 50), gap(90, 200), gap(300, 350), gap(1000, i64::MAX)]);
        assert_eq!(
            (presence.observed_ns, presence.absent_ns, presence.longest_gap_ns),
            (1000, 250, 100)
        );
        assert_eq!(presence.present_percent, Some(75.0));
        let never = Window {
            subscribed_ns: None,
            ..window
        };
        assert_eq!(Presence::of(&never, &[]), Presence::default());
    }
}
