//! One light client at work: connected and subscribed at its service nodes, reading what they push.

use std::{
    collections::{HashSet, VecDeque},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use event_log::{EventLog, event::PeerSwitched};
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use runtime::{
    Shutdown,
    escape::Escaped,
    light::{Board, ConnectionLog, FeedNews, NodeEvent, NodeEvents, NodeFeed, NodeId, ServiceNode},
};
use tokio::time::{Instant, sleep_until, timeout};
use waku::wire::protocol_id;

use crate::{
    deliveries::Deliveries,
    ending::Activity,
    link::Link,
    metrics::Metrics,
    presence::Presence,
    seen::PageBudget,
    settings::Settings,
    slot::{Slot, State},
    statistics::Statistics,
    upkeep::Answer,
};

/// How long the end of a run waits for unsubscribe answers. The subscriptions die by themselves after minutes.
const UNSUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(2);

/// What the clients of a process share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The settled options.
    pub(crate) settings: Settings,
    /// Run id.
    pub(crate) run: Arc<str>,
    /// The event log.
    pub(crate) log: EventLog,
    /// The counters.
    pub(crate) metrics: Metrics,
    /// Who is subscribed everywhere.
    pub(crate) board: Board,
    /// Further service nodes, when they are searched for.
    pub(crate) feed: NodeFeed,
    /// What the end of the run depends on.
    pub(crate) activity: Activity,
    /// Figures per sender.
    pub(crate) statistics: Statistics,
    /// Memory for telling messages apart.
    pub(crate) pages: PageBudget,
}

/// One light client.
pub(crate) struct Client<L> {
    pub(crate) id: u32,
    pub(crate) link: L,
    pub(crate) shared: Arc<Shared>,
    pub(crate) slots: Vec<Slot>,
    /// Service nodes that stand by, in the order of turns: those never used first.
    spares: VecDeque<ServiceNode>,
    /// Service nodes that are or were in use.
    used: HashSet<NodeId>,
    feed: NodeFeed,
    connections: ConnectionLog,
    pub(crate) presence: Presence,
    deliveries: Deliveries,
    pub(crate) under_way: FuturesUnordered<BoxFuture<'static, Answer>>,
    epochs: u64,
}

impl<L: Link> Client<L> {
    /// Client `id` speaking over `link`. Its service nodes are taken in turn from number `id` on, so that clients
    /// spread over them.
    pub(crate) fn new(id: u32, link: L, shared: Arc<Shared>) -> Self {
        let settings = &shared.settings;
        let count = settings.service_nodes.len();
        let mut nodes = (0..count).map(|step| settings.service_nodes[(id as usize + step) % count].clone());
        let slots: Vec<_> = nodes
            .by_ref()
            .take(settings.redundancy)
            .zip(0..)
            .map(|(n, e)| Slot::new(n, e))
            .collect();
        Self {
            id,
            link,
            epochs: slots.len() as u64,
            used: slots.iter().map(Slot::peer).collect(),
            slots,
            spares: nodes.collect(),
            feed: shared.feed.clone(),
            connections: ConnectionLog::new(id, shared.log.clone()),
            presence: Presence::default(),
            deliveries: Deliveries::new(id, shared.clone()),
            under_way: FuturesUnordered::new(),
            shared,
        }
    }

    /// Connects, subscribes and reads until `stop` fires, then takes the subscriptions back.
    pub(crate) async fn run(mut self, mut events: NodeEvents, stop: Shutdown) {
        let shared = self.shared.clone();
        let mut stopped = pin!(stop.into_future());
        let mut place = tokio::select! {
            place = shared.board.dial_place() => Some(place),
            () = stopped.as_mut() => return,
        };
        self.slots
            .iter()
            .for_each(|slot| self.link.keep_connected(slot.node.clone()));
        let mut timer = pin!(sleep_until(Instant::now()));
        loop {
            self.do_due(Instant::now());
            let wake = self.slots.iter().filter_map(Slot::due).min();
            if let Some(at) = wake
                && timer.deadline() != at
            {
                timer.as_mut().reset(at);
            }
            tokio::select! {
                Some(event) = events.recv() => {
                    // The first event says what became of the first dial.
                    place = None;
                    self.on_event(event);
                }
                Some(answer) = self.under_way.next() => self.on_answer(answer),
                news = self.feed.next() => self.on_news(news),
                () = timer.as_mut(), if wake.is_some() => {}
                () = stopped.as_mut() => break,
            }
        }
        drop(place);
        self.leave(&mut events).await;
    }

