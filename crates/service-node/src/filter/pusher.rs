//! One subscriber's pushes, one after the other.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use event_log::{
    EventLog,
    event::{FilterPushed, PushOutcome},
};
use libp2p::PeerId;
use runtime::Shutdown;
use tokio::{sync::mpsc, time::timeout};
use waku::{
    MessageHash,
    net::streams::{OpenError, StreamControl},
};

use super::push_stream::{PushError, PushStream, reads_one_push};
use crate::{
    delivery::log_hash,
    metrics::{Metrics, OutcomeLabel, PushLabel},
    network::Peers,
};

/// Why a subscriber is removed that does not speak filter-push.
const CANNOT_BE_PUSHED_TO: &str = "does not accept filter pushes";

/// What the log says of messages that a subscriber had not taken when the node ended.
const NODE_ENDED: &str = "not taken before the node ended";

/// One message as it goes to every subscriber.
#[derive(Debug)]
pub(super) struct Push {
    pub(super) hash: MessageHash,
    /// Length-prefixed `MessagePush`.
    pub(super) frame: Bytes,
}

/// Writes the pushes of one subscriber.
pub(super) struct Pusher {
    peer: PeerId,
    stream: PushStream,
    /// What is known about the subscriber's present connection.
    session: Option<(u64, bool)>,
    peers: Peers,
    push_timeout: Duration,
    /// Fires when subscribers are waited for no longer.
    cutoff: Shutdown,
    log: EventLog,
    metrics: Arc<Metrics>,
}

impl Pusher {
    pub(super) fn new(
        peer: PeerId,
        streams: StreamControl,
        peers: Peers,
        push_timeout: Duration,
        cutoff: Shutdown,
        log: EventLog,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            peer,
            stream: PushStream::new(peer, streams),
            session: None,
            peers,
            push_timeout,
            cutoff,
            log,
            metrics,
        }
    }

    /// Runs until the subscriber is removed. The reason, when it is to be removed because it cannot take pushes at all.
    pub(super) async fn run(mut self, mut pushes: mpsc::Receiver<Arc<Push>>) -> Option<String> {
        while let Some(push) = pushes.recv().await {
            self.look_at_session();
            let pushed = timeout(self.push_timeout, self.stream.push(&push.frame));
            let Some(result) = self.cutoff.unless_requested(pushed).await else {
                self.note(&push, PushOutcome::Failed, Some(NODE_ENDED.to_owned()));
                self.fail_the_rest(pushes, NODE_ENDED).await;
                return None;
            };
            let (outcome, error) = match &result {
                Ok(Ok(())) => (PushOutcome::Ok, None),
                Ok(Err(error)) => (PushOutcome::Failed, Some(error.to_string())),
                Err(_) => (
                    PushOutcome::TimedOut,
                    Some(format!("not taken within {} ms", self.push_timeout.as_millis())),
                ),
            };
            self.note(&push, outcome, error);
            if let Ok(Err(PushError::Open(OpenError::Unsupported { .. }))) = result {
                self.fail_the_rest(pushes, CANNOT_BE_PUSHED_TO).await;
                return Some(CANNOT_BE_PUSHED_TO.to_owned());
            }
        }
        None
    }

    async fn fail_the_rest(&mut self, mut pushes: mpsc::Receiver<Arc<Push>>, reason: &str) {
        pushes.close();
        while let Some(push) = pushes.recv().await {
            self.note(&push, PushOutcome::Failed, Some(reason.to_owned()));
        }
    }

    /// How a subscriber reads is a matter of its present connection: another program may be behind the next one.
    fn look_at_session(&mut self) {
        let Some((id, agent)) = self.peers.session(self.peer) else {
            return;
        };
        let session = Some((id, reads_one_push(agent.as_deref())));
        if session != self.session {
            self.session = session;
            self.stream.set_one_push_only(reads_one_push(agent.as_deref()));
        }
    }

    fn note(&self, push: &Push, outcome: PushOutcome, error: Option<String>) {
        note(&self.log, &self.metrics, push.hash, self.peer, outcome, error);
    }
}

/// Counts and logs one push.
pub(crate) fn note(
    log: &EventLog,
    metrics: &Metrics,
    hash: MessageHash,
    peer: PeerId,
    outcome: PushOutcome,
    error: Option<String>,
) {
    let label = match outcome {
        PushOutcome::Ok => PushLabel::Ok,
        PushOutcome::Failed => PushLabel::Failed,
        PushOutcome::Dropped => PushLabel::Dropped,
        PushOutcome::TimedOut => PushLabel::TimedOut,
    };
    metrics
        .filter_pushes
        .get_or_create(&OutcomeLabel { outcome: label })
        .inc();
    log.log(FilterPushed {
        hash: log_hash(hash),
        peer: peer.to_string(),
        outcome,
        error,
    });
}
