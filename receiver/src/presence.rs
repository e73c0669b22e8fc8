//! Whether a client has any live subscription, and since when it has not.

use event_log::Timestamp;

/// A change worth a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// The last live subscription is gone; the gap begins at the last sign of life of any.
    Lost {
        /// Where the gap begins.
        since: Timestamp,
    },
    /// There is one again.
    Restored {
        /// Where the gap began.
        since: Timestamp,
    },
}

/// The presence of one client. Before its first subscription it is not absent, it has not begun.
#[derive(Debug, Clone, Default)]
pub(crate) struct Presence {
    live: usize,
    last_alive: Option<Timestamp>,
    gap_since: Option<Timestamp>,
}

impl Presence {
    /// Some subscription showed life at `at`.
    pub(crate) fn alive(&mut self, at: Timestamp) {
        self.last_alive = self.last_alive.max(Some(at));
    }

    /// A subscription began at `at`.
    pub(crate) fn gained(&mut self, at: Timestamp) -> Option<Change> {
        self.alive(at);
        self.live += 1;
        self.gap_since.take().map(|since| Change::Restored { since })
    }

    /// A subscription ended; when its end was noticed does not matter, its last sign of life does.
    pub(crate) fn lost(&mut self) -> Option<Change> {
        self.live = self.live.saturating_sub(1);
        if self.live > 0 {
            return None;
        }
        let since = self.last_alive?;
        self.gap_since = Some(since);
        Some(Change::Lost { since })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_ns(seconds * 1_000_000_000)
    }

    #[test]
    fn a_gap_runs_from_the_last_sign_of_life_of_any_subscription() {
        let mut presence = Presence::default();
        assert_eq!(presence.gained(at(1)), None, "the beginning is no restoration");
        assert_eq!(presence.gained(at(2)), None);
        presence.alive(at(9));
        presence.alive(at(7));
        assert_eq!(presence.lost(), None, "one is left");
        assert_eq!(presence.lost(), Some(Change::Lost { since: at(9) }));
        assert_eq!(presence.gained(at(20)), Some(Change::Restored { since: at(9) }));
        assert_eq!(presence.lost(), Some(Change::Lost { since: at(20) }));
    }
}