    /// Takes every subscription back, still logging what arrives meanwhile.
    async fn leave(mut self, events: &mut NodeEvents) {
        let link = self.link.clone();
        let peers: Vec<_> = self
            .slots
            .iter()
            .filter(|slot| slot.is_subscribed())
            .map(Slot::peer)
            .collect();
        let leaving = futures::future::join_all(peers.iter().map(|peer| link.unsubscribe_all(peer)));
        let mut leaving = pin!(timeout(UNSUBSCRIBE_TIMEOUT, leaving));
        let answers = loop {
            tokio::select! {
                Some(event) = events.recv() => self.on_delivery(&event),
                answers = leaving.as_mut() => break answers,
            }
        };
        // What had been read from the network before the end still counts.
        while let Some(event) = events.try_recv() {
            self.on_delivery(&event);
        }
        let failed = answers.map_or(peers.len(), |answers| {
            answers.iter().filter(|answer| answer.is_err()).count()
        });
        if failed > 0 {
            tracing::debug!(client = self.id, failed, "unsubscribe without answer");
        }
    }

    fn on_event(&mut self, event: NodeEvent) {
        self.connections.observe(&event);
        match event {
            NodeEvent::Push { .. } | NodeEvent::MalformedPush { .. } | NodeEvent::AtRisk { .. } => {
                self.on_delivery(&event);
            }
            NodeEvent::Ready { peer, protocols, .. } => self.on_ready(&peer, &protocols),
            NodeEvent::Disconnected { peer, reason } => self.on_disconnected(&peer, &reason),
            NodeEvent::DialFailed { peer, error, .. } => {
                self.shared.board.failed(&peer, &error);
                self.count_failure(&peer, &error);
            }
            NodeEvent::Refused { peer, error } => self.on_refused(&peer, &error),
            NodeEvent::Forgotten { peer, error } => self.on_forgotten(&peer, &error),
        }
    }

    fn on_delivery(&mut self, event: &NodeEvent) {
        match event {
            NodeEvent::Push {
                peer,
                pubsub_topic,
                message,
                arrived,
            } => {
                if let Some(slot) = self
                    .slots
                    .iter_mut()
                    .find(|slot| slot.peer() == *peer && slot.is_subscribed())
                {
                    slot.alive((*arrived).into());
                    self.presence.alive((*arrived).into());
                }
                self.deliveries.on_push(peer, pubsub_topic, message, *arrived);
            }
            NodeEvent::MalformedPush { peer, error } => self.deliveries.on_malformed(peer, error),
            NodeEvent::AtRisk {
                peer,
                content_topic,
                risk,
            } => self.on_risk(peer, content_topic.as_deref(), risk),
            _ => {}
        }
    }

    fn on_ready(&mut self, peer: &NodeId, protocols: &[String]) {
        if !protocols
            .iter()
            .any(|protocol| protocol == protocol_id::FILTER_SUBSCRIBE)
        {
            let error = format!(
                "it does not serve {}: choose another service node",
                protocol_id::FILTER_SUBSCRIBE
            );
            tracing::warn!(client = self.id, %peer, "service node refused: {error}");
            self.connections.left(peer, &error);
            self.link.forget(peer);
            return self.on_refused(peer, &error);
        }
        self.end_subscription(peer, "connected anew");
        let epoch = self.new_epoch();
        if let Some(slot) = self.slot(peer) {
            slot.unsubscribe(Instant::now(), epoch);
        }
    }

