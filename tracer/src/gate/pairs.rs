//! What a report says of each receiver and sender, summed up: by receiver, and by sender.

use std::collections::BTreeMap;

use super::facts::{CountFacts, SenderFacts};
use crate::report::{CellReport, Offset, joined, kept_offset};

/// What pairs of receiver and sender come to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct PairFacts {
    pub(crate) counts: CountFacts,
    /// How far the clocks may be off; `None` where nothing arrived.
    clocks: Option<Clocks>,
    /// How many messages may have been late, at least and at most: lateness goes by two clocks.
    pub(crate) late: (u64, u64),
}

/// The clocks of pairs at which something arrived; `None`: off by any amount.
type Clocks = Option<Offset>;

/// One receiver and one sender.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) counts: CountFacts,
    pub(super) offset: Option<Offset>,
    /// Smallest and largest latency since intended.
    pub(super) from_intended_ns: Option<(i64, i64)>,
    /// Smallest latency since sent.
    pub(super) from_sent_ns: Option<i64>,
}

/// The sums of each sender, while receivers are gone through.
pub(super) struct PairSums {
    by_sender: BTreeMap<String, PairFacts>,
    late_after_ns: i64,
}

impl PairSums {
    pub(super) fn new<'a>(senders: impl Iterator<Item = &'a str>, late_after_ns: i64) -> Self {
        Self {
            by_sender: senders.map(|name| (name.to_owned(), PairFacts::default())).collect(),
            late_after_ns,
        }
    }

    /// Adds the pairs of one receiver; their sum.
    pub(super) fn add<'a>(&mut self, pairs: impl Iterator<Item = (&'a str, Pair)>) -> PairFacts {
        let mut sum = PairFacts::default();
        for (sender, pair) in pairs {
            sum.add(&pair, self.late_after_ns);
            if let Some(of_sender) = self.by_sender.get_mut(sender) {
                of_sender.add(&pair, self.late_after_ns);
            }
        }
        sum
    }

    pub(super) fn hand_out(mut self, mut senders: Vec<SenderFacts>) -> Vec<SenderFacts> {
        for sender in &mut senders {
            sender.pairs = self.by_sender.remove(&sender.sender).unwrap_or_default();
        }
        senders
    }
}

impl PairFacts {
    fn add(&mut self, pair: &Pair, late_after_ns: i64) {
        self.counts += pair.counts;
        if pair.counts.received == 0 {
            return;
        }
        let clocks = kept_offset(pair.offset, pair.from_sent_ns);
        self.clocks = Some(self.clocks.map_or(clocks, |known| joined(known, clocks)));
        let (low, high) = pair.late(clocks, late_after_ns);
        self.late = (self.late.0.saturating_add(low), self.late.1.saturating_add(high));
    }

    /// Adds the pairs of another receiver.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.counts += other.counts;
        self.clocks = match (self.clocks, other.clocks) {
            (Some(a), Some(b)) => Some(joined(a, b)),
            (one, other) => one.or(other),
        };
        let (low, high) = other.late;
        self.late = (self.late.0.saturating_add(low), self.late.1.saturating_add(high));
    }

    /// How far the clocks behind the latencies may be off; `None`: by any amount.
    pub(crate) fn offset(&self) -> Option<Offset> {
        self.clocks.flatten()
    }
}

impl Pair {
    /// How many messages may have been late, at least and at most.
    fn late(&self, clocks: Option<Offset>, late_after_ns: i64) -> (u64, u64) {
        let (Some(offset), Some((least_ns, most_ns))) = (clocks, self.from_intended_ns) else {
            return (0, self.counts.received);
        };
        if offset == Offset::default() {
            (self.counts.late, self.counts.late)
        } else if offset.truth(most_ns).1 <= late_after_ns {
            (0, 0)
        } else if offset.truth(least_ns).0 > late_after_ns {
            (self.counts.received, self.counts.received)
        } else {
            (0, self.counts.received)
        }
    }
}

impl From<&CellReport> for Pair {
    fn from(cell: &CellReport) -> Self {
        Self {
            counts: cell.counts.into(),
            offset: cell.clock.offset(),
            from_intended_ns: cell.from_intended.min_ns.zip(cell.from_intended.max_ns),
            from_sent_ns: cell.from_sent.min_ns,
        }
    }
}
