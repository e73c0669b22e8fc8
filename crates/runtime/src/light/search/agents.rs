//! Candidates by agent: what a network is made of, and how much of it can be used.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use crate::escape::escape;

/// Agent strings told apart; a peer may claim any. Further ones share a row.
const MAX_AGENTS: usize = 64;

/// Widest agent string shown, characters.
const MAX_AGENT_CHARS: usize = 40;

/// The row of nodes that were not reached.
const UNKNOWN: &str = "(not reached)";

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Row {
    dialled: u64,
    failed: u64,
    best_round_trip: Option<Duration>,
}

/// Tests by agent string.
#[derive(Debug, Clone, Default)]
pub(super) struct Agents(BTreeMap<String, Row>);

impl Agents {
    /// Counts a test.
    pub(super) fn count(&mut self, agent: Option<&str>, round_trip: Option<Duration>) {
        let mut name: String = agent.map_or_else(|| UNKNOWN.to_owned(), |agent| shorten(&escape(agent)));
        if self.0.len() >= MAX_AGENTS && !self.0.contains_key(&name) {
            name = "(others)".to_owned();
        }
        let row = self.0.entry(name).or_default();
        row.dialled += 1;
        row.failed += u64::from(round_trip.is_none());
        row.best_round_trip = row.best_round_trip.into_iter().chain(round_trip).min();
    }

    /// The table, or nothing when nobody was tested.
    pub(super) fn table(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let mut out = format!(
            "{:<MAX_AGENT_CHARS$} {:>8} {:>8} {:>15}\n",
            "candidates by agent", "dialled", "failed", "best round trip"
        );
        for (agent, row) in &self.0 {
            let best = row
                .best_round_trip
                .map_or_else(|| "-".to_owned(), |best| format!("{best:.1?}"));
            let (dialled, failed) = (row.dialled, row.failed);
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{agent:<MAX_AGENT_CHARS$} {dialled:>8} {failed:>8} {best:>15}");
        }
        Some(out)
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(MAX_AGENT_CHARS).collect()
}

/// The kind of software an agent string claims: a closed set, for labels of metrics.
pub(super) fn family(agent: Option<&str>) -> &'static str {
    const KNOWN: [&str; 5] = ["logos-delivery", "nwaku", "go-waku", "js-waku", "lite-protocol-tester"];
    match agent {
        None => "unknown",
        Some(agent) => KNOWN
            .into_iter()
            .find(|known| agent.starts_with(known))
            .unwrap_or("other"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_counted_escaped_and_bounded() {
        let mut agents = Agents::default();
        assert_eq!(agents.table(), None);
        agents.count(Some("nwaku-v0.38.1"), Some(Duration::from_millis(31)));
        agents.count(Some("nwaku-v0.38.1"), Some(Duration::from_millis(12)));
        agents.count(Some("nwaku-v0.38.1"), None);
        agents.count(Some("evil\u{1b}[2J"), None);
        agents.count(None, None);
        let table = agents.table().expect("rows");
        assert!(
            table.contains("nwaku-v0.38.1                                   3        1          12.0ms"),
            "{table}"
        );
        assert!(table.contains("(not reached)") && !table.contains('\u{1b}'), "{table}");
        for number in 0..200 {
            agents.count(Some(&format!("agent {number}")), None);
        }
        assert_eq!(agents.0.len(), MAX_AGENTS + 1);
    }

    #[test]
    fn families_are_a_closed_set() {
        let families = [Some("logos-delivery-v0.38"), Some("go-waku"), Some("Go-http"), None].map(family);
        assert_eq!(families, ["logos-delivery", "go-waku", "other", "unknown"]);
    }
}
