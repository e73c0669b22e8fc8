//! The join and the verdict against naive ones: random histories with torn logs, cut lines and clocks that are off, judged
//! by sets written down straight from the definitions.

use std::collections::{BTreeMap, BTreeSet};

use event_log::event::{FailureOutcome, Role};
use proptest::prelude::*;

use super::fixture::*;
use crate::{
    options::DEFAULT_LATE_AFTER_NS,
    report::{Counts, Verdict},
};

const SENDERS: u32 = 3;
const INDICES: u32 = 6;

/// What became of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Acked,
    Failed(FailureOutcome),
}

/// One arrival: of a published attempt or of something nobody published.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    sender: u32,
    index: u32,
    attempt: u32,
    ms: i64,
    other_run: bool,
}

/// All times by the receiver's own clock, which may be off.
#[derive(Debug, Clone)]
struct Heard {
    subscribed_ms: Option<i64>,
    /// What its log can be read to say.
    arrivals: Vec<Arrival>,
    /// Arrivals whose lines were cut in the middle.
    cut: Vec<Arrival>,
    /// `None`: torn.
    end_ms: Option<i64>,
}

/// A run as it happened, before anybody logged it.
#[derive(Debug, Clone)]
pub(super) struct History {
    /// By sender and index: the attempts in order.
    published: BTreeMap<(u32, u32), Vec<Fate>>,
    publisher_torn: bool,
    receivers: Vec<Heard>,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Acked),
        1 => Just(Fate::Open),
        1 => Just(Fate::Failed(FailureOutcome::Refused)),
        1 => Just(Fate::Failed(FailureOutcome::NoAnswer)),
        1 => Just(Fate::Failed(FailureOutcome::NotSent)),
    ]
}

fn heard() -> impl Strategy<Value = Heard> {
    let arrival = (
        0..SENDERS,
        1..=INDICES + 1,
        1..=3_u32,
        900..12_000_i64,
        proptest::bool::weighted(0.1),
    )
        .prop_map(|(sender, index, attempt, ms, other_run)| Arrival {
            sender,
            index,
            attempt,
            ms: ms / 50 * 50,
            other_run,
        });
    let skew_ms = prop_oneof![3 => Just(0), 1 => -3000..3000_i64, 1 => -20..20_i64];
    (
        proptest::option::weighted(0.9, -500..4000_i64),
        proptest::collection::vec(arrival, 0..40),
        prop_oneof![4 => Just(0), 1 => 1..4_usize],
        proptest::option::weighted(0.8, 3000..40_000_i64),
        skew_ms,
    )
        .prop_map(|(subscribed_ms, mut arrivals, cut, end_ms, skew_ms)| {
            arrivals.iter_mut().for_each(|arrival| arrival.ms += skew_ms);
            Heard {
                subscribed_ms: subscribed_ms.map(|ms| ms + skew_ms),
                cut: arrivals.split_off(arrivals.len().saturating_sub(cut)),
                arrivals,
                end_ms: end_ms.map(|ms| ms + skew_ms),
            }
        })
}

/// A run in which all goes well, mostly: histories at random hardly ever pass.
fn good_history() -> impl Strategy<Value = History> {
    (
        1..=INDICES,
        1..3_usize,
        proptest::option::weighted(0.5, (any::<prop::sample::Index>(), any::<bool>())),
        proptest::bool::weighted(0.1),
    )
        .prop_map(|(indices, receivers, missing, torn)| {
            let each = (0..SENDERS).flat_map(|sender| (1..=indices).map(move |index| (sender, index)));
            let arrival = |(sender, index): (u32, u32)| Arrival {
                sender,
                index,
                attempt: 1,
                ms: intended(index) + 51,
                other_run: false,
            };
            let mut arrivals: Vec<Arrival> = each.clone().map(arrival).collect();
            let mut cut = Vec::new();
            if let Some((missing, is_cut)) = missing {
                let missing = arrivals.remove(missing.index(arrivals.len()));
                cut.extend(is_cut.then_some(missing));
            }
            let heard = Heard {
                subscribed_ms: Some(-500),
                arrivals,
                cut,
                end_ms: (!torn).then_some(30_000),
            };
            History {
                published: each.map(|message| (message, vec![Fate::Acked])).collect(),
                publisher_torn: false,
                receivers: vec![heard; receivers],
            }
        })
}

