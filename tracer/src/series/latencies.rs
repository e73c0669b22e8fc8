//! Latency of the whole run and of its groups, counted receiver by receiver and never kept.

use std::collections::{BTreeMap, HashMap};

use super::{
    GroupLatency, LatencyBin, LatencyGroups,
    groups::{GroupName, Kinds, NOT_LOGGED, group_name, show_class},
    histogram::histogram,
};
use crate::{
    arrivals::{BroughtBy, FirstArrival},
    latency::Distribution,
    narrowing::{Catch, Narrowing},
    sieve::Sieve,
    symbols::{Symbol, Symbols},
    tally::Tally,
};

/// What arrivals cannot be told apart further by: the service node that brought them and the kind of the attempt.
type Leaf = (Symbol, u32);

/// The latencies at one receiver, in the order of the book.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latencies<'a> {
    pub(crate) firsts: &'a [FirstArrival],
    pub(crate) from_intended_ns: &'a [i64],
    pub(crate) from_sent_ns: &'a [i64],
    pub(crate) brought_by: &'a BroughtBy,
}

/// The first look of one thread at the latencies of its receivers.
#[derive(Debug, Default)]
pub(crate) struct LatencyTallies {
    by_leaf: HashMap<Leaf, Both<Tally>>,
}

/// One thing since the intended time, and the same since the message was sent.
#[derive(Debug, Default)]
struct Both<T> {
    intended: T,
    sent: T,
}

/// Percentiles of the run and its groups on their way.
#[derive(Debug)]
pub(crate) struct RunLatency {
    /// Groups of the same arrivals are one series.
    series: Vec<Both<Narrowing>>,
    of_leaf: HashMap<Leaf, Vec<usize>>,
    /// Of each leaf what the next round has to look at for any of its series.
    sieves: HashMap<Leaf, Both<Sieve>>,
    total: usize,
    histogram: Vec<LatencyBin>,
    groups: Groups<usize>,
}

/// What one thread has met in a further round.
#[derive(Debug)]
pub(crate) struct Round<'a> {
    run: &'a RunLatency,
    caught: Caught,
    /// Used again for each piece.
    kept_ns: Vec<i64>,
}

/// What was met of all series.
#[derive(Debug)]
pub(crate) struct Caught {
    series: Vec<Both<Catch>>,
}

/// The five groupings.
#[derive(Debug, Default)]
struct Groups<T> {
    senders: BTreeMap<GroupName, T>,
    push_nodes: BTreeMap<GroupName, T>,
    filter_nodes: BTreeMap<GroupName, T>,
    content_topics: BTreeMap<GroupName, T>,
    sizes: BTreeMap<u8, T>,
}

impl Latencies<'_> {
    /// Hands out the times in pieces of one leaf.
    fn each_leaf(&self, kinds: &Kinds, mut take: impl FnMut(Leaf, Both<&[i64]>)) {
        let end = self.firsts.len();
        let leaf = |at: usize| (self.brought_by.service_node(at), kinds.of(self.firsts[at].attempt));
        let mut from = 0;
        while from < end {
            let same = leaf(from);
            let to = (from + 1..end).find(|at| leaf(*at) != same).unwrap_or(end);
            let values_ns = Both {
                intended: &self.from_intended_ns[from..to],
                sent: &self.from_sent_ns[from..to],
            };
            take(same, values_ns);
            from = to;
        }
    }
}

impl LatencyTallies {
    /// Counts the latencies at a receiver.
    pub(crate) fn add(&mut self, kinds: &Kinds, latencies: Latencies<'_>) {
        latencies.each_leaf(kinds, |leaf, values_ns| {
            let tallies = self.by_leaf.entry(leaf).or_default();
            tallies.intended.add_all(values_ns.intended);
            tallies.sent.add_all(values_ns.sent);
        });
    }

    /// Adds what another thread has counted.
    pub(crate) fn merge(&mut self, other: Self) {
        for (leaf, tallies) in other.by_leaf {
            self.by_leaf.entry(leaf).or_default().merge(&tallies);
        }
    }
}

impl Both<Tally> {
    fn merge(&mut self, other: &Self) {
        self.intended.merge(&other.intended);
        self.sent.merge(&other.sent);
    }
}

impl RunLatency {
    /// From the first look at all receivers.
    pub(crate) fn new(tallies: &LatencyTallies, kinds: &Kinds, symbols: &Symbols) -> Self {
        let mut leaves: Vec<Leaf> = tallies.by_leaf.keys().copied().collect();
        leaves.sort_unstable();
        let mut groups: Groups<Vec<usize>> = Groups::default();
        for (number, (filter_node, kind)) in leaves.iter().enumerate() {
            let kind = &kinds.kinds[*kind as usize];
            let topic = group_name(symbols, Some(kind.content_topic), NOT_LOGGED);
            let push_node = group_name(symbols, kind.push_node, NOT_LOGGED);
            let filter_node = group_name(symbols, Some(*filter_node), NOT_LOGGED);
            let sender = group_name(symbols, Some(kind.sender), NOT_LOGGED);
            groups.senders.entry(sender).or_default().push(number);
            groups.push_nodes.entry(push_node).or_default().push(number);
            groups.filter_nodes.entry(filter_node).or_default().push(number);
            groups.content_topics.entry(topic).or_default().push(number);
            groups.sizes.entry(kind.size_class).or_default().push(number);
        }
        let mut run = Self {
            series: Vec::new(),
            of_leaf: HashMap::new(),
            sieves: HashMap::new(),
            total: 0,
            histogram: Vec::new(),
            groups: Groups::default(),
        };
        let mut known: HashMap<Vec<usize>, usize> = HashMap::new();
        let mut series = |members: Vec<usize>| {
            *known.entry(members).or_insert_with_key(|members| {
                let mut both = Both::<Tally>::default();
                for leaf in members.iter().map(|number| leaves[*number]) {
                    both.merge(&tallies.by_leaf[&leaf]);
                    run.of_leaf.entry(leaf).or_default().push(run.series.len());
                }
                run.series.push(Both {
                    intended: Narrowing::new(&both.intended),
                    sent: Narrowing::new(&both.sent),
                });
                if run.series.len() == 1 {
                    run.histogram = histogram(&both.intended);
                }
                run.series.len() - 1
            })
        };
        // The first of all, so that it is the series of the histogram.
        let total = series((0..leaves.len()).collect());
        let groups = groups.map(&mut series);
        run.total = total;
        run.groups = groups;
        run.make_sieves();
        run
    }

