//! One subscriber's pushes, one after the other.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use event_log::{
    EventLog,
    event::{FilterPushed, PushOutcome},
};
use libp2p::PeerId;
use tokio::{sync::mpsc, time::timeout};
use waku::{MessageHash, net::streams::{OpenError, StreamControl}};

use super::push_stream::{PushError, PushStream, reads_one_push};
use crate::{
    delivery::log_hash,
    metrics::{Metrics, OutcomeLabel, PushLabel},
    network::Peers,
};

/// Pushes written before one flush. More would only delay the first of them.
const MAX_BATCH: usize = 32;

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
    peers: Peers,
    push_timeout: Duration,
    log: EventLog,
    metrics: Arc<Metrics>,
}

impl Pusher {
    pub(super) fn new(
        peer: PeerId,
        streams: StreamControl,
        peers: Peers,
        push_timeout: Duration,
        log: EventLog,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { peer, stream: PushStream::new(peer, streams), peers, push_timeout, log, metrics }
    }

    /// Runs until the subscriber is removed. The reason, when it is to be removed because it cannot take pushes at all.
    pub(super) async fn run(mut self, mut pushes: mpsc::Receiver<Arc<Push>>) -> Option<String> {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        while pushes.recv_many(&mut batch, MAX_BATCH).await > 0 {
            if reads_one_push(self.peers.agent(self.peer).as_deref()) {
                self.stream.set_one_push_only(true);
            }
            if let Err(reason) = self.write_batch(&batch).await {
                return Some(reason);
            }
            batch.clear();
        }
        None
    }

    /// Writes a batch and notes what became of each push. The error is a subscriber without the push protocol.
    async fn write_batch(&mut self, batch: &[Arc<Push>]) -> Result<(), String> {
        let mut written_count = 0;
        let deadline = self.push_timeout;
        let write = async {
            for push in batch {
                self.stream.write(&push.frame).await?;
                written_count += 1;
                if self.stream.is_one_push_only() {
                    note(&self.log, &self.metrics, push.hash, self.peer, PushOutcome::Ok, None);
                }
            }
            self.stream.flush().await
        };
        let result = timeout(deadline, write).await;
        let one_push_only = self.stream.is_one_push_only();
        let (outcome, error) = match result {
            Ok(Ok(())) if one_push_only => return Ok(()), // noted one by one
            Ok(Ok(())) => (PushOutcome::Ok, None),
            Ok(Err(error)) => (PushOutcome::Failed, Some(error)),
            Err(_) => (PushOutcome::TimedOut, None),
        };
        let unsupported = matches!(error, Some(PushError::Open(OpenError::Unsupported { .. })));
        let text = match outcome {
            PushOutcome::TimedOut => Some(format!("not taken within {} ms", deadline.as_millis())),
            _ => error.map(|error| error.to_string()),
        };
        if outcome != PushOutcome::Ok {
            self.stream.reset();
        }
        // On a reused stream nothing counts as pushed before the flush; with a stream a push, what was noted stays.
        let already_noted = if one_push_only { written_count } else { 0 };
        for push in &batch[already_noted..] {
            note(&self.log, &self.metrics, push.hash, self.peer, outcome, text.clone());
        }
        if unsupported { Err("does not accept filter pushes".to_owned()) } else { Ok(()) }
    }
}

/// Counts and logs one push.
pub(super) fn note(
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
    metrics.filter_pushes.get_or_create(&OutcomeLabel { outcome: label }).inc();
    log.log(FilterPushed { hash: log_hash(hash), peer: peer.to_string(), outcome, error });
}
