//! What can be judged: every metric, its unit, and of what it can be taken.

use std::fmt;

use crate::latency::PERMILLES;

/// Of what a metric is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scope {
    /// The whole run.
    Run,
    Receiver,
    Publisher,
    /// The service node that a receiver was subscribed at.
    ServiceNode,
}

impl Scope {
    /// The words after `per`.
    pub(crate) const WORDS: [(&'static str, Self); 3] = [
        ("receiver", Self::Receiver),
        ("publisher", Self::Publisher),
        ("service_node", Self::ServiceNode),
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Receiver => "receiver",
            Self::Publisher => "publisher",
            Self::ServiceNode => "service_node",
        }
    }
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Percent, 0 to 100.
    Share,
    /// A whole number; with `%` the share of `base`.
    Count { base: Option<&'static str> },
    /// A series of durations, of which an aggregate is taken.
    Series,
}

/// Names the metrics: word, kind, scopes (the first is that of an expression without `per`), meaning.
macro_rules! metrics {
    ($($name:ident $word:literal $kind:expr, [$($scope:ident)+], $meaning:literal;)+) => {
        /// A metric; its word and its meaning are in `docs/gates.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Metric {
            $(#[doc = $meaning] $name,)+
        }

        impl Metric {
            /// Every metric.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its name in an expression.
            pub(crate) fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// How its values are written.
            pub(crate) fn kind(self) -> Kind {
                match self { $(Self::$name => $kind,)+ }
            }

            /// Of what it can be taken; the first is meant where an expression does not say.
            pub(crate) fn scopes(self) -> &'static [Scope] {
                match self { $(Self::$name => &[$(Scope::$scope,)+],)+ }
            }

            /// What it counts, in a line.
            #[cfg(test)]
            pub(crate) fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }
        }
    };
}

const COUNT: Kind = Kind::Count { base: None };
const OF_ATTEMPTED: Kind = Kind::Count {
    base: Some("attempted"),
};
const OF_EXPECTED: Kind = Kind::Count { base: Some("expected") };
const OF_RECEIVED: Kind = Kind::Count { base: Some("received") };

metrics! {
    Loss "loss" Kind::Share, [Run Receiver Publisher ServiceNode], "lost, percent of expected";
    Lost "lost" OF_EXPECTED, [Run Receiver Publisher ServiceNode], "expected and not received";
    Expected "expected" COUNT, [Run Receiver Publisher ServiceNode], "acknowledged and within the observation, or received anyway";
    Received "received" COUNT, [Run Receiver Publisher ServiceNode], "messages that arrived in any attempt";
    Recovered "recovered" COUNT, [Run Receiver Publisher ServiceNode], "received although never acknowledged";
    NotObserved "not_observed" COUNT, [Run Receiver Publisher ServiceNode], "acknowledged, outside the observation and not received";
    Duplicates "duplicates" OF_RECEIVED, [Run Receiver Publisher ServiceNode], "arrivals of a hash that had arrived before";
    RetryTwins "retry_twins" OF_RECEIVED, [Run Receiver Publisher ServiceNode], "other hashes of a message that had arrived before";
    Late "late" OF_RECEIVED, [Run Receiver Publisher ServiceNode], "first arrivals later than `--late-after`";
    OutOfOrder "out_of_order" OF_RECEIVED, [Run Receiver Publisher ServiceNode], "first arrivals after one of a higher index";
    Unexpected "unexpected" COUNT, [Run Receiver ServiceNode], "different messages that no publisher log knows";
    OtherRun "other_run" COUNT, [Run Receiver ServiceNode], "arrivals that name another run";
    Corrupt "corrupt" COUNT, [Run Receiver ServiceNode], "numbered messages that contradict themselves";
    Foreign "foreign" COUNT, [Run Receiver ServiceNode], "arrivals that are no numbered messages";
    Malformed "malformed" COUNT, [Run Receiver ServiceNode], "frames that could not be decoded";
    Presence "presence" Kind::Share, [Run Receiver ServiceNode], "observed time with a live subscription, percent";
    Gaps "gaps" COUNT, [Run Receiver ServiceNode], "times without a live subscription";
    Attempted "attempted" COUNT, [Run Publisher], "messages the publisher tried";
    Attempts "attempts" COUNT, [Run Publisher], "attempts, repeats included";
    Acked "acked" OF_ATTEMPTED, [Run Publisher], "messages a service node acknowledged";
    Published "published" OF_ATTEMPTED, [Run Publisher], "messages acknowledged, or received by somebody";
    NeverAcked "never_acked" OF_ATTEMPTED, [Run Publisher], "messages never acknowledged, without the unfinished";
    Failed "failed" OF_ATTEMPTED, [Run Publisher], "messages refused or never sent in every attempt";
    Indeterminate "indeterminate" OF_ATTEMPTED, [Run Publisher], "messages never acknowledged that may have been relayed";
    Unfinished "unfinished" OF_ATTEMPTED, [Run Publisher], "messages under way when a log broke off";
    Latency "latency" Kind::Series, [Run Receiver Publisher ServiceNode], "first arrival less intended time";
    LatencySent "latency_sent" Kind::Series, [Run Receiver Publisher ServiceNode], "first arrival less time sent";
    Ack "ack" Kind::Series, [Publisher], "acknowledgement less time sent";
    Slip "slip" Kind::Series, [Publisher], "time sent less intended time";
}