pub(super) fn history() -> impl Strategy<Value = History> {
    let published = proptest::collection::btree_map(
        (0..SENDERS, 1..=INDICES),
        proptest::collection::vec(fate(), 1..4),
        0..(SENDERS * INDICES) as usize,
    );
    (
        published,
        proptest::bool::weighted(0.2),
        proptest::collection::vec(heard(), 1..4),
    )
        .prop_map(|(published, publisher_torn, receivers)| History {
            published,
            publisher_torn,
            receivers,
        })
}

fn name(sender: u32) -> String {
    format!("publisher-{sender}/0")
}

fn sent_ms(index: u32, attempt: u32) -> i64 {
    intended(index) + 1 + i64::from(attempt - 1) * 500
}

impl History {
    /// The logs the roles would write.
    pub(super) fn logs(&self) -> Vec<LogText> {
        let mut logs: Vec<LogText> = (0..SENDERS).map(|sender| self.publisher_log(sender)).collect();
        logs.extend(
            self.receivers
                .iter()
                .enumerate()
                .map(|(number, heard)| receiver_log(number, heard)),
        );
        logs
    }

    fn publisher_log(&self, sender: u32) -> LogText {
        let mut log = publisher(&format!("publisher-{sender}"), 1000);
        for ((_, index), fates) in self.published.iter().filter(|((of, _), _)| *of == sender) {
            for (fate, attempt) in fates.iter().zip(1..) {
                match fate {
                    Fate::Open => log.attempt(*index, attempt),
                    Fate::Acked => log.acked(*index, attempt),
                    Fate::Failed(outcome) => log.failed(*index, attempt, *outcome, attempt < fates.len() as u32),
                };
            }
        }
        if !(self.publisher_torn && sender == 0) {
            log.end(50_000, "signal");
        }
        log
    }

    fn is_published(&self, a: &Arrival) -> bool {
        self.published
            .get(&(a.sender, a.index))
            .is_some_and(|fates| a.attempt as usize <= fates.len())
    }

    /// The sets of one receiver and sender, written down from the definitions.
    fn naive(&self, heard: &Heard, sender: u32) -> (Counts, Vec<u32>) {
        let arrivals: Vec<&Arrival> = heard
            .arrivals
            .iter()
            .filter(|a| a.sender == sender && self.is_published(a))
            .collect();
        let first = |index: u32| arrivals.iter().filter(|a| a.index == index).map(|a| a.ms).min();
        let received: BTreeSet<u32> = arrivals.iter().map(|a| a.index).collect();
        let hashes: BTreeSet<(u32, u32)> = arrivals.iter().map(|a| (a.index, a.attempt)).collect();
        let own = || {
            self.published
                .iter()
                .filter(move |((of, _), _)| *of == sender)
                .map(|((_, index), fates)| (*index, fates))
        };
        let acked: BTreeSet<u32> = own()
            .filter(|(_, fates)| fates.contains(&Fate::Acked))
            .map(|(index, _)| index)
            .collect();
        let may_be_relayed = |fates: &[Fate]| {
            fates
                .iter()
                .any(|fate| matches!(fate, Fate::Open | Fate::Failed(FailureOutcome::NoAnswer)))
        };
        let missing: Vec<u32> = acked.difference(&received).copied().collect();
        let sorted = |wanted: Seen| {
            let seen = |index: &u32| self.seen(heard, sender, *index);
            missing
                .iter()
                .copied()
                .filter(|index| seen(index) == wanted)
                .collect::<Vec<_>>()
        };
        let lost = sorted(Seen::Within);
        let left = |relayed: bool| {
            let rest = own().filter(|(index, _)| !acked.contains(index) && !received.contains(index));
            rest.filter(|(_, fates)| may_be_relayed(fates) == relayed).count() as u64
        };
        let late_ms = DEFAULT_LATE_AFTER_NS / 1_000_000;
        let overtaken = |index: &u32| {
            received
                .iter()
                .any(|other| other > index && first(*other) < first(*index))
        };
        let counts = Counts {
            attempted: own().count() as u64,
            acked: acked.len() as u64,
            expected: (acked.intersection(&received).count() + lost.len()) as u64,
            received: received.len() as u64,
            lost: lost.len() as u64,
            recovered: received.difference(&acked).count() as u64,
            indeterminate: left(true),
            failed: left(false),
            not_observed_before: sorted(Seen::Before).len() as u64,
            not_observed_after: sorted(Seen::After).len() as u64,
            duplicates: (arrivals.len() - hashes.len()) as u64,
            retry_twins: (hashes.len() - received.len()) as u64,
            late: received
                .iter()
                .filter(|index| first(**index).unwrap() - intended(**index) > late_ms)
                .count() as u64,
            out_of_order: received.iter().filter(|index| overtaken(index)).count() as u64,
        };
        (counts, lost)
    }

