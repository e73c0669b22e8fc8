//! What happens to the mailbox of a REST service node.

use event_log::event::{MessagesAtRisk, RiskCause};
use runtime::light::NodeId;
use tokio::time::Instant;
use waku_rest::Risk;

use crate::{client::Client, link::Link};

impl<L: Link> Client<L> {
    /// Loss between a mailbox and here looks like any other afterwards, so that it may have happened is logged.
    pub(crate) fn on_risk(&self, peer: &NodeId, content_topic: Option<&str>, risk: &Risk) {
        tracing::warn!(client = self.id, %peer, content_topic, ?risk, "messages may have been lost between two polls");
        self.shared.metrics.at_risk.inc();
        let (cause, messages, capacity, error) = match risk {
            Risk::CacheFull { messages, capacity } => (
                RiskCause::CacheFull,
                Some(*messages as u64),
                Some(*capacity as u64),
                None,
            ),
            Risk::NoAnswer { error } => (RiskCause::NoAnswer, None, None, Some(error.clone())),
        };
        self.shared.log.log(MessagesAtRisk {
            client: self.id,
            service_node: peer.to_string(),
            transport: Some(peer.transport()),
            content_topic: content_topic.map(str::to_owned),
            cause,
            messages,
            capacity,
            error,
        });
    }

    /// The service node is well and has forgotten this client: subscribing again is all it takes.
    pub(crate) fn on_forgotten(&mut self, peer: &NodeId, error: &str) {
        self.end_subscription(peer, error);
        let epoch = self.new_epoch();
        if let Some(slot) = self.slot(peer) {
            slot.unsubscribe(Instant::now(), epoch);
        }
    }
}
