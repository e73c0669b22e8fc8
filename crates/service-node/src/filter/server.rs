//! Filter requests, and the way of a message to the subscribers' queues.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use event_log::{
    EventLog,
    event::{FilterExpired, FilterHandled, PushOutcome},
};
use libp2p::PeerId;
use prost::Message;
use runtime::Shutdown;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::timeout,
};
use tokio_util::task::TaskTracker;
use waku::{
    frame,
    net::streams::StreamControl,
    status::code,
    wire::{
        FilterSubscribeRequest, FilterSubscribeResponse, FilterSubscribeType, MessagePush, frame_cap,
        lightpush::REQUEST_ID_UNKNOWN, protocol_id,
    },
};

use super::{
    pusher::{Push, Pusher},
    recent::RecentHashes,
    table::{Refusal, SubscriptionTable},
};
use crate::{
    config::FilterConfig,
    delivery::{Delivery, log_text},
    inbound::{Answer, check_request_id},
    metrics::{Metrics, StatusLabel},
    network::Peers,
    services::Services,
};

/// The subscriptions of a node and the queues of its subscribers.
pub struct Filter {
    config: FilterConfig,
    state: Mutex<State>,
    streams: StreamControl,
    peers: Peers,
    metrics: Arc<Metrics>,
    log: EventLog,
    /// The tasks that push. Closed when the node ends.
    pushers: TaskTracker,
    /// Fires when subscribers are waited for no longer.
    cutoff: Shutdown,
}

struct State {
    table: SubscriptionTable,
    recent: RecentHashes,
    queues: HashMap<PeerId, mpsc::Sender<Arc<Push>>>,
}

