//! Subscribing, pinging, and what follows from the answers.

use event_log::{
    Timestamp,
    event::{PingFailed, PresenceLost, PresenceRestored, SubscribeFailed, Subscribed, SubscriptionLost},
};
use rand::Rng;
use runtime::{escape::Escaped, light::NodeId};
use tokio::time::{Duration, Instant};
use waku::Status;

use crate::{client::Client, link::Link, presence::Change, slot::State};

/// After a failed ping the next one follows sooner than the interval: the sooner a loss is known, the smaller the gap.
const PING_AGAIN: Duration = Duration::from_secs(5);

/// Why a request had no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: Option<u32>,
    error: String,
}

/// The end of something that was under way with a service node.
#[derive(Debug)]
pub(crate) struct Answer {
    peer: NodeId,
    epoch: u64,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    /// All requests of the subscription that were left, or those up to a refusal.
    Subscribed {
        chunks_done: usize,
        result: Result<(), Refusal>,
    },
    Pinged(Result<(), Refusal>),
}

fn judge(answer: Result<Status, String>) -> Result<(), Refusal> {
    match answer {
        Ok(status) if status.is_ok() => Ok(()),
        Ok(status) => Err(Refusal {
            status: Some(status.code),
            error: status.text.unwrap_or_default(),
        }),
        Err(error) => Err(Refusal { status: None, error }),
    }
}

impl Refusal {
    fn is_not_subscribed(&self) -> bool {
        self.status
            .is_some_and(|code| Status::new(code, None).is_not_subscribed())
    }

    fn text(&self) -> String {
        match (self.status, self.error.as_str()) {
            (Some(code), "") => format!("status {code}"),
            (Some(code), text) => format!("status {code}: {text}"),
            (None, text) => text.to_owned(),
        }
    }
}

impl<L: Link> Client<L> {
    /// Starts every subscription and ping that is due.
    pub(crate) fn do_due(&mut self, now: Instant) {
        for position in 0..self.slots.len() {
            let slot = &mut self.slots[position];
            if slot.due().is_none_or(|due| due > now) {
                continue;
            }
            let (peer, epoch, first) = (slot.peer(), slot.epoch, slot.chunks_done);
            let link = self.link.clone();
            match slot.state {
                State::Connected(_) => {
                    slot.state = State::Connected(None);
                    let chunks = self.shared.settings.chunks.clone();
                    self.under_way.push(Box::pin(async move {
                        let (mut chunks_done, mut result) = (first, Ok(()));
                        while let (Some(chunk), Ok(())) = (chunks.get(chunks_done), &result) {
                            result = judge(link.subscribe(&peer, &chunk.pubsub_topic, &chunk.content_topics).await);
                            chunks_done += usize::from(result.is_ok());
                        }
                        Answer {
                            peer,
                            epoch,
                            outcome: Outcome::Subscribed { chunks_done, result },
                        }
                    }));
                }
                State::Subscribed(_) => {
                    slot.state = State::Subscribed(None);
                    self.under_way.push(Box::pin(async move {
                        let outcome = Outcome::Pinged(judge(link.ping(&peer).await));
                        Answer { peer, epoch, outcome }
                    }));
                }
                State::Unconnected | State::Refused => {}
            }
        }
    }

    pub(crate) fn on_answer(&mut self, Answer { peer, epoch, outcome }: Answer) {
        let Some(slot) = self.slot(&peer).filter(|slot| slot.epoch == epoch) else {
            return;
        };
        match outcome {
            Outcome::Subscribed { chunks_done, result } => {
                slot.chunks_done = chunks_done;
                match result {
                    Ok(()) => self.on_subscribed(&peer),
                    Err(refusal) => self.on_subscribe_failed(&peer, &refusal),
                }
            }
            Outcome::Pinged(Ok(())) => {
                let next = self.next_ping();
                let at = Timestamp::now();
                self.presence.alive(at);
                if let Some(slot) = self.slot(&peer) {
                    slot.alive(at);
                    slot.state = State::Subscribed(Some(next));
                }
            }
            Outcome::Pinged(Err(refusal)) => self.on_ping_failed(&peer, &refusal),
        }
    }

