//! Latency by sender, service node, content topic and size.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    join::Book,
    latency::Distribution,
    model::AttemptRecord,
    symbols::{Symbol, Symbols},
};

/// Stands for what the log does not name.
pub(crate) const NOT_LOGGED: &str = "not logged";

/// Latency of one group of first arrivals.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GroupLatency {
    /// What the group has in common.
    pub name: String,
    /// Arrival − intended.
    pub from_intended: Distribution,
    /// Arrival − sent of the attempt that arrived.
    pub from_sent: Distribution,
}

/// Latency of first arrivals in groups.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct LatencyGroups {
    /// By sender.
    pub by_sender: Vec<GroupLatency>,
    /// By the service node that the attempt was pushed to.
    pub by_push_node: Vec<GroupLatency>,
    /// By the service node that brought the message first.
    pub by_filter_node: Vec<GroupLatency>,
    /// By content topic.
    pub by_content_topic: Vec<GroupLatency>,
    /// By size of the payload, in powers of two.
    pub by_size: Vec<GroupLatency>,
}

/// What attempts are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    pub(super) sender: Symbol,
    pub(super) push_node: Option<Symbol>,
    pub(super) content_topic: Symbol,
    pub(super) size_class: u8,
}

/// The kinds of attempts of a run: a handful for each sender mostly.
#[derive(Debug)]
pub(crate) struct Kinds {
    pub(super) kinds: Vec<Kind>,
    /// By attempt of the book.
    of_attempt: Vec<u32>,
}

impl Kinds {
    pub(crate) fn new(book: &Book) -> Self {
        let mut numbers: HashMap<Kind, u32> = HashMap::new();
        let mut kinds = Vec::new();
        let mut last: Option<(Kind, u32)> = None;
        let mut number = |attempt: &AttemptRecord| {
            let kind = Kind {
                sender: attempt.sender,
                push_node: attempt.service_node,
                content_topic: attempt.content_topic,
                size_class: attempt.size_class,
            };
            match last {
                Some((known, number)) if known == kind => number,
                _ => {
                    let number = *numbers.entry(kind).or_insert_with(|| {
                        kinds.push(kind);
                        u32::try_from(kinds.len() - 1).expect("the book numbers attempts with 32 bits")
                    });
                    last = Some((kind, number));
                    number
                }
            }
        };
        let of_attempt = book.attempts.iter().map(&mut number).collect();
        Self { kinds, of_attempt }
    }

    /// The kind of an attempt, as a number.
    #[inline]
    pub(super) fn of(&self, attempt: u32) -> u32 {
        self.of_attempt[attempt as usize]
    }
}

/// What a group is called. Groups of equal name stand in the order of what they are: that which is not logged, the empty
/// name, and then a name that looks like the word for them.
pub(super) type GroupName = (String, Option<String>);

/// By the name of a sender, a service node or a content topic.
pub(super) fn group_name(symbols: &Symbols, symbol: Option<Symbol>, without: &str) -> GroupName {
    let name = symbol.map(|symbol| symbols.name(symbol).to_owned());
    let shown = match name.as_deref() {
        None => without,
        Some("") => NOT_LOGGED,
        Some(name) => name,
    };
    (shown.to_owned(), name)
}

/// The largest size of a class, in the unit that makes it a whole number.
pub(super) fn show_class(class: u8) -> String {
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
    fn groups_of_equal_name_stand_in_the_order_of_what_they_are() {
        let name = |names: [&str; 2], symbol: usize| {
            let mut symbols = Symbols::default();
            let numbers = names.map(|name| symbols.intern(name));
            group_name(&symbols, Some(numbers[symbol]), NOT_LOGGED)
        };
        // In whatever order the names were read.
        let forward = [name(["", NOT_LOGGED], 0), name(["", NOT_LOGGED], 1)];
        let backward = [name([NOT_LOGGED, ""], 1), name([NOT_LOGGED, ""], 0)];
        assert_eq!(forward, backward);
        let without = group_name(&Symbols::default(), None, NOT_LOGGED);
        let names = [&without, &forward[0], &forward[1]];
        assert!(names.iter().all(|(shown, _)| shown == NOT_LOGGED) && names.is_sorted());
    }

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
