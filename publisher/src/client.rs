//! One light client at work: sends what is due, hears what became of it, tries again, turns to another service node.
//!
//! ```text
//!  schedule ──due──▶ factory ──▶ request (≤ in_flight at a time) ──▶ outcome ──▶ log, counters
//!     retries waiting ──due──▲                                          │
//!                            └────────────── is retried ◀───────────────┘
//! ```

use std::{cmp::Reverse, collections::BinaryHeap, pin::pin, sync::Arc};

use event_log::{EventLog, Timestamp};
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use runtime::{
    Shutdown,
    light::{Board, ConnectionLog, NodeEvents, NodeFeed},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{
    attempt::{AttemptLog, Done},
    link::Link,
    message::{FactoryPlan, MessageFactory},
    metrics::Metrics,
    nodes::NodeChoice,
    schedule::Schedule,
    settings::Settings,
};

/// Most messages of one client that wait for their next attempt. Beyond it new ones wait too, late but counted: an
/// outage at a high rate must not grow without bound.
pub(crate) const MAX_AWAITING_RETRY: usize = 65_536;

/// The moment all clients begin, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    /// Monotonic; due times count from it.
    pub instant: Instant,
    /// Wall clock; `intended` counts from it.
    pub wall: Timestamp,
}

/// What the clients of a process share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The settled options.
    pub settings: Settings,
    /// What messages have in common.
    pub factory: FactoryPlan,
    /// The event log.
    pub log: EventLog,
    /// The counters.
    pub metrics: Metrics,
    /// Who is connected.
    pub board: Board,
    /// Further service nodes, when they are searched for.
    pub feed: NodeFeed,
    /// Set once everybody may begin.
    pub start: watch::Sender<Option<Start>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// New messages are sent when due.
    Scheduling,
    /// Only what is outstanding is waited for, until this moment.
    Draining(Instant),
    /// Nobody is waited for any more.
    CutOff,
}

/// A message that waits for its next attempt; ordered by when that is due.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Waiting {
    pub(crate) due: Instant,
    pub(crate) index: u32,
    pub(crate) attempt: u32,
    pub(crate) size_bytes: usize,
    pub(crate) intended: Timestamp,
}

/// One light client.
pub(crate) struct Client<L> {
    pub(crate) id: u32,
    pub(crate) link: L,
    pub(crate) shared: Arc<Shared>,
    pub(crate) connections: ConnectionLog,
    pub(crate) attempts: AttemptLog,
    pub(crate) nodes: NodeChoice,
    pub(crate) feed: NodeFeed,
    pub(crate) schedule: Schedule,
    pub(crate) factory: MessageFactory,
    pub(crate) waiting: BinaryHeap<Reverse<Waiting>>,
    pub(crate) in_flight: FuturesUnordered<BoxFuture<'static, Done>>,
    /// Fires when outstanding answers are given up.
    pub(crate) cutoff: Shutdown,
    pub(crate) phase: Phase,
    /// Told to end early: nothing is tried again.
    pub(crate) is_stopping: bool,
    pub(crate) start: Start,
}

impl<L: Link> Client<L> {
    /// Client `id`, called `sender`, speaking over `link`.
    pub(crate) fn new(id: u32, sender: &str, link: L, shared: Arc<Shared>) -> Self {
        let settings = &shared.settings;
        let factory = MessageFactory::new(&shared.factory, sender, id);
        Self {
            id,
            link,
            connections: ConnectionLog::new(id, shared.log.clone()),
            attempts: AttemptLog {
                log: shared.log.clone(),
                sender: factory.sender.clone(),
            },
            nodes: NodeChoice::new(&settings.service_nodes, id, settings.switch_after),
            feed: shared.feed.clone(),
            schedule: settings.schedule(),
            factory,
            waiting: BinaryHeap::new(),
            in_flight: FuturesUnordered::new(),
            cutoff: Shutdown::new(),
            phase: Phase::Scheduling,
            is_stopping: false,
            start: Start {
                instant: Instant::now(),
                wall: Timestamp::now(),
            },
            shared,
        }
    }

