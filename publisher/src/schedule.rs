//! The open-loop schedule: when each message is due, whatever became of the ones before.

use std::time::Duration;

use runtime::units::Rate;

/// A message that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Index of the message, from 1.
    pub index: u32,
    /// When it was to be sent, counted from the start.
    pub offset: Duration,
}

/// The due times of one client's messages, and how far it has come.
#[derive(Debug, Clone)]
pub struct Schedule {
    rate: Rate,
    messages: Option<u32>,
    duration: Option<Duration>,
    taken: u32,
}

impl Schedule {
    /// `messages` in all (`None`: no limit), due at `rate` from 0 on, none at or after `duration`.
    #[must_use]
    pub const fn new(rate: Rate, messages: Option<u32>, duration: Option<Duration>) -> Self {
        Self {
            rate,
            messages,
            duration,
            taken: 0,
        }
    }

    /// When the message after `before` others is due: `before × interval`, computed from the start each time so that
    /// rounding never adds up. Always 0 when unpaced.
    fn offset(&self, before: u32) -> Duration {
        if self.rate.is_unpaced() {
            return Duration::ZERO;
        }
        let ns = u128::from(before) * u128::from(self.rate.period_ns) / u128::from(self.rate.count);
        // Beyond 584 years it does not matter any more.
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    /// How many messages the schedule has in all; `None` when only stopping ends it.
    #[must_use]
    pub fn planned(&self) -> Option<u32> {
        let by_duration = self.duration.filter(|_| !self.rate.is_unpaced()).map(|duration| {
            // The number of n with n × period / count < duration.
            let events = duration.as_nanos() * u128::from(self.rate.count);
            u32::try_from(events.div_ceil(u128::from(self.rate.period_ns))).unwrap_or(u32::MAX)
        });
        match (self.messages, by_duration) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Whether the duration, not the number of messages, ends the schedule.
    #[must_use]
    pub fn is_cut_by_duration(&self) -> bool {
        match (self.duration, self.messages, self.planned()) {
            (Some(_), Some(messages), Some(planned)) => planned < messages,
            (Some(_), None, _) => true,
            _ => false,
        }
    }

    /// Whether every message has been taken.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.taken == u32::MAX || self.planned().is_some_and(|planned| self.taken >= planned)
    }

    /// Messages taken so far.
    #[must_use]
    pub const fn taken(&self) -> u32 {
        self.taken
    }

    /// When the next message is due, counted from the start; `None` when there is none.
    #[must_use]
    pub fn next_offset(&self) -> Option<Duration> {
        (!self.is_exhausted()).then(|| self.offset(self.taken))
    }

    /// The next message, if it is due `elapsed` after the start. Late ones are never dropped: each call gives one.
    pub fn take_due(&mut self, elapsed: Duration) -> Option<Due> {
        let offset = self.next_offset().filter(|offset| *offset <= elapsed)?;
        self.taken += 1;
        // Without a pace a message is due when there is room for it, which is now.
        let offset = if self.rate.is_unpaced() { elapsed } else { offset };
        Some(Due {
            index: self.taken,
            offset,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn every(ms: u64) -> Rate {
        Rate::from_interval(Duration::from_millis(ms))
    }

    #[test]
    fn message_n_is_due_at_n_intervals_whatever_the_caller_does() {
        let mut schedule = Schedule::new(every(100), Some(3), None);
        assert_eq!(
            schedule.take_due(Duration::ZERO),
            Some(Due {
                index: 1,
                offset: Duration::ZERO
            })
        );
        assert_eq!(schedule.take_due(Duration::from_millis(99)), None);
        // Blocked for a second: both others are due at once, with the times they should have had.
        assert_eq!(
            schedule.take_due(SECOND),
            Some(Due {
                index: 2,
                offset: Duration::from_millis(100)
            })
        );
        assert_eq!(
            schedule.take_due(SECOND),
            Some(Due {
                index: 3,
                offset: Duration::from_millis(200)
            })
        );
        assert!(schedule.is_exhausted());
        assert_eq!(schedule.take_due(SECOND), None);
    }

    #[test]
    fn duration_plans_the_messages_due_before_it_ends() {
        assert_eq!(Schedule::new(every(100), None, Some(SECOND)).planned(), Some(10));
        assert_eq!(
            Schedule::new(every(300), None, Some(SECOND)).planned(),
            Some(4),
            "at 0, 300, 600 and 900 ms"
        );
        assert_eq!(Schedule::new(every(100), Some(3), Some(SECOND)).planned(), Some(3));
        assert!(!Schedule::new(every(100), Some(3), Some(SECOND)).is_cut_by_duration());
        assert!(Schedule::new(every(100), Some(30), Some(SECOND)).is_cut_by_duration());
        assert_eq!(Schedule::new(Rate::UNPACED, None, Some(SECOND)).planned(), None);
    }

    #[test]
    fn unpaced_messages_are_due_when_asked_for() {
        let mut schedule = Schedule::new(Rate::UNPACED, Some(2), None);
        assert_eq!(
            schedule.take_due(SECOND),
            Some(Due {
                index: 1,
                offset: SECOND
            })
        );
        assert_eq!(
            schedule.take_due(2 * SECOND),
            Some(Due {
                index: 2,
                offset: 2 * SECOND
            })
        );
        assert_eq!(schedule.take_due(2 * SECOND), None);
    }

    #[test]
    fn an_endless_schedule_ends_at_the_last_index() {
        let mut schedule = Schedule {
            taken: u32::MAX - 1,
            ..Schedule::new(Rate::UNPACED, None, None)
        };
        assert_eq!(schedule.take_due(SECOND).map(|due| due.index), Some(u32::MAX));
        assert!(schedule.is_exhausted());
    }

    proptest! {
        #[test]
        fn rounding_never_adds_up(count in 1_u64..1_000_000, before in 0_u32..u32::MAX) {
            let rate = Rate { count, period_ns: 1_000_000_000 };
            let exact_ns = u128::from(before) * 1_000_000_000 / u128::from(count);
            prop_assert_eq!(Schedule::new(rate, None, None).offset(before).as_nanos(), exact_ns);
        }

        #[test]
        fn planned_agrees_with_counting(ms in 1_u64..500, duration_ms in 0_u64..5_000) {
            let mut schedule = Schedule::new(every(ms), None, Some(Duration::from_millis(duration_ms)));
            let planned = schedule.planned();
            let counted = std::iter::from_fn(|| schedule.take_due(Duration::from_secs(3_600))).count();
            prop_assert_eq!(planned.map(|planned| planned as usize), Some(counted));
            let last = schedule.offset(schedule.taken().saturating_sub(1));
            prop_assert!(counted == 0 || last < Duration::from_millis(duration_ms));
            prop_assert!(schedule.offset(schedule.taken()) >= Duration::from_millis(duration_ms));
        }
    }
}
