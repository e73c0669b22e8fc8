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
use libp2p::PeerId;
use runtime::{
    Shutdown,
    light::{Board, ConnectionLog},
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use waku::{
    net::{ClientEvent, LightpushVersion},
    wire::protocol_id,
};

use crate::{
    attempt::{AttemptLog, Done},
    link::Link,
    message::{FactoryPlan, MessageFactory, Planned},
    metrics::Metrics,
    nodes::{NodeChoice, Turn},
    retry::Outcome,
    schedule::Schedule,
    settings::Settings,
};

/// Most messages of one client that wait for their next attempt. Beyond it new ones wait too, late but counted: an
/// outage at a high rate must not grow without bound.
const MAX_AWAITING_RETRY: usize = 65_536;

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
    /// Set once everybody may begin.
    pub start: watch::Sender<Option<Start>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// New messages are sent when due.
    Scheduling,
    /// Only what is outstanding is waited for, until this moment.
    Draining(Instant),
    /// Nobody is waited for any more.
    CutOff,
}

/// A message that waits for its next attempt; ordered by when that is due.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    due: Instant,
    index: u32,
    attempt: u32,
    size_bytes: usize,
    intended: Timestamp,
}

/// One light client.
pub(crate) struct Client<L> {
    id: u32,
    link: L,
    shared: Arc<Shared>,
    connections: ConnectionLog,
    attempts: AttemptLog,
    nodes: NodeChoice,
    schedule: Schedule,
    factory: MessageFactory,
    waiting: BinaryHeap<Reverse<Waiting>>,
    in_flight: FuturesUnordered<BoxFuture<'static, Done>>,
    /// Fires when outstanding answers are given up.
    cutoff: Shutdown,
    phase: Phase,
    /// Told to end early: nothing is tried again.
    is_stopping: bool,
    start: Start,
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
    pub(crate) async fn run(mut self, mut events: mpsc::Receiver<ClientEvent>, stop: Shutdown) {
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
    async fn wait_for_start(&mut self, events: &mut mpsc::Receiver<ClientEvent>, stop: &Shutdown) -> bool {
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

    /// Sends whatever is due and has room, older first.
    fn send_due(&mut self, now: Instant) {
        while self.has_room() {
            if let Some(retry) = self.take_retry(now) {
                self.attempt(retry);
            } else if let Some(first) = self.take_new(now) {
                self.attempt(first);
            } else {
                break;
            }
        }
        if self.phase == Phase::Scheduling && self.schedule.is_exhausted() {
            self.drain();
        }
    }

    fn has_room(&self) -> bool {
        self.phase != Phase::CutOff && self.in_flight.len() < self.shared.settings.in_flight
    }

    fn take_retry(&mut self, now: Instant) -> Option<Planned> {
        let Reverse(first) = self.waiting.peek()?;
        if first.due > now {
            return None;
        }
        let Reverse(Waiting {
            index,
            attempt,
            size_bytes,
            intended,
            ..
        }) = self.waiting.pop()?;
        Some(Planned {
            index,
            attempt,
            intended,
            size_bytes,
        })
    }

    fn take_new(&mut self, now: Instant) -> Option<Planned> {
        if !self.may_take_new() {
            return None;
        }
        let due = self
            .schedule
            .take_due(now.checked_duration_since(self.start.instant)?)?;
        let offset_ns = i64::try_from(due.offset.as_nanos()).unwrap_or(i64::MAX);
        self.shared.metrics.attempted.inc();
        Some(
            self.factory
                .plan(due.index, self.start.wall.saturating_add_ns(offset_ns)),
        )
    }

    /// With a pace new messages only wait for room. Without one they also wait for a connection, since nothing else
    /// would keep them from all being spent in the first outage, and for retries, which are part of the closed loop.
    fn may_take_new(&self) -> bool {
        let settings = &self.shared.settings;
        self.phase == Phase::Scheduling
            && if settings.rate.is_unpaced() {
                self.nodes.ready_peer().is_some() && self.in_flight.len() + self.waiting.len() < settings.in_flight
            } else {
                self.waiting.len() < MAX_AWAITING_RETRY
            }
    }

    fn attempt(&mut self, planned: Planned) {
        let mut built = self.factory.build(planned, Timestamp::now());
        let metrics = &self.shared.metrics;
        metrics.attempts.inc();
        if self.shared.settings.rate.is_unpaced() && planned.attempt == 1 {
            built.planned.intended = built.sent;
        }
        if planned.attempt == 1 {
            metrics
                .slip
                .observe(seconds(built.sent.since_ns(built.planned.intended)));
        }
        let Some(peer) = self.nodes.ready_peer() else {
            let outcome = Outcome::NotSent("not connected to a service node".to_owned());
            let at = Timestamp::now();
            return self.on_done(Done {
                built,
                peer: None,
                outcome,
                at,
                took: std::time::Duration::ZERO,
            });
        };
        self.attempts.begins(&built, peer);
        metrics.in_flight.inc();
        metrics.sent_bytes.inc_by(built.size_bytes);
        let (link, cutoff, shared) = (self.link.clone(), self.cutoff.clone(), self.shared.clone());
        self.in_flight.push(Box::pin(async move {
            let began = Instant::now();
            let answer = tokio::select! {
                answer = link.push(peer, &built.route.pubsub_topic, &built.message) => answer,
                () = cutoff.requested() => Err(Outcome::NoAnswer("no answer before the end of the run".to_owned())),
            };
            shared.metrics.in_flight.dec();
            let outcome = answer.map_or_else(|outcome| outcome, |answer| shared.settings.retry.judge(answer));
            Done {
                built,
                peer: Some(peer),
                outcome,
                at: Timestamp::now(),
                took: began.elapsed(),
            }
        }));
    }

    fn on_done(&mut self, done: Done) {
        let planned = done.built.planned;
        let may_follow = match self.phase {
            Phase::Scheduling => true,
            Phase::Draining(deadline) => Instant::now() + self.shared.settings.retry.after < deadline,
            Phase::CutOff => false,
        };
        let retry =
            may_follow && !self.is_stopping && self.shared.settings.retry.is_retried(planned.attempt, &done.outcome);
        self.attempts.ended(&done, retry);
        self.count(&done, retry);
        if retry {
            let due = Instant::now() + self.shared.settings.retry.after;
            let Planned {
                index,
                attempt,
                intended,
                size_bytes,
            } = planned;
            self.waiting.push(Reverse(Waiting {
                due,
                index,
                attempt: attempt + 1,
                size_bytes,
                intended,
            }));
        }
        let turn = match (done.peer, &done.outcome) {
            (Some(peer), Outcome::Acked { .. }) => {
                self.nodes.on_success(peer);
                Turn::Stay
            }
            (Some(peer), _) => self.nodes.on_failure(peer),
            (None, _) => self.nodes.on_not_connected(),
        };
        self.follow(turn, || describe(&done.outcome));
    }

    fn count(&self, done: &Done, retry: bool) {
        let metrics = &self.shared.metrics;
        match &done.outcome {
            Outcome::Acked { .. } => {
                metrics.acked.inc();
                metrics.ack_duration.observe(done.took.as_secs_f64());
            }
            Outcome::Refused(status) => metrics.count_refusal(self.shared.settings.retry.classes.class(status)),
            Outcome::NoAnswer(_) => drop(metrics.no_answer.inc()),
            Outcome::NotSent(_) => drop(metrics.not_sent.inc()),
        }
        if !retry && !matches!(done.outcome, Outcome::Acked { .. }) {
            metrics.failed.inc();
        }
    }

    fn on_event(&mut self, event: &ClientEvent) {
        self.connections.observe(event);
        let board = &self.shared.board;
        let (turn, reason) = match event {
            ClientEvent::Ready { peer, protocols, .. } => return self.on_ready(*peer, protocols),
            ClientEvent::Disconnected { peer, .. } => {
                self.nodes.on_disconnected(*peer);
                self.mark_ready();
                return;
            }
            ClientEvent::DialFailed { peer, error, .. } => {
                board.failed(*peer, error);
                (self.nodes.on_dial_failed(*peer), error)
            }
            ClientEvent::Refused { peer, error } => {
                board.failed(*peer, error);
                (self.nodes.on_refused(*peer), error)
            }
            ClientEvent::Push { .. } | ClientEvent::MalformedPush { .. } => return,
        };
        self.follow(turn, || reason.clone());
    }

    fn on_ready(&mut self, peer: PeerId, protocols: &[String]) {
        let (wanted, other) = match self.shared.settings.version {
            LightpushVersion::V3 => (protocol_id::LIGHTPUSH_V3, "v2"),
            LightpushVersion::V2 => (protocol_id::LIGHTPUSH_V2, "v3"),
        };
        if protocols.iter().any(|protocol| protocol == wanted) {
            self.nodes.on_ready(peer);
            return self.mark_ready();
        }
        let error = format!("it does not serve {wanted}: try --lightpush {other}, or another service node");
        tracing::warn!(client = self.id, %peer, "service node refused: {error}");
        self.shared.board.failed(peer, &error);
        self.connections.left(peer, &error);
        self.link.forget(peer);
        let turn = self.nodes.on_refused(peer);
        self.follow(turn, || error);
    }

    /// Does what a change of service node asks for.
    fn follow(&mut self, turn: Turn, reason: impl FnOnce() -> String) {
        match turn {
            Turn::Stay => {}
            Turn::NoneLeft => self.shared.board.give_up(),
            Turn::To { from, to } => {
                let reason = reason();
                tracing::info!(client = self.id, %from, to = %to.peer_id, reason = %runtime::escape::Escaped(&reason), "turns to another service node");
                self.shared.metrics.switches.inc();
                self.shared.log.log(event_log::event::PeerSwitched {
                    client: self.id,
                    from: from.to_string(),
                    to: to.peer_id.to_string(),
                    reason,
                });
                self.connections.left(from, "turned to another service node");
                self.link.forget(from);
                self.link.keep_connected(to);
            }
        }
        self.mark_ready();
    }

    fn mark_ready(&self) {
        self.shared.board.set_ready(self.id, self.nodes.ready_peer().is_some());
        self.shared
            .metrics
            .ready_clients
            .set(i64::from(self.shared.board.ready_clients()));
    }

    /// Ends the schedule; what is outstanding is waited for from now on.
    fn drain(&mut self) {
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
        self.shared
            .settings
            .duration
            .map(|duration| self.start.instant + duration)
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

fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Acked { status, .. } | Outcome::Refused(status) => format!("status {status}"),
        Outcome::NoAnswer(error) | Outcome::NotSent(error) => error.clone(),
    }
}

fn seconds(ns: i64) -> f64 {
    std::time::Duration::from_nanos(ns.unsigned_abs())
        .as_secs_f64()
        .copysign(if ns < 0 { -1.0 } else { 1.0 })
}
