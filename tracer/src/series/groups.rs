//! Latency by service node, content topic and size.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    latency::Distribution,
    model::AttemptRecord,
    symbols::{Symbol, Symbols},
};

/// Stands for receivers that were subscribed at several service nodes: which of them brought a message is not kept.
const SEVERAL: &str = "several service nodes";

/// Stands for what the log does not name.
const NOT_LOGGED: &str = "not logged";

/// Latency since intended of one group of first arrivals.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GroupLatency {
    /// What the group has in common.
    pub name: String,
    /// Arrival − intended.
    pub from_intended: Distribution,
}

/// Latency of first arrivals in groups.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct LatencyGroups {
    /// By the service node that the attempt was pushed to.
    pub by_push_node: Vec<GroupLatency>,
    /// By the service node that the receiver was subscribed at.
    pub by_filter_node: Vec<GroupLatency>,
    /// By content topic.
    pub by_content_topic: Vec<GroupLatency>,
    /// By size of the payload, in powers of two.
    pub by_size: Vec<GroupLatency>,
}

/// What a first arrival is grouped by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival<'a> {
    pub(super) attempt: &'a AttemptRecord,
    /// The only service node of the receiver; `None` when it had several.
    pub(super) filter_node: Option<Symbol>,
    pub(super) from_intended_ns: i64,
}

/// The values of each group.
#[derive(Debug, Default)]
pub(super) struct Groups {
    push_nodes: BTreeMap<Option<Symbol>, Vec<i64>>,
    filter_nodes: BTreeMap<Option<Symbol>, Vec<i64>>,
    content_topics: BTreeMap<Symbol, Vec<i64>>,
    sizes: BTreeMap<u8, Vec<i64>>,
}

impl Groups {
    pub(super) fn add(&mut self, arrival: Arrival<'_>) {
        let Arrival {
            attempt,
            filter_node,
            from_intended_ns,
        } = arrival;
        self.push_nodes
            .entry(attempt.service_node)
            .or_default()
            .push(from_intended_ns);
        self.filter_nodes.entry(filter_node).or_default().push(from_intended_ns);
        self.content_topics
            .entry(attempt.content_topic)
            .or_default()
            .push(from_intended_ns);
        self.sizes.entry(attempt.size_class).or_default().push(from_intended_ns);
    }

    pub(super) fn finish(self, symbols: &Symbols) -> LatencyGroups {
        let name = |symbol: Symbol| match symbols.name(symbol) {
            "" => NOT_LOGGED.to_owned(),
            name => name.to_owned(),
        };
        LatencyGroups {
            by_push_node: named(self.push_nodes, |node| node.map_or(NOT_LOGGED.to_owned(), name)),
            by_filter_node: named(self.filter_nodes, |node| node.map_or(SEVERAL.to_owned(), name)),
            by_content_topic: named(self.content_topics, name),
            by_size: self
                .sizes
                .into_iter()
                .map(|(class, values_ns)| group(show_class(class), values_ns))
                .collect(),
        }
    }
}

/// In the order of names: symbols are numbered by the order of reading, which must not show.
fn named<K>(groups: BTreeMap<K, Vec<i64>>, name: impl Fn(K) -> String) -> Vec<GroupLatency> {
    let mut groups: Vec<GroupLatency> = groups
        .into_iter()
        .map(|(key, values_ns)| group(name(key), values_ns))
        .collect();
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    groups
}

fn group(name: String, mut values_ns: Vec<i64>) -> GroupLatency {
    GroupLatency {
        name,
        from_intended: Distribution::of(&mut values_ns),
    }
}

/// The largest size of a class, in the unit that makes it a whole number.
fn show_class(class: u8) -> String {
    match class {
        0..10 => format!("up to {} B", 1_u64 << class),
        10..20 => format!("up to {} KiB", 1_u64 << (class - 10)),
        20..64 => format!("up to {} MiB", 1_u64 << (class - 20)),
        _ => "larger".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_named_by_their_largest_size() {
        let shown = [0, 9, 10, 17, 20, 64].map(show_class);
        assert_eq!(
            shown,
            [
                "up to 1 B",
                "up to 512 B",
                "up to 1 KiB",
                "up to 128 KiB",
                "up to 1 MiB",
                "larger"
            ]
        );
    }
}
