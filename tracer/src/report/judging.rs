//! Judges all receivers at the same time and gathers what a report shows of them.

use super::{ReceiverReport, receiver::ReceiverReporter};
use crate::{
    join::Book,
    judge::Judge,
    model::Archive,
    options::Options,
    parallel::in_order,
    place::Evidence,
    progress::Progress,
    receivers::Receiver,
    series::{AgeTally, Frame, Kinds, Latencies, LatencyTallies, RunAges, RunLatency, Series, Share},
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
    pub(super) ages: RunAges,
    /// By slot of the book.
    pub(super) received_by_any: Vec<bool>,
}

/// What a thread takes along from receiver to receiver.
struct Worker<'a> {
    judge: Judge<'a>,
    latencies: LatencyTallies,
    ages: AgeTally,
    received_by_any: Vec<bool>,
}

impl<'a> Desk<'a> {
    fn worker(&self) -> Worker<'a> {
        Worker {
            judge: Judge::new(self.archive, self.book, self.evidence, self.options),
            latencies: LatencyTallies::default(),
            ages: AgeTally::default(),
            received_by_any: vec![false; self.book.slots.len()],
        }
    }

    /// Judges all receivers, on all cores.
    pub(super) fn judge_all(&self) -> Judged<'a> {
        let mut receiver_reports = Vec::with_capacity(self.receivers.len());
        let mut series = Series::new(self.frame);
        let progress = Progress::of_things("judging", "receivers", self.receivers.len());
        let workers = in_order(
            self.receivers.len(),
            || self.worker(),
            |worker, number| self.judge(worker, &self.receivers[number]),
            |(report, share)| {
                receiver_reports.push(report);
                series.take(share);
                progress.add(1);
            },
        );
        drop(progress);
        let (mut latencies, mut ages) = (LatencyTallies::default(), AgeTally::default());
        let mut received_by_any = vec![false; self.book.slots.len()];
        for worker in workers {
            latencies.merge(worker.latencies);
            ages.merge(&worker.ages);
            let all = received_by_any.iter_mut().zip(worker.received_by_any);
            all.for_each(|(received, by_these)| *received |= by_these);
        }
        let mut latency = RunLatency::new(&latencies, self.kinds, &self.archive.symbols);
        let mut ages = ages.finish();
        while !(latency.is_done() && ages.narrowing.is_done()) {
            self.narrow(&mut latency, &mut ages);
        }
        Judged {
            receiver_reports,
            series,
            latency,
            ages,
            received_by_any,
        }
    }

    fn judge(&self, worker: &mut Worker<'_>, receiver: &Receiver<'_>) -> (ReceiverReport, Share) {
        let mut judgement = worker.judge.judge(receiver);
        judgement.mark_received(&mut worker.received_by_any);
        worker.judge.ages().for_each(|(_, age_ns)| worker.ages.add(age_ns));
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

    /// Goes through all latencies and ages once more.
    fn narrow(&self, latency: &mut RunLatency, ages: &mut RunAges) {
        let judge = || Judge::new(self.archive, self.book, self.evidence, self.options);
        let progress = Progress::of_things("narrowing percentiles", "receivers", self.receivers.len());
        let rounds = in_order(
            self.receivers.len(),
            || (judge(), latency.round(), ages.narrowing.catch()),
            |(judge, round, ages), number| {
                let receiver = &self.receivers[number];
                round.look(self.kinds, judge.arrivals(receiver).latencies());
                judge.ages().for_each(|(_, age_ns)| ages.look(&[age_ns]));
            },
            |()| progress.add(1),
        );
        let caught = rounds.into_iter().map(|(_, round, ages)| (round.end(), ages));
        let caught = caught.reduce(|(mut latencies, mut ages), (more_latencies, more_ages)| {
            latencies.merge(more_latencies);
            ages.merge(more_ages);
            (latencies, ages)
        });
        if let Some((caught_latencies, caught_ages)) = caught {
            latency.take(caught_latencies);
            ages.narrowing.take(caught_ages);
        }
    }
}
