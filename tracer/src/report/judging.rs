//! Judges all receivers at the same time and gathers what a report shows of them.

use super::{ReceiverReport, receiver::ReceiverReporter};
use crate::{
    join::Book,
    judge::Judge,
    model::Archive,
    options::Options,
    parallel::in_order,
    place::Evidence,
    receivers::Receiver,
    series::{Frame, Kinds, Latencies, LatencyTallies, RunLatency, Series, Share},
};

/// What the judgement of every receiver needs.
pub(super) struct Desk<'a> {
    pub(super) archive: &'a Archive,
    pub(super) book: &'a Book,
    pub(super) evidence: &'a Evidence,
    pub(super) options: &'a Options,
    pub(super) kinds: &'a Kinds,
    pub(super) frame: &'a Frame<'a>,
    pub(super) receivers: &'a [Receiver<'a>],
}

/// What comes out of it.
pub(super) struct Judged<'a> {
    pub(super) receiver_reports: Vec<ReceiverReport>,
    pub(super) series: Series<'a>,
    pub(super) latency: RunLatency,
    /// By slot of the book.
    pub(super) received_by_any: Vec<bool>,
}

/// What a thread takes along from receiver to receiver.
struct Worker<'a> {
    judge: Judge<'a>,
    latencies: LatencyTallies,
    received_by_any: Vec<bool>,
}

impl<'a> Desk<'a> {
    fn worker(&self) -> Worker<'a> {
        Worker {
            judge: Judge::new(self.archive, self.book, self.evidence, self.options),
            latencies: LatencyTallies::default(),
            received_by_any: vec![false; self.book.slots.len()],
        }
    }

    /// Judges all receivers, on all cores.
    pub(super) fn judge_all(&self) -> Judged<'a> {
        let mut receiver_reports = Vec::with_capacity(self.receivers.len());
        let mut series = Series::new(self.frame);
        let workers = in_order(
            self.receivers.len(),
            || self.worker(),
            |worker, number| self.judge(worker, &self.receivers[number]),
            |(report, share)| {
                receiver_reports.push(report);
                series.take(share);
            },
        );
        let mut latencies = LatencyTallies::default();
        let mut received_by_any = vec![false; self.book.slots.len()];
        for worker in workers {
            latencies.merge(worker.latencies);
            let all = received_by_any.iter_mut().zip(worker.received_by_any);
            all.for_each(|(received, by_these)| *received |= by_these);
        }
        let mut latency = RunLatency::new(&latencies, self.kinds, &self.archive.symbols);
        while !latency.is_done() {
            self.narrow(&mut latency);
        }
        Judged {
            receiver_reports,
            series,
            latency,
            received_by_any,
        }
    }

    fn judge(&self, worker: &mut Worker<'_>, receiver: &Receiver<'_>) -> (ReceiverReport, Share) {
        let mut judgement = worker.judge.judge(receiver);
        judgement.mark_received(&mut worker.received_by_any);
        let latencies = Latencies {
            firsts: &judgement.firsts,
            from_intended_ns: &judgement.from_intended_ns,
            from_sent_ns: &judgement.from_sent_ns,
            brought_by: &judgement.brought_by,
        };
        worker.latencies.add(self.kinds, latencies);
        let (shown, share) = self.frame.share(receiver, &mut judgement);
        let reporter = ReceiverReporter {
            archive: self.archive,
            book: self.book,
        };
        let report = reporter.report(receiver, &mut judgement, shown);
        worker.judge.recycle(judgement);
        (report, share)
    }

    /// Goes through all latencies once more.
    fn narrow(&self, latency: &mut RunLatency) {
        let judge = || Judge::new(self.archive, self.book, self.evidence, self.options);
        let rounds = in_order(
            self.receivers.len(),
            || (judge(), latency.round()),
            |(judge, round), number| {
                let receiver = &self.receivers[number];
                round.look(self.kinds, judge.arrivals(receiver).latencies());
            },
            |()| (),
        );
        let caught = rounds.into_iter().map(|(_, round)| round.end());
        let caught = caught.reduce(|mut all, caught| {
            all.merge(caught);
            all
        });
        if let Some(caught) = caught {
            latency.take(caught);
        }
    }
}