    /// The verdict, written down from the rules: fail beats unknown, unknown beats pass.
    fn naive_verdict(&self) -> Verdict {
        let fates = || self.published.iter();
        let is_unfinished = |(sender, _): &(u32, u32), fates: &[Fate]| {
            self.publisher_torn && *sender == 0 && fates.last() == Some(&Fate::Open)
        };
        let is_acked = |fates: &[Fate]| fates.contains(&Fate::Acked);
        let mut fails = fates().any(|(message, fates)| !is_acked(fates) && !is_unfinished(message, fates));
        let mut unknown = self.publisher_torn || !fates().any(|(_, fates)| is_acked(fates));
        for heard in &self.receivers {
            let mut sum = Counts::default();
            (0..SENDERS).for_each(|sender| sum += self.naive(heard, sender).0);
            // A line that cannot be read may have been one of the deliveries that are missing.
            let cut = heard.cut.len() as u64;
            fails |= sum.lost > cut;
            let strangers: Vec<&Arrival> = heard.arrivals.iter().filter(|a| !self.is_published(a)).collect();
            let is_unexpected = strangers.iter().any(|a| {
                let same = strangers
                    .iter()
                    .filter(|b| (a.sender, a.index, a.attempt) == (b.sender, b.index, b.attempt));
                // Of arrivals at one time the first by what is in them.
                !same.min_by_key(|b| (b.ms, b.other_run)).unwrap().other_run
            });
            fails |= is_unexpected && !self.publisher_torn;
            unknown |= is_unexpected || sum.lost > 0 || cut > 0 || heard.end_ms.is_none();
            unknown |= sum.not_observed_after > 0 || sum.expected == 0;
        }
        match (fails, unknown) {
            (true, _) => Verdict::Fail,
            (false, true) => Verdict::Unknown,
            (false, false) => Verdict::Pass,
        }
    }

