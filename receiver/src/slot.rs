//! One of the service nodes a client is subscribed at, or is trying to be.

use std::time::Duration;

use event_log::Timestamp;
use runtime::light::{NodeId, ServiceNode};
use tokio::time::Instant;

/// Pause after the first failed subscription.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);

/// Longest pause between two tries. nwaku grants 30 filter requests a minute to a peer, go-waku one a second.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// Where a slot stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// No usable connection.
    Unconnected,
    /// Connected, not subscribed; the next try is due at this moment, `None` while one is under way.
    Connected(Option<Instant>),
    /// Subscribed; the next ping is due at this moment, `None` while one is under way.
    Subscribed(Option<Instant>),
    /// The service node refused this client for good, and no other stands by.
    Refused,
}

/// A service node in use.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) node: ServiceNode,
    pub(crate) state: State,
    /// Changes whenever what is under way has become meaningless: a late answer of another epoch is ignored. Never the
    /// same twice in one client.
    pub(crate) epoch: u64,
    /// Requests of the subscription that have been accepted so far.
    pub(crate) chunks_done: usize,
    /// Last sign of life of the subscription.
    pub(crate) last_alive: Timestamp,
    /// Failures in a row, of any kind.
    pub(crate) failures: u32,
    /// Failed pings in a row.
    pub(crate) failed_pings: u32,
    /// Whether this client was subscribed here before.
    pub(crate) was_subscribed: bool,
    refused_tries: u32,
}

impl Slot {
    pub(crate) fn new(node: ServiceNode, epoch: u64) -> Self {
        Self {
            node,
            state: State::Unconnected,
            epoch,
            chunks_done: 0,
            last_alive: Timestamp::from_unix_ns(0),
            failures: 0,
            failed_pings: 0,
            was_subscribed: false,
            refused_tries: 0,
        }
    }

    pub(crate) fn peer(&self) -> NodeId {
        self.node.id()
    }

    pub(crate) fn is_subscribed(&self) -> bool {
        matches!(self.state, State::Subscribed(_))
    }

    /// When something is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        match self.state {
            State::Connected(due) | State::Subscribed(due) => due,
            State::Unconnected | State::Refused => None,
        }
    }

    /// The connection is gone: whatever was under way or accepted is void.
    pub(crate) fn disconnect(&mut self, epoch: u64) {
        self.state = State::Unconnected;
        self.void(epoch);
    }

    /// The subscription is gone, the connection is not: subscribe again at `now`.
    pub(crate) fn unsubscribe(&mut self, now: Instant, epoch: u64) {
        self.state = State::Connected(Some(now));
        self.void(epoch);
    }

    fn void(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.chunks_done = 0;
        self.failed_pings = 0;
    }

    /// The whole subscription was accepted.
    pub(crate) fn subscribed(&mut self, at: Timestamp, next_ping: Instant) {
        self.state = State::Subscribed(Some(next_ping));
        self.last_alive = at;
        self.failures = 0;
        self.failed_pings = 0;
        self.refused_tries = 0;
        self.was_subscribed = true;
    }

    /// A try failed: waits longer each time.
    pub(crate) fn back_off(&mut self, now: Instant) {
        let factor = 1_u32.checked_shl(self.refused_tries).unwrap_or(u32::MAX);
        self.refused_tries = (self.refused_tries + 1).min(16);
        self.state = State::Connected(Some(now + BACKOFF_FIRST.saturating_mul(factor).min(BACKOFF_MAX)));
    }

    /// The subscription showed life.
    pub(crate) fn alive(&mut self, at: Timestamp) {
        self.last_alive = self.last_alive.max(at);
        self.failed_pings = 0;
    }
}

#[cfg(test)]
mod tests {
    use libp2p::PeerId;

    use super::*;

    fn slot() -> Slot {
        let peer = PeerId::random();
        Slot::new(
            format!("/ip4/127.0.0.1/tcp/1/p2p/{peer}")
                .parse()
                .expect("valid address"),
            0,
        )
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_to_half_a_minute_and_success_resets_them() {
        let (mut slot, now) = (slot(), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..8 {
            slot.back_off(now);
            pauses.extend(slot.due().map(|due| (due - now).as_secs()));
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
        slot.subscribed(Timestamp::now(), now);
        slot.back_off(now);
        assert_eq!(slot.due(), Some(now + BACKOFF_FIRST));
    }

    #[tokio::test(start_paused = true)]
    async fn losing_a_subscription_voids_late_answers() {
        let mut slot = slot();
        slot.subscribed(Timestamp::now(), Instant::now());
        slot.chunks_done = 3;
        slot.unsubscribe(Instant::now(), 8);
        assert_eq!((slot.epoch, slot.chunks_done, slot.is_subscribed()), (8, 0, false));
    }
}