/// What is taken of a series.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) enum Aggregate {
    Min,
    Max,
    /// One of the percentiles that reports hold.
    Percentile(f64),
    /// Number of values.
    N,
    /// Number of values below zero.
    Negative,
}

impl Aggregate {
    /// Every aggregate, in ascending order of the values.
    pub(crate) fn all() -> Vec<Self> {
        let percentiles = PERMILLES
            .iter()
            .map(|permille| Self::Percentile(f64::from(*permille) / 10.0));
        let mut all = vec![Self::Min];
        all.extend(percentiles);
        all.extend([Self::Max, Self::N, Self::Negative]);
        all
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Min => f.write_str("min"),
            Self::Max => f.write_str("max"),
            Self::Percentile(percent) => write!(f, "p{percent}"),
            Self::N => f.write_str("n"),
            Self::Negative => f.write_str("negative"),
        }
    }
}

/// A metric, and of a series the aggregate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Quantity {
    pub(crate) metric: Metric,
    pub(crate) aggregate: Option<Aggregate>,
}

/// What the number beside a quantity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Percent,
    Count,
    Duration,
}

impl Quantity {
    /// The unit of the value as reports show it.
    pub(crate) fn unit(self) -> Unit {
        match (self.metric.kind(), self.aggregate) {
            (Kind::Share, _) => Unit::Percent,
            (Kind::Count { .. }, _) | (Kind::Series, Some(Aggregate::N | Aggregate::Negative)) => Unit::Count,
            (Kind::Series, _) => Unit::Duration,
        }
    }

    /// Every quantity that can be taken of `scope`.
    pub(crate) fn all(scope: Scope) -> Vec<Self> {
        let metrics = Metric::ALL.iter().filter(|metric| metric.scopes().contains(&scope));
        let quantities = |metric: &Metric| {
            match metric.kind() {
                Kind::Series => Aggregate::all().into_iter().map(Some).collect(),
                Kind::Share | Kind::Count { .. } => vec![None],
            }
            .into_iter()
            .map(|aggregate| Self {
                metric: *metric,
                aggregate,
            })
            .collect::<Vec<_>>()
        };
        metrics.flat_map(quantities).collect()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.metric.word())?;
        match &self.aggregate {
            Some(aggregate) => write!(f, ".{aggregate}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;

    #[test]
    fn words_are_unique_and_the_documentation_has_them_all() {
        let words: BTreeSet<_> = Metric::ALL.iter().map(|metric| metric.word()).collect();
        assert_eq!(words.len(), Metric::ALL.len());
        let docs = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/gates.md")).unwrap();
        for metric in Metric::ALL {
            let scopes: Vec<_> = metric.scopes().iter().map(|scope| scope.word()).collect();
            let unit = match metric.kind() {
                Kind::Share => "%".to_owned(),
                Kind::Count { base: None } => "count".to_owned(),
                Kind::Count { base: Some(base) } => format!("count, or % of {base}"),
                Kind::Series => "duration".to_owned(),
            };
            let row = format!(
                "| `{}` | {unit} | {} | {} |",
                metric.word(),
                scopes.join(", "),
                metric.meaning()
            );
            assert!(docs.contains(&row), "docs/gates.md lacks the row\n{row}");
        }
    }
}
