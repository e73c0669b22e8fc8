//! The task of one kept node: introduction, then polls or checks until it is lost, then again.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};
use waku::net::backoff;

use crate::{
    Flavour, PollError, RestClient, RestConfig, RestEvent, RestNode, Risk,
    client::NodeState,
    limits::{BACKOFF_FIRST, BACKOFF_MAX, CHECK_INTERVAL, STABLE_AFTER},
    mailboxes::{Full, Mailbox, Mailboxes},
};

/// Keeps one node. The task ends by being aborted, when the node refuses for good, or when nobody takes events any more.
#[derive(Debug)]
pub(crate) struct Keeper {
    node: RestNode,
    rest: RestClient,
    config: Arc<RestConfig>,
    state: Arc<NodeState>,
    events: mpsc::Sender<RestEvent>,
}

/// The node is lost, for this reason.
type Lost = String;

impl Keeper {
    pub(crate) fn new(
        node: RestNode,
        rest: RestClient,
        config: Arc<RestConfig>,
        state: Arc<NodeState>,
        events: mpsc::Sender<RestEvent>,
    ) -> Self {
        Self {
            node,
            rest,
            config,
            state,
            events,
        }
    }

    pub(crate) async fn run(self) {
        let mut failures = 0_u32;
        while !self.events.is_closed() {
            let pause = backoff::pause(failures, BACKOFF_FIRST, BACKOFF_MAX, &mut rand::rng());
            failures = failures.saturating_add(1);
            let node = self.node.clone();
            match self
                .rest
                .introduce(&self.node, self.config.service, self.config.cluster_id)
                .await
            {
                Ok(introduction) => {
                    self.state.mailboxes.lock().await.set_flavour(introduction.flavour);
                    self.tell(RestEvent::Ready {
                        node: node.clone(),
                        agent: introduction.version,
                        protocols: introduction.protocols,
                    })
                    .await;
                    let since = Instant::now();
                    let reason = self.watch().await;
                    self.state.mailboxes.lock().await.clear();
                    if since.elapsed() >= STABLE_AFTER {
                        failures = 0;
                    }
                    self.tell(RestEvent::Disconnected { node, reason }).await;
                }
                Err(error) if error.is_final() => {
                    let error = error.to_string();
                    return self.tell(RestEvent::Refused { node, error }).await;
                }
                Err(error) => {
                    let (error, retry_in) = (error.to_string(), Some(pause));
                    self.tell(RestEvent::DialFailed { node, error, retry_in }).await;
                }
            }
            sleep(pause).await;
        }
    }

    async fn tell(&self, event: RestEvent) {
        // When nobody listens any more, the loop in `run` ends.
        let _ = self.events.send(event).await;
    }

    /// Polls while there are mailboxes, checks while there are none. Completes when the node is lost.
    async fn watch(&self) -> Lost {
        let mut next = Instant::now() + CHECK_INTERVAL;
        loop {
            let is_suspect = tokio::select! {
                () = sleep_until(next) => false,
                () = self.state.subscribed.notified() => false,
                () = self.state.suspect.notified() => true,
            };
            let began = Instant::now();
            let mut mailboxes = self.state.mailboxes.lock().await;
            let pause = if is_suspect || mailboxes.boxes().is_empty() {
                drop(mailboxes);
                match self.rest.identify(&self.node).await {
                    Ok(_) => CHECK_INTERVAL,
                    Err(error) => return error.to_string(),
                }
            } else {
                match self.poll(&mut mailboxes).await {
                    Ok(pause) => pause,
                    Err(lost) => return lost,
                }
            };
            next = began + pause;
        }
    }

    /// Empties all mailboxes, one right after the other, and tells what was in them. Returns how long after the beginning
    /// of this round the next is due.
    pub(crate) async fn poll(&self, mailboxes: &mut Mailboxes) -> Result<Duration, Lost> {
        let mut total = 0;
        for mailbox in mailboxes.boxes() {
            let messages = match self.empty(mailbox, mailboxes.flavour()).await {
                Ok(messages) => messages,
                Err(PollError::NotSubscribed { status, text }) => {
                    let error = format!(
                        "it has no mailbox for {} (HTTP {status}: {text})",
                        mailbox.content_topic
                    );
                    mailboxes.clear();
                    let node = self.node.clone();
                    self.tell(RestEvent::Forgotten { node, error }).await;
                    return Ok(CHECK_INTERVAL);
                }
                Err(PollError::Rest(error)) => {
                    let reason = error.to_string();
                    if error.may_have_arrived() {
                        let risk = Risk::NoAnswer { error: reason.clone() };
                        self.tell_risk(Some(mailbox), risk).await;
                    }
                    return Err(reason);
                }
            };
            if let Some(full) = mailboxes.judge_poll(messages) {
                self.tell_risk(Some(mailbox), full.into()).await;
            }
            total += messages;
        }
        if let Some(full) = mailboxes.judge_round(total) {
            self.tell_risk(None, full.into()).await;
        }
        Ok(match mailboxes.is_filling(total) {
            true => Duration::ZERO,
            false => self.config.poll_interval,
        })
    }

    /// Empties one mailbox; returns how many entries were in it.
    async fn empty(&self, mailbox: &Mailbox, flavour: Flavour) -> Result<usize, PollError> {
        let Mailbox {
            pubsub_topic,
            content_topic,
        } = mailbox;
        let polled = self.rest.poll(&self.node, flavour, pubsub_topic, content_topic).await?;
        let count = polled.messages.len();
        for message in polled.messages {
            let node = self.node.clone();
            let event = match message {
                Ok(message) => RestEvent::Push {
                    node,
                    pubsub_topic: pubsub_topic.clone(),
                    message,
                    arrived: polled.arrived,
                },
                Err(error) => RestEvent::Malformed {
                    node,
                    error: error.to_string(),
                },
            };
            self.tell(event).await;
        }
        Ok(count)
    }

    async fn tell_risk(&self, mailbox: Option<&Mailbox>, risk: Risk) {
        self.tell(RestEvent::AtRisk {
            node: self.node.clone(),
            content_topic: mailbox.map(|mailbox| mailbox.content_topic.clone()),
            risk,
        })
        .await;
    }
}

impl From<Full> for Risk {
    fn from(Full { messages, capacity }: Full) -> Self {
        Self::CacheFull { messages, capacity }
    }
}
