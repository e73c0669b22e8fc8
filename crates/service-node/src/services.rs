//! What the services of one node share.

use std::sync::Arc;

use event_log::{EventLog, event::MalformedFrame};
use libp2p::PeerId;
use waku::net::streams::StreamControl;

use crate::{
    config::NodeConfig, filter::Filter, metrics::Metrics, network::NetworkHandle, peer_exchange_pool::PeerExchangePool,
    rate_limit::PeerRateLimiter, rest::Mailboxes, store::Store,
};

/// Lines of one kind about what peers do wrong; beyond that it is only counted. A peer must not fill the disk.
pub(crate) const MAX_STRANGE_LINES: u64 = 10_000;

/// Everything a request handler may need.
pub(crate) struct Services {
    pub(crate) config: NodeConfig,
    pub(crate) network: NetworkHandle,
    pub(crate) streams: StreamControl,
    pub(crate) filter: Arc<Filter>,
    /// What REST clients have subscribed to; `None` when REST is not served.
    pub(crate) mailboxes: Option<Arc<Mailboxes>>,
    pub(crate) store: Option<Store>,
    pub(crate) pool: std::sync::Mutex<PeerExchangePool>,
    pub(crate) lightpush_limiter: PeerRateLimiter,
    pub(crate) filter_limiter: PeerRateLimiter,
    pub(crate) store_limiter: PeerRateLimiter,
    pub(crate) peer_exchange_limiter: PeerRateLimiter,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) log: EventLog,
}

impl Services {
    /// Counts and logs a frame that could not be decoded.
    pub(crate) fn note_malformed(&self, peer: PeerId, protocol: &str, error: &dyn std::fmt::Display) {
        if self.metrics.malformed_frames.inc() >= MAX_STRANGE_LINES {
            return;
        }
        self.log.log(MalformedFrame {
            client: None,
            peer: peer.to_string(),
            transport: None,
            protocol: protocol.to_owned(),
            error: error.to_string(),
        });
    }
}
