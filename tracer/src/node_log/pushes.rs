//! What the lines about one message and one subscriber say of the push.
//!
//! nwaku ends every round of pushes with one line for all subscribers, also a round in which nothing was pushed because
//! the message was in its cache, and one of several that ran out of time does not say to whom. So no line alone tells.

use super::event::NodeEventKind;

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PushEnd {
    WentWell,
    Failed,
    /// It was begun, and how it ended is not logged.
    Unclear,
}

/// What was logged of a push, all lines together and in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct PushLines(u8);

impl PushLines {
    /// The pushes begin, this one among them.
    const BEGUN: Self = Self(1);
    /// The pushes, or what stood in their place, have ended.
    const ALL_ENDED: Self = Self(2);
    /// This very one went well.
    const WENT_WELL: Self = Self(4);
    /// This very one did not.
    const FAILED: Self = Self(8);
    /// One of several did not.
    const ONE_FAILED: Self = Self(16);

    /// What an event says about the pushes to the subscribers it names; `None` if it is about no push.
    pub(crate) fn of(kind: NodeEventKind<'_>) -> Option<Self> {
        match kind {
            NodeEventKind::FilterPushStart { .. } => Some(Self::BEGUN),
            NodeEventKind::FilterPushDone { .. } => Some(Self::ALL_ENDED),
            NodeEventKind::FilterPushed { .. } => Some(Self::WENT_WELL),
            NodeEventKind::FilterPushFailed { .. } => Some(Self::FAILED),
            NodeEventKind::FilterTimedOut { peers } if peers.iter().nth(1).is_none() => Some(Self::FAILED),
            NodeEventKind::FilterTimedOut { .. } => Some(Self::ONE_FAILED),
            _ => None,
        }
    }

    /// Both together.
    pub(crate) const fn and(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    fn has(self, lines: Self) -> bool {
        self.0 & lines.0 == lines.0
    }

    /// How the push ended; `None` if none to this subscriber was begun.
    pub(crate) fn end(self) -> Option<PushEnd> {
        let ended = self.has(Self::BEGUN.and(Self::ALL_ENDED));
        let failed = self.has(Self::FAILED);
        if self.has(Self::WENT_WELL) || (ended && !failed && !self.has(Self::ONE_FAILED)) {
            Some(PushEnd::WentWell)
        } else if failed && !ended {
            Some(PushEnd::Failed)
        } else if self == Self::ALL_ENDED {
            None
        } else {
            Some(PushEnd::Unclear)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGUN: PushLines = PushLines::BEGUN;
    const ALL_ENDED: PushLines = PushLines::ALL_ENDED;

    #[test]
    fn a_round_that_ended_without_having_begun_pushed_nothing() {
        assert_eq!(ALL_ENDED.end(), None);
        assert_eq!(BEGUN.and(ALL_ENDED).end(), Some(PushEnd::WentWell));
    }

    #[test]
    fn a_push_whose_end_is_not_logged_is_unclear() {
        for lines in [
            BEGUN,
            PushLines::ONE_FAILED,
            BEGUN.and(PushLines::ONE_FAILED),
            // Ran out of time, and was found in the cache later.
            BEGUN.and(PushLines::ONE_FAILED).and(ALL_ENDED),
            BEGUN.and(PushLines::FAILED).and(ALL_ENDED),
        ] {
            assert_eq!(lines.end(), Some(PushEnd::Unclear), "{lines:?}");
        }
    }

    #[test]
    fn what_is_said_of_one_push_counts() {
        assert_eq!(PushLines::FAILED.end(), Some(PushEnd::Failed));
        assert_eq!(BEGUN.and(PushLines::FAILED).end(), Some(PushEnd::Failed));
        assert_eq!(
            PushLines::FAILED.and(PushLines::WENT_WELL).end(),
            Some(PushEnd::WentWell)
        );
    }
}
