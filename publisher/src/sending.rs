//! Which messages leave when, and what follows from their outcome.

use std::{cmp::Reverse, time::Duration};

use event_log::Timestamp;
use tokio::time::Instant;

use crate::{
    attempt::Done,
    client::{Client, MAX_AWAITING_RETRY, Phase, Waiting},
    link::Link,
    message::Planned,
    nodes::Turn,
    retry::Outcome,
};

impl<L: Link> Client<L> {
    /// Sends whatever is due and has room, older first.
    pub(crate) fn send_due(&mut self, now: Instant) {
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

    pub(crate) fn has_room(&self) -> bool {
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
    pub(crate) fn may_take_new(&self) -> bool {
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
                took: Duration::ZERO,
            });
        };
        self.attempts.begins(&built, &peer);
        metrics.in_flight.inc();
        metrics.sent_bytes.inc_by(built.size_bytes);
        let (link, cutoff, shared) = (self.link.clone(), self.cutoff.clone(), self.shared.clone());
        self.in_flight.push(Box::pin(async move {
            let began = Instant::now();
            let answer = tokio::select! {
                answer = link.push(&peer, &built.route.pubsub_topic, &built.message) => answer,
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

    pub(crate) fn on_done(&mut self, done: Done) {
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
        let turn = match (&done.peer, &done.outcome) {
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
}

fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Acked { status, .. } | Outcome::Refused(status) => format!("status {status}"),
        Outcome::NoAnswer(error) | Outcome::NotSent(error) => error.clone(),
    }
}

fn seconds(ns: i64) -> f64 {
    Duration::from_nanos(ns.unsigned_abs())
        .as_secs_f64()
        .copysign(if ns < 0 { -1.0 } else { 1.0 })
}