    /// Whether a message can have been observed, by its acknowledged attempts.
    fn seen(&self, heard: &Heard, sender: u32, index: u32) -> Seen {
        let fates = &self.published[&(sender, index)];
        let acked = fates
            .iter()
            .zip(1..)
            .filter(|(fate, _)| **fate == Fate::Acked)
            .map(|(_, attempt)| attempt);
        let until_ms = heard
            .end_ms
            .unwrap_or_else(|| heard.last_ms() - DEFAULT_LATE_AFTER_NS / 1_000_000);
        let seen = |attempt: u32| {
            let sent = sent_ms(index, attempt);
            match heard.subscribed_ms {
                None if heard.end_ms.is_some() => Seen::Within,
                Some(subscribed) if sent < subscribed => Seen::Before,
                _ if sent + 20 > until_ms => Seen::After,
                _ => Seen::Within,
            }
        };
        let all: Vec<Seen> = acked.map(seen).collect();
        *[Seen::Within, Seen::After, Seen::Before]
            .iter()
            .find(|one| all.contains(one))
            .unwrap()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Before,
    After,
    Within,
}

impl Heard {
    /// Time of the last event a torn log has.
    fn last_ms(&self) -> i64 {
        let times = self.arrivals.iter().map(|a| a.ms).chain(self.subscribed_ms);
        times.max().unwrap_or(-2000).max(-2000)
    }
}

fn receiver_log(number: usize, heard: &Heard) -> LogText {
    // A host of its own.
    let boot = format!("boot of receiver-{number}");
    let mut log = LogText::start(Role::Receiver, &format!("receiver-{number}"), |started| {
        started.boot = Some(boot)
    });
    if let Some(ms) = heard.subscribed_ms {
        log.subscribed(ms);
    }
    for a in &heard.arrivals {
        let other_run = a.other_run.then(|| "ffff".to_owned());
        log.received_with(a.ms, &name(a.sender), a.index, a.attempt, |e| e.run = other_run);
    }
    for a in &heard.cut {
        log.received_at(a.ms, &name(a.sender), a.index, a.attempt);
        let line = log.lines.last_mut().unwrap();
        line.truncate(line.len() / 2);
    }
    if let Some(ms) = heard.end_ms {
        log.end(ms, "idle");
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn the_join_and_the_verdict_agree_with_the_definitions(history in prop_oneof![9 => history(), 1 => good_history()]) {
        let report = report_on(&history.logs());
        prop_assert_eq!(report.verdict, history.naive_verdict(), "{:#?}", report.reasons);
        prop_assert_eq!(report.receivers.len(), history.receivers.len());
        for (r, heard) in report.receivers.iter().zip(&history.receivers) {
            for (cell, sender) in r.senders.iter().zip(0..SENDERS) {
                prop_assert_eq!(&cell.sender, &name(sender));
                let (counts, lost) = history.naive(heard, sender);
                prop_assert_eq!(cell.counts, counts);
                prop_assert_eq!(&cell.lost_indices, &lost.into_iter().collect());
                prop_assert_eq!(cell.losses.iter().map(|loss| loss.count).sum::<u64>(), counts.lost);
                // Every message attempted is in exactly one set.
                let c = counts;
                let unobserved = c.not_observed_before + c.not_observed_after;
                prop_assert_eq!(c.expected + c.recovered + c.indeterminate + c.failed + unobserved, c.attempted);
            }
            let strangers: Vec<_> = heard.arrivals.iter().filter(|a| !history.is_published(a)).collect();
            let other_run = strangers.iter().filter(|a| a.other_run).count() as u64;
            prop_assert_eq!(r.other_run, other_run);
            // A hash is unexpected once, unless its first arrival named another run.
            let own = strangers.iter().filter(|a| !a.other_run);
            let all: BTreeSet<_> = own.map(|a| (a.sender, a.index, a.attempt)).collect();
            prop_assert!(r.unexpected <= all.len() as u64);
            if other_run == 0 {
                prop_assert_eq!(r.unexpected, all.len() as u64);
            }
            prop_assert_eq!(r.latency.from_intended.n, r.counts.received);
            prop_assert_eq!(r.duplicates.len() as u64, r.counts.duplicates);
            let log = report.logs.iter().find(|log| log.path == r.log).unwrap();
            prop_assert_eq!(log.skipped.damaged, heard.cut.len() as u64);
        }
        if report.verdict == Verdict::Pass {
            prop_assert!(report.gates.iter().all(|gate| gate.verdict == Verdict::Pass));
            prop_assert_eq!(report.totals.counts.lost, 0);
            prop_assert_eq!(report.totals.never_acked, 0);
        }
    }
}

#[test]
fn the_histories_reach_every_set() {
    // A generator that never makes the interesting case would prove nothing.
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut sum = Counts::default();
    let mut verdicts = BTreeMap::new();
    let mut cut = 0;
    for _ in 0..200 {
        for history in [history().boxed(), good_history().boxed()] {
            let report = report_on(&history.new_tree(&mut runner).unwrap().current().logs());
            sum += report.totals.counts;
            cut += report.logs.iter().map(|log| log.skipped.damaged).sum::<u64>();
            *verdicts.entry(format!("{:?}", report.verdict)).or_insert(0) += 1;
        }
    }
    let each = [
        sum.lost,
        sum.recovered,
        sum.indeterminate,
        sum.failed,
        sum.not_observed_before,
        sum.not_observed_after,
        sum.duplicates,
        sum.retry_twins,
        sum.late,
        sum.out_of_order,
        cut,
    ];
    assert!(each.iter().all(|count| *count > 20), "{sum:?}");
    assert!(
        verdicts.len() == 3 && verdicts.values().all(|count| *count > 5),
        "{verdicts:?}"
    );
}
