//! The log lines of one attempt.

use std::{sync::Arc, time::Duration};

use event_log::{
    EventLog, Timestamp,
    event::{FailureOutcome, PublishAttempt, PublishFailed, Published},
};
use runtime::light::NodeId;
use waku::Status;

use crate::{message::Built, retry::Outcome};

/// An attempt that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    /// What was sent, or would have been.
    pub(crate) built: Built,
    /// Where it went; `None` when there was no connection.
    pub(crate) peer: Option<NodeId>,
    /// What became of it.
    pub(crate) outcome: Outcome,
    /// When that was known.
    pub(crate) at: Timestamp,
    /// From the request to then, by the monotonic clock.
    pub(crate) took: Duration,
}

/// Writes the attempts of one client.
#[derive(Debug, Clone)]
pub(crate) struct AttemptLog {
    pub(crate) log: EventLog,
    pub(crate) sender: Arc<str>,
}

impl AttemptLog {
    /// Before the bytes leave.
    pub(crate) fn begins(&self, built: &Built, peer: &NodeId) {
        self.log.log_at(
            built.sent,
            PublishAttempt {
                sender: self.sender.to_string(),
                index: built.planned.index,
                attempt: built.planned.attempt,
                hash: built.hash,
                size_bytes: built.size_bytes,
                service_node: peer.to_string(),
                transport: Some(peer.transport()),
                pubsub_topic: built.route.pubsub_topic.to_string(),
                content_topic: built.route.content_topic.to_string(),
                intended: built.planned.intended,
                sent: built.sent,
            },
        );
    }

    /// When its outcome is known, and whether another attempt at its index follows.
    pub(crate) fn ended(&self, done: &Done, retry: bool) {
        match &done.outcome {
            Outcome::Acked { status, relay_peers } => self.acked(done, status, *relay_peers),
            Outcome::Refused(status) => {
                let text = status.text.clone().unwrap_or_else(|| format!("status {}", status.code));
                self.failed(done, FailureOutcome::Refused, Some(status.code), text, retry);
            }
            Outcome::NoAnswer(error) => self.failed(done, FailureOutcome::NoAnswer, None, error.clone(), retry),
            Outcome::NotSent(error) => self.failed(done, FailureOutcome::NotSent, None, error.clone(), retry),
        }
    }

    fn acked(&self, done: &Done, status: &Status, relay_peers: Option<u32>) {
        let built = &done.built;
        self.log.log_at(
            done.at,
            Published {
                sender: self.sender.to_string(),
                index: built.planned.index,
                attempt: built.planned.attempt,
                hash: built.hash,
                size_bytes: built.size_bytes,
                service_node: done.peer.as_ref().map(NodeId::to_string).unwrap_or_default(),
                transport: done.peer.as_ref().map(NodeId::transport),
                intended: built.planned.intended,
                sent: built.sent,
                acked: done.at,
                status: status.code,
                status_text: status.text.clone(),
                relay_peers,
            },
        );
    }

    fn failed(&self, done: &Done, outcome: FailureOutcome, status: Option<u32>, error: String, retry: bool) {
        let built = &done.built;
        self.log.log_at(
            done.at,
            PublishFailed {
                sender: self.sender.to_string(),
                index: built.planned.index,
                attempt: built.planned.attempt,
                hash: built.hash,
                size_bytes: built.size_bytes,
                service_node: done.peer.as_ref().map(NodeId::to_string),
                transport: done.peer.as_ref().map(NodeId::transport),
                intended: built.planned.intended,
                sent: built.sent,
                failed: done.at,
                outcome,
                status,
                error,
                retry,
            },
        );
    }
}
