//! The light client over REST: the counterpart of [`waku::net::LightClient`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as AsyncMutex, Notify, mpsc},
    task::JoinHandle,
};
use waku::{
    Status, WakuMessage,
    net::{LightpushVersion, PushAnswer},
};

use crate::{RestClient, RestError, RestEvent, RestNode, keeper::Keeper, mailboxes::Mailboxes};

/// What a client wants of its service nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// To push messages.
    Lightpush,
    /// To subscribe.
    Filter,
}

/// What a client needs to know.
#[derive(Debug, Clone)]
pub struct RestConfig {
    /// What it wants of its service nodes.
    pub service: Service,
    /// The cluster to be on; nodes that name another are refused.
    pub cluster_id: Option<u16>,
    /// Deadline of a push or a subscription.
    pub request_timeout: Duration,
    /// Deadline of a filter ping.
    pub ping_timeout: Duration,
    /// Time between two polls of a node, if it has messages or not.
    pub poll_interval: Duration,
    /// Messages a node's mailbox holds; by default what nwaku and go-waku hold by default.
    pub cache_messages: Option<usize>,
    /// Events waiting to be taken. Beyond that polls wait.
    pub event_queue: usize,
}

impl Default for RestConfig {
    fn default() -> Self {
        Self {
            service: Service::Lightpush,
            cluster_id: None,
            request_timeout: Duration::from_secs(20),
            ping_timeout: Duration::from_secs(5),
            poll_interval: Duration::from_millis(100),
            cache_messages: None,
            event_queue: 64,
        }
    }
}

/// A light client over REST. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RestLightClient {
    rest: RestClient,
    config: Arc<RestConfig>,
    events: mpsc::Sender<RestEvent>,
    kept: Arc<Mutex<HashMap<RestNode, Kept>>>,
}

/// A node that is kept, and its task.
#[derive(Debug)]
struct Kept {
    state: Arc<NodeState>,
    task: JoinHandle<()>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What requests and the task of a node share.
#[derive(Debug)]
pub(crate) struct NodeState {
    /// Held during a poll, so that the last one can be waited for.
    pub(crate) mailboxes: AsyncMutex<Mailboxes>,
    /// A mailbox was added: poll.
    pub(crate) subscribed: Notify,
    /// A request found no connection: check.
    pub(crate) suspect: Notify,
}

impl RestLightClient {
    /// A client over `rest`; clients of a process may share one, and with it its connections.
    #[must_use]
    pub fn start(rest: RestClient, config: RestConfig) -> (Self, mpsc::Receiver<RestEvent>) {
        let (events, queue) = mpsc::channel(config.event_queue);
        let client = Self {
            rest,
            config: Arc::new(config),
            events,
            kept: Arc::default(),
        };
        (client, queue)
    }

    /// Has a node introduce itself, again and again whenever it is lost, until [`RestLightClient::forget`]. Requests may
    /// go from [`RestEvent::Ready`] on.
    pub fn keep_connected(&self, node: RestNode) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.entry(node.clone()).or_insert_with(|| {
            let state = Arc::new(NodeState {
                mailboxes: AsyncMutex::new(Mailboxes::new(self.config.cache_messages)),
                subscribed: Notify::new(),
                suspect: Notify::new(),
            });
            let keeper = Keeper::new(
                node,
                self.rest.clone(),
                self.config.clone(),
                state.clone(),
                self.events.clone(),
            );
            let task = tokio::spawn(keeper.run());
            Kept { state, task }
        });
    }

    /// Stops asking a node.
    pub fn forget(&self, node: &RestNode) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(node);
    }

    /// Stops asking any node.
    pub fn shutdown(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clear();
    }

    fn state(&self, node: &RestNode) -> Option<Arc<NodeState>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(node).map(|kept| kept.state.clone())
    }

    /// Has the node checked when a request found no connection to it.
    fn note<T>(&self, node: &RestNode, outcome: Result<T, RestError>) -> Result<T, RestError> {
        if let (Err(RestError::NotConnected { .. } | RestError::NoAnswer { .. }), Some(state)) =
            (&outcome, self.state(node))
        {
            state.suspect.notify_one();
        }
        outcome
    }

    /// Pushes one message; see [`RestClient::push`].
    ///
    /// # Errors
    /// When there is no answer, or none that can be understood.
    pub async fn push(
        &self,
        node: &RestNode,
        version: LightpushVersion,
        pubsub_topic: &str,
        message: &WakuMessage,
    ) -> Result<PushAnswer, RestError> {
        let timeout = self.config.request_timeout;
        let answer = self.rest.push(node, version, pubsub_topic, message, timeout).await;
        self.note(node, answer)
    }

    /// Subscribes, and polls from then on.
    ///
    /// # Errors
    /// When there is no answer, or none that can be understood.
    pub async fn subscribe(
        &self,
        node: &RestNode,
        pubsub_topic: &str,
        content_topics: &[String],
    ) -> Result<Status, RestError> {
        let timeout = self.config.request_timeout;
        let answer = self.rest.subscribe(node, pubsub_topic, content_topics, timeout).await;
        let status = self.note(node, answer)?;
        if let Some(state) = self.state(node).filter(|_| status.is_ok()) {
            state.mailboxes.lock().await.add(pubsub_topic, content_topics);
            state.subscribed.notify_one();
        }
        Ok(status)
    }

    /// Asks whether the subscription still stands; see [`RestClient::ping`].
    ///
    /// # Errors
    /// When there is no answer, or none that can be understood.
    pub async fn ping(&self, node: &RestNode) -> Result<Status, RestError> {
        let answer = self.rest.ping(node, self.config.ping_timeout).await;
        self.note(node, answer)
    }

    /// Polls every mailbox a last time, then takes this client's subscriptions back. Those of the node's other users are
    /// left alone, unless they are for the same content topics.
    ///
    /// # Errors
    /// When one of them had no answer that can be understood; the others are taken back all the same.
    pub async fn unsubscribe_own(&self, node: &RestNode) -> Result<Status, RestError> {
        let mut outcome = Ok(Status::new(200, None));
        let Some(state) = self.state(node) else {
            return outcome;
        };
        let mut mailboxes = state.mailboxes.lock().await;
        let keeper = Keeper::new(
            node.clone(),
            self.rest.clone(),
            self.config.clone(),
            state.clone(),
            self.events.clone(),
        );
        let requests = by_pubsub_topic(&mailboxes);
        // An error is told as an event; the subscription is taken back in any case.
        let _ = keeper.poll(&mut mailboxes).await;
        for (pubsub_topic, content_topics) in requests {
            let timeout = self.config.request_timeout;
            let answer = self.rest.unsubscribe(node, &pubsub_topic, &content_topics, timeout);
            match answer.await {
                Ok(status) if status.is_ok() => {}
                other => outcome = other,
            }
        }
        mailboxes.clear();
        outcome
    }
}

/// Content topics in one request, as many as nwaku and go-waku take.
const TOPICS_PER_REQUEST: usize = 100;

fn by_pubsub_topic(mailboxes: &Mailboxes) -> Vec<(String, Vec<String>)> {
    let mut requests: Vec<(String, Vec<String>)> = Vec::new();
    for mailbox in mailboxes.boxes() {
        match requests.last_mut() {
            Some((pubsub_topic, topics))
                if *pubsub_topic == mailbox.pubsub_topic && topics.len() < TOPICS_PER_REQUEST =>
            {
                topics.push(mailbox.content_topic.clone());
            }
            _ => requests.push((mailbox.pubsub_topic.clone(), vec![mailbox.content_topic.clone()])),
        }
    }
    requests
}