    fn on_disconnected(&mut self, peer: &NodeId, reason: &str) {
        self.end_subscription(peer, reason);
        let epoch = self.new_epoch();
        if let Some(slot) = self.slot(peer) {
            slot.disconnect(epoch);
        }
        self.count_failure(peer, reason);
    }

    fn on_refused(&mut self, peer: &NodeId, error: &str) {
        self.shared.board.failed(peer, error);
        self.end_subscription(peer, error);
        let Some(position) = self.slots.iter().position(|slot| slot.peer() == *peer) else {
            return self.spares.retain(|spare| spare.id() != *peer);
        };
        match self.take_spare() {
            Some(next) => self.switch(position, next, error),
            None => {
                let epoch = self.new_epoch();
                self.slots[position].disconnect(epoch);
                self.slots[position].state = State::Refused;
                if !self.feed.is_open() {
                    self.shared.board.give_up();
                }
            }
        }
    }

    /// The next service node that stands by. When it has been used before, or there is none, more are asked for.
    fn take_spare(&mut self) -> Option<ServiceNode> {
        let spare = self.spares.pop_front();
        if spare.as_ref().is_none_or(|spare| self.used.contains(&spare.id())) {
            self.feed.ask();
        }
        spare
    }

    /// A search has found further service nodes, or never will.
    fn on_news(&mut self, news: FeedNews) {
        match news {
            FeedNews::Nodes(nodes) => {
                for node in nodes.into_iter().rev() {
                    let is_new = self.slots.iter().all(|slot| slot.peer() != node.id())
                        && self.spares.iter().all(|spare| spare.id() != node.id());
                    if is_new {
                        self.spares.push_front(node);
                    }
                }
                for position in 0..self.slots.len() {
                    if self.slots[position].state == State::Refused
                        && let Some(next) = self.take_spare()
                    {
                        self.switch(position, next, "refused by all others; a search found this one");
                    }
                }
            }
            FeedNews::Exhausted if self.slots.iter().any(|slot| slot.state == State::Refused) => {
                self.shared.board.give_up();
            }
            FeedNews::Exhausted => {}
        }
    }

    pub(crate) fn new_epoch(&mut self) -> u64 {
        self.epochs += 1;
        self.epochs
    }

    pub(crate) fn slot(&mut self, peer: &NodeId) -> Option<&mut Slot> {
        self.slots
            .iter_mut()
            .find(|slot| slot.peer() == *peer && slot.state != State::Refused)
    }

    /// Counts a failure of whatever kind at a service node; too many in a row, and the next that stands by takes over.
    pub(crate) fn count_failure(&mut self, peer: &NodeId, reason: &str) {
        let limit = self.shared.settings.switch_after;
        let Some(position) = self.slots.iter().position(|slot| slot.peer() == *peer) else {
            return;
        };
        self.slots[position].failures = self.slots[position].failures.saturating_add(1);
        if self.slots[position].failures < limit {
            return;
        }
        if let Some(next) = self.take_spare() {
            self.end_subscription(peer, reason);
            self.spares.push_back(self.slots[position].node.clone());
            self.connections.left(peer, "turned to another service node");
            self.link.forget(peer);
            self.switch(position, next, reason);
        }
    }

    fn switch(&mut self, position: usize, next: ServiceNode, reason: &str) {
        let (from, to) = (self.slots[position].peer(), next.id());
        tracing::info!(client = self.id, %from, %to, reason = %Escaped(reason), "turns to another service node");
        self.shared.metrics.switches.inc();
        self.shared.log.log(PeerSwitched {
            client: self.id,
            from: from.to_string(),
            to: to.to_string(),
            reason: reason.to_owned(),
            from_transport: Some(from.transport()),
            to_transport: Some(to.transport()),
        });
        self.used.insert(to);
        self.link.keep_connected(next.clone());
        self.slots[position] = Slot::new(next, self.new_epoch());
    }

    pub(crate) fn mark_ready(&self) {
        self.shared
            .board
            .set_ready(self.id, self.slots.iter().all(Slot::is_subscribed));
        self.shared
            .metrics
            .subscribed_clients
            .set(i64::from(self.shared.board.ready_clients()));
    }
}