    fn make_sieves(&mut self) {
        let sieve = |members: &[usize], of: fn(&Both<Narrowing>) -> &Narrowing| {
            Sieve::new(members.iter().flat_map(|number| of(&self.series[*number]).spans()))
        };
        let both = |members: &Vec<usize>| Both {
            intended: sieve(members, |series| &series.intended),
            sent: sieve(members, |series| &series.sent),
        };
        self.sieves = self
            .of_leaf
            .iter()
            .map(|(leaf, members)| (*leaf, both(members)))
            .collect();
    }

    /// Whether the latencies need not be gone through again.
    pub(crate) fn is_done(&self) -> bool {
        let is_done = |series: &Both<Narrowing>| series.intended.is_done() && series.sent.is_done();
        self.series.iter().all(is_done)
    }

    /// Begins a round for one thread.
    pub(crate) fn round(&self) -> Round<'_> {
        let catch = |series: &Both<Narrowing>| Both {
            intended: series.intended.catch(),
            sent: series.sent.catch(),
        };
        let caught = Caught {
            series: self.series.iter().map(catch).collect(),
        };
        Round {
            run: self,
            caught,
            kept_ns: Vec::new(),
        }
    }

    /// Ends a round.
    pub(crate) fn take(&mut self, caught: Caught) {
        for (series, caught) in self.series.iter_mut().zip(caught.series) {
            series.intended.take(caught.intended);
            series.sent.take(caught.sent);
        }
        self.make_sieves();
    }

    /// All arrivals, since intended.
    pub(crate) fn since_intended(&self) -> Distribution {
        self.series[self.total].intended.finish()
    }

    /// All arrivals, since sent.
    pub(crate) fn since_sent(&self) -> Distribution {
        self.series[self.total].sent.finish()
    }

    /// The groups, in the order of their names, and the histogram of all.
    pub(crate) fn finish(self) -> (LatencyGroups, Vec<LatencyBin>) {
        let group = |name: String, series: usize| GroupLatency {
            name,
            from_intended: self.series[series].intended.finish(),
            from_sent: self.series[series].sent.finish(),
        };
        let named = |groups: &BTreeMap<GroupName, usize>| {
            let named = groups.iter().map(|((name, _), series)| group(name.clone(), *series));
            named.collect()
        };
        let size = |(class, series): (&u8, &usize)| group(show_class(*class), *series);
        let groups = LatencyGroups {
            by_sender: named(&self.groups.senders),
            by_push_node: named(&self.groups.push_nodes),
            by_filter_node: named(&self.groups.filter_nodes),
            by_content_topic: named(&self.groups.content_topics),
            by_size: self.groups.sizes.iter().map(size).collect(),
        };
        (groups, self.histogram)
    }
}

impl Round<'_> {
    /// Looks at the latencies at a receiver.
    pub(crate) fn look(&mut self, kinds: &Kinds, latencies: Latencies<'_>) {
        latencies.each_leaf(kinds, |leaf, values_ns| {
            let (series, sieve) = (&self.run.of_leaf[&leaf], &self.run.sieves[&leaf]);
            let kept_ns = &mut self.kept_ns;
            let mut sift = |sieve: &Sieve, values_ns: &[i64], of: fn(&mut Both<Catch>) -> &mut Catch| {
                kept_ns.clear();
                kept_ns.extend(values_ns.iter().filter(|value_ns| sieve.keeps(**value_ns)));
                for number in series {
                    of(&mut self.caught.series[*number]).look(kept_ns);
                }
            };
            sift(&sieve.intended, values_ns.intended, |caught| &mut caught.intended);
            sift(&sieve.sent, values_ns.sent, |caught| &mut caught.sent);
        });
    }

    /// What was met.
    pub(crate) fn end(self) -> Caught {
        self.caught
    }
}

impl Caught {
    /// Adds what another thread has met.
    pub(crate) fn merge(&mut self, other: Self) {
        for (caught, other) in self.series.iter_mut().zip(other.series) {
            caught.intended.merge(other.intended);
            caught.sent.merge(other.sent);
        }
    }
}

impl<T> Groups<T> {
    fn map<U>(self, mut of: impl FnMut(T) -> U) -> Groups<U> {
        let mut named = |groups: BTreeMap<GroupName, T>| groups.into_iter().map(|(name, t)| (name, of(t))).collect();
        Groups {
            senders: named(self.senders),
            push_nodes: named(self.push_nodes),
            filter_nodes: named(self.filter_nodes),
            content_topics: named(self.content_topics),
            sizes: self.sizes.into_iter().map(|(class, t)| (class, of(t))).collect(),
        }
    }
}
