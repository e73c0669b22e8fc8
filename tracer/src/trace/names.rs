//! Peer ids become the names people know.

use std::collections::BTreeMap;

use event_log::Event;

use super::{gather::LogFacts, receivers::ServiceNode};

/// Characters shown of a peer id without name: its end, because all begin alike.
const TAIL_CHARS: usize = 8;

/// The names of the peers that the logs introduce.
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    pub(super) fn new(logs: &[LogFacts]) -> Self {
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        // Of two names of one peer the smaller: any rule will do that does not depend on the order of files.
        let mut add = |peer_id: &str, name: &str| {
            let kept = names.entry(peer_id.to_owned()).or_insert_with(|| name.to_owned());
            if name < kept.as_str() {
                name.clone_into(kept);
            }
        };
        for log in logs {
            if let (Some(peer_id), Some(node)) = (log.peer_id(), log.node()) {
                add(peer_id, node);
            }
            for record in &log.records {
                if let Event::ClientStarted(client) = &record.event {
                    add(&client.peer_id, &client.name);
                }
            }
        }
        Self(names)
    }

    /// The name of a peer, or the end of its id.
    pub(super) fn of(&self, peer_id: &str) -> String {
        self.0.get(peer_id).cloned().unwrap_or_else(|| {
            // nwaku's own short form is short enough, and what its users search for.
            if peer_id.contains('*') {
                return peer_id.to_owned();
            }
            let skip = peer_id.chars().count().saturating_sub(TAIL_CHARS);
            let tail: String = peer_id.chars().skip(skip).collect();
            if skip == 0 { tail } else { format!("…{tail}") }
        })
    }

    /// The name of a service node, and how it is spoken to where that is not libp2p.
    pub(super) fn of_service(&self, node: ServiceNode<'_>) -> String {
        let name = self.of(node.peer);
        if node.is_rest { name + " over REST" } else { name }
    }

    /// Several names, `nobody` when there are none.
    pub(super) fn list(&self, peer_ids: &[String]) -> String {
        if peer_ids.is_empty() {
            return "nobody".to_owned();
        }
        let mut names: Vec<String> = peer_ids.iter().map(|peer| self.of(peer)).collect();
        names.sort();
        crate::select::list(names)
    }
}