    /// The next ping, a tenth of the interval sooner or later, so that a thousand clients do not ask in one moment.
    fn next_ping(&self) -> Instant {
        Instant::now()
            + self
                .shared
                .settings
                .ping_interval
                .mul_f64(rand::rng().random_range(0.9..1.1))
    }

    fn on_subscribed(&mut self, peer: &NodeId) {
        let (at, next_ping) = (Timestamp::now(), self.next_ping());
        let Some(slot) = self.slot(peer) else { return };
        let renewed = slot.was_subscribed;
        slot.subscribed(at, next_ping);
        if renewed {
            self.shared.metrics.resubscribes.inc();
        }
        for (pubsub_topic, content_topics) in self.shared.settings.topic_counts() {
            let (service_node, pubsub_topic) = (peer.to_string(), pubsub_topic.to_string());
            let client = self.id;
            self.shared.log.log_at(
                at,
                Subscribed {
                    client,
                    service_node,
                    transport: Some(peer.transport()),
                    pubsub_topic,
                    content_topics,
                    renewed,
                },
            );
        }
        tracing::debug!(client = self.id, %peer, renewed, "subscribed");
        if let Some(Change::Restored { since }) = self.presence.gained(at) {
            self.shared.log.log_at(at, PresenceRestored { client: self.id, since });
        }
        self.mark_ready();
    }

    fn on_subscribe_failed(&mut self, peer: &NodeId, refusal: &Refusal) {
        let text = refusal.text();
        tracing::warn!(client = self.id, %peer, error = %Escaped(&text), "subscription failed");
        self.shared.metrics.subscribes_failed.inc();
        self.shared.board.failed(peer, &format!("subscription failed: {text}"));
        self.shared.log.log(SubscribeFailed {
            client: self.id,
            service_node: peer.to_string(),
            transport: Some(peer.transport()),
            status: refusal.status,
            error: refusal.text(),
        });
        if let Some(slot) = self.slot(peer) {
            slot.back_off(Instant::now());
        }
        self.count_failure(peer, &text);
    }

    fn on_ping_failed(&mut self, peer: &NodeId, refusal: &Refusal) {
        let limit = self.shared.settings.ping_failures;
        let again = Instant::now() + self.shared.settings.ping_interval.min(PING_AGAIN);
        let Some(slot) = self.slot(peer) else { return };
        slot.failed_pings += 1;
        slot.state = State::Subscribed(Some(again));
        let failures = slot.failed_pings;
        self.shared.metrics.pings_failed.inc();
        self.shared.log.log(PingFailed {
            client: self.id,
            service_node: peer.to_string(),
            transport: Some(peer.transport()),
            status: refusal.status,
            error: refusal.text(),
            failures,
        });
        // The service node is well and has forgotten this client: subscribing again is all it takes.
        let is_forgotten = refusal.is_not_subscribed();
        if !is_forgotten && failures < limit {
            return;
        }
        let reason = match is_forgotten {
            true => format!(
                "the service node has no subscription of this client ({})",
                refusal.text()
            ),
            false => format!("{failures} filter pings in a row failed: {}", refusal.text()),
        };
        self.end_subscription(peer, &reason);
        let epoch = self.new_epoch();
        if let Some(slot) = self.slot(peer) {
            slot.unsubscribe(Instant::now(), epoch);
        }
        if !is_forgotten {
            self.count_failure(peer, &reason);
        }
    }

    /// Logs the end of a subscription, if there was one, and of the client's presence, if it was the last.
    pub(crate) fn end_subscription(&mut self, peer: &NodeId, reason: &str) {
        let Some(slot) = self
            .slots
            .iter_mut()
            .find(|slot| slot.peer() == *peer && slot.is_subscribed())
        else {
            return;
        };
        slot.state = State::Connected(None);
        let since = slot.last_alive;
        tracing::warn!(client = self.id, %peer, reason = %Escaped(reason), "subscription lost");
        let (client, service_node, reason) = (self.id, peer.to_string(), reason.to_owned());
        self.shared.log.log(SubscriptionLost {
            client,
            service_node,
            transport: Some(peer.transport()),
            since,
            reason: reason.clone(),
        });
        if let Some(Change::Lost { since }) = self.presence.lost() {
            self.shared.metrics.gaps.inc();
            self.shared.log.log(PresenceLost { client, since, reason });
        }
        self.mark_ready();
    }
}