    /// Connects, waits for the common start, sends everything, waits for what is outstanding. Returns early when
    /// `stop` fires: before the start at once, after it when the outstanding answers are in.
    pub(crate) async fn run(mut self, mut events: NodeEvents, stop: Shutdown) {
        if !self.wait_for_start(&mut events, &stop).await {
            return;
        }
        let mut stopped = pin!(stop.clone().into_future());
        let mut timer = pin!(sleep_until(self.start.instant));
        loop {
            self.send_due(Instant::now());
            if self.is_finished() {
                return;
            }
            let wake = self.next_wake();
            if let Some(at) = wake
                && timer.deadline() != at
            {
                timer.as_mut().reset(at);
            }
            tokio::select! {
                Some(done) = self.in_flight.next() => self.on_done(done),
                Some(event) = events.recv() => self.on_event(&event),
                news = self.feed.next() => self.on_news(news),
                () = timer.as_mut(), if wake.is_some() => self.on_time(Instant::now()),
                () = stopped.as_mut(), if !self.is_stopping => {
                    self.is_stopping = true;
                    self.abandon_retries();
                    self.drain();
                }
            }
        }
    }

    /// False when `stop` fired first.
    async fn wait_for_start(&mut self, events: &mut NodeEvents, stop: &Shutdown) -> bool {
        let shared = self.shared.clone();
        let mut place = tokio::select! {
            place = shared.board.dial_place() => Some(place),
            () = stop.requested() => return false,
        };
        self.link.keep_connected(self.nodes.current().clone());
        let mut start = shared.start.subscribe();
        loop {
            tokio::select! {
                // The first event says what became of the first dial.
                Some(event) = events.recv() => { place = None; self.on_event(&event) }
                news = self.feed.next() => self.on_news(news),
                Ok(start) = start.wait_for(Option::is_some) => {
                    self.start = start.unwrap_or(self.start);
                    break;
                }
                () = stop.requested() => return false,
            }
        }
        drop(place);
        self.factory.start(self.start.wall);
        true
    }

    /// Ends the schedule; what is outstanding is waited for from now on.
    pub(crate) fn drain(&mut self) {
        if self.phase == Phase::Scheduling {
            self.phase = Phase::Draining(Instant::now() + self.shared.settings.drain_timeout);
        }
    }

    fn abandon_retries(&mut self) {
        let abandoned = self.waiting.len() as u64;
        self.waiting.clear();
        self.shared.metrics.retries_abandoned.inc_by(abandoned);
        self.shared.metrics.failed.inc_by(abandoned);
    }

    fn on_time(&mut self, now: Instant) {
        match self.phase {
            Phase::Scheduling if self.schedule_end().is_some_and(|end| end <= now) => self.drain(),
            Phase::Draining(deadline) if deadline <= now => {
                self.abandon_retries();
                self.phase = Phase::CutOff;
                self.cutoff.request();
            }
            _ => {}
        }
    }

    fn schedule_end(&self) -> Option<Instant> {
        // With a pace the duration sets how many messages there are, and each of them is sent, however late.
        let settings = &self.shared.settings;
        let duration = settings.duration.filter(|_| settings.rate.is_unpaced());
        duration.map(|duration| self.start.instant + duration)
    }

    /// When something is to be done though nothing happens; `None` when only events matter.
    fn next_wake(&self) -> Option<Instant> {
        let has_room = self.has_room();
        let retry = self.waiting.peek().filter(|_| has_room).map(|Reverse(first)| first.due);
        let new = self.schedule.next_offset().filter(|_| has_room && self.may_take_new());
        let end = match self.phase {
            Phase::Scheduling => self.schedule_end(),
            Phase::Draining(deadline) => Some(deadline),
            Phase::CutOff => None,
        };
        [retry, new.map(|offset| self.start.instant + offset), end]
            .into_iter()
            .flatten()
            .min()
    }

    fn is_finished(&self) -> bool {
        self.phase != Phase::Scheduling && self.in_flight.is_empty() && self.waiting.is_empty()
    }
}