impl Filter {
    /// A filter service without subscribers.
    #[must_use]
    pub fn new(
        config: FilterConfig,
        streams: StreamControl,
        peers: Peers,
        metrics: Arc<Metrics>,
        log: EventLog,
    ) -> Self {
        let state = State {
            table: SubscriptionTable::new(config.limits.clone()),
            recent: RecentHashes::default(),
            queues: HashMap::new(),
        };
        Self {
            config,
            state: Mutex::new(state),
            streams,
            peers,
            metrics,
            log,
            pushers: TaskTracker::new(),
            cutoff: Shutdown::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of subscribers.
    #[must_use]
    pub fn subscriber_count(&self) -> usize {
        self.state().table.len()
    }

    /// Puts a message into the queue of every subscriber to its topics. Never waits.
    ///
    /// A hash seen within two minutes is not pushed again, whoever subscribed meanwhile: the cache is the node's, as
    /// in nwaku.
    pub fn deliver(&self, delivery: &Delivery) {
        let mut state = self.state();
        let forgotten_before = state.recent.dropped_count();
        if !state.recent.insert(delivery.hash, Instant::now()) {
            self.metrics.filter_duplicates.inc();
            return;
        }
        self.metrics
            .filter_forgotten_hashes
            .inc_by(state.recent.dropped_count() - forgotten_before);
        let State { table, queues, .. } = &mut *state;
        let mut push = None;
        for peer in table.subscribers(&delivery.pubsub_topic, delivery.content_topic()) {
            let push = match &push {
                Some(push) => push,
                None => match encode(delivery) {
                    Some(encoded) => push.insert(encoded),
                    None => return,
                },
            };
            let (outcome, error) = match queues.get(&peer).map(|queue| queue.try_send(Arc::clone(push))) {
                Some(Ok(())) => continue,
                Some(Err(TrySendError::Full(_))) => (
                    PushOutcome::Dropped,
                    format!("subscriber has {} messages waiting", self.config.push_queue),
                ),
                Some(Err(TrySendError::Closed(_))) | None => {
                    (PushOutcome::Failed, "subscriber is being removed".to_owned())
                }
            };
            super::pusher::note(&self.log, &self.metrics, delivery.hash, peer, outcome, Some(error));
        }
    }

    /// Takes no further message or subscriber, and waits until every message already queued was pushed or, when
    /// `patience` is over, given up; either way its outcome is logged.
    pub async fn drain(&self, patience: Duration) {
        {
            let mut state = self.state();
            self.pushers.close();
            state.table = SubscriptionTable::new(self.config.limits.clone());
            // A pusher ends when its queue is gone and empty.
            state.queues.clear();
            self.metrics.filter_subscribers.set(0);
        }
        if timeout(patience, self.pushers.wait()).await.is_err() {
            self.cutoff.request();
            self.pushers.wait().await;
        }
    }

    fn handle(self: &Arc<Self>, peer: PeerId, request: &FilterSubscribeRequest) -> Result<(), Refusal> {
        let now = Instant::now();
        let mut state = self.state();
        if self.pushers.is_closed() {
            return Err(Refusal {
                code: code::SERVICE_NOT_AVAILABLE,
                text: "node is shutting down".into(),
            });
        }
        let topic = request.pubsub_topic();
        let kind = request.kind().map_err(|error| Refusal {
            code: code::BAD_REQUEST,
            text: error.to_string(),
        })?;
        let result = match kind {
            FilterSubscribeType::Ping => state.table.ping(peer, now),
            FilterSubscribeType::Subscribe => state.table.subscribe(peer, topic, &request.content_topics, now),
            FilterSubscribeType::Unsubscribe => state.table.unsubscribe(peer, topic, &request.content_topics, now),
            FilterSubscribeType::UnsubscribeAll => state.table.unsubscribe_all(peer),
        };
        if state.table.contains(&peer) {
            // A closed queue is that of a pusher which has just given up.
            if state.queues.get(&peer).is_none_or(mpsc::Sender::is_closed) {
                let queue = self.start_pusher(peer);
                state.queues.insert(peer, queue);
            }
        } else {
            state.queues.remove(&peer);
        }
        self.metrics.filter_subscribers.set(state.table.len() as i64);
        result
    }

    fn start_pusher(self: &Arc<Self>, peer: PeerId) -> mpsc::Sender<Arc<Push>> {
        let (queue, pushes) = mpsc::channel(self.config.push_queue);
        let pusher = Pusher::new(
            peer,
            self.streams.clone(),
            self.peers.clone(),
            self.config.push_timeout,
            self.cutoff.clone(),
            self.log.clone(),
            self.metrics.clone(),
        );
        let filter = Arc::downgrade(self);
        self.pushers.spawn(async move {
            if let Some(reason) = pusher.run(pushes).await
                && let Some(filter) = filter.upgrade()
            {
                filter.remove(peer, &reason);
            }
        });
        queue
    }

    fn remove(&self, peer: PeerId, reason: &str) {
        let mut state = self.state();
        // Only what this pusher's end has closed: the peer may have subscribed anew meanwhile, with another queue.
        if !state.queues.get(&peer).is_some_and(mpsc::Sender::is_closed) {
            return;
        }
        state.queues.remove(&peer);
        if state.table.remove(&peer) {
            self.log.log(FilterExpired {
                peer: peer.to_string(),
                reason: reason.to_owned(),
            });
        }
        self.metrics.filter_subscribers.set(state.table.len() as i64);
    }

    fn expire(&self) {
        // Under one lock: a subscriber that comes back at this moment must not lose its new queue.
        let mut state = self.state();
        let expired = state.table.expire(Instant::now());
        for peer in expired {
            state.queues.remove(&peer);
            let reason = format!("no ping for {} ms", self.config.limits.ttl.as_millis());
            self.log.log(FilterExpired {
                peer: peer.to_string(),
                reason,
            });
        }
        self.metrics.filter_subscribers.set(state.table.len() as i64);
    }
}

/// Encodes the push frame once for all subscribers.
fn encode(delivery: &Delivery) -> Option<Arc<Push>> {
    let message = MessagePush::new(&*delivery.pubsub_topic, delivery.message.clone());
    // Messages are checked against the relay limit before; only a limit above filter's own cap can end here.
    let frame = frame::encode_frame(&message, frame_cap::FILTER_PUSH_BYTES).ok()?;
    Some(Arc::new(Push {
        hash: delivery.hash,
        frame,
    }))
}

/// Removes expired subscribers until shutdown.
pub(crate) async fn maintain(filter: Arc<Filter>, shutdown: Shutdown) {
    let mut ticks = tokio::time::interval(filter.config.maintenance_interval);
    loop {
        tokio::select! {
            _ = ticks.tick() => filter.expire(),
            () = shutdown.requested() => return,
        }
    }
}

/// Answers a filter request. What cannot be decoded gets no answer, as from nwaku.
pub(crate) fn answer(services: &Arc<Services>, peer: PeerId, frame: Bytes) -> Option<Answer> {
    let request = match FilterSubscribeRequest::decode(frame) {
        Ok(request) => request,
        Err(error) => {
            services.note_malformed(peer, protocol_id::FILTER_SUBSCRIBE, &error);
            return None;
        }
    };
    if let Err(error) = check_request_id(request.request_id()) {
        services.note_malformed(peer, protocol_id::FILTER_SUBSCRIBE, &error);
        let refused = FilterSubscribeResponse::refused(REQUEST_ID_UNKNOWN, code::BAD_REQUEST, error.to_string());
        return Answer::new(&refused, frame_cap::FILTER_SUBSCRIBE_RESPONSE_BYTES);
    }
    let (response, result) = if services.filter_limiter.admit(peer, Instant::now()) {
        let result = services.filter.handle(peer, &request);
        (respond(request.request_id(), &result), result)
    } else {
        services.metrics.rate_limited.inc();
        let refusal = Refusal {
            code: code::TOO_MANY_REQUESTS,
            text: "too many requests".into(),
        };
        let result = Err(refusal);
        (respond(REQUEST_ID_UNKNOWN, &result), result)
    };
    note(services, peer, &request, result.err());
    Answer::new(&response, frame_cap::FILTER_SUBSCRIBE_RESPONSE_BYTES)
}

fn respond(request_id: &str, result: &Result<(), Refusal>) -> FilterSubscribeResponse {
    match result {
        Ok(()) => FilterSubscribeResponse::ok(request_id),
        Err(refusal) => FilterSubscribeResponse::refused(request_id, refusal.code, refusal.text.as_str()),
    }
}

fn note(services: &Services, peer: PeerId, request: &FilterSubscribeRequest, refusal: Option<Refusal>) {
    let (status, status_text) = match refusal {
        None => (code::OK, None),
        Some(refusal) => (refusal.code, Some(refusal.text)),
    };
    services
        .metrics
        .filter_requests
        .get_or_create(&StatusLabel { status })
        .inc();
    let name = match request.kind() {
        Ok(FilterSubscribeType::Ping) => "ping",
        Ok(FilterSubscribeType::Subscribe) => "subscribe",
        Ok(FilterSubscribeType::Unsubscribe) => "unsubscribe",
        Ok(FilterSubscribeType::UnsubscribeAll) => "unsubscribe_all",
        Err(_) => "unknown",
    };
    services.log.log(FilterHandled {
        peer: peer.to_string(),
        request: name.to_owned(),
        pubsub_topic: request
            .pubsub_topic
            .as_deref()
            .filter(|topic| !topic.is_empty())
            .map(log_text),
        content_topics: u32::try_from(request.content_topics.len()).unwrap_or(u32::MAX),
        status,
        status_text,
    });
}
