//! Full peer ids for the short ones of native logs, as the report resolves them: see `node_log::peers`.

use std::collections::BTreeSet;

use super::gather::LogFacts;
use crate::{
    model::Archive,
    node_log::{PeerBook, resolve_peers},
};

/// Puts full peer ids into the native logs where they are certain. Done when all logs are read.
pub(super) fn resolve(archive: &mut Archive, logs: &mut [LogFacts]) {
    // Of the names that stood in the logs: what is resolved must not resolve others.
    let book = PeerBook::new(&archive.symbols);
    resolve_peers(archive);
    for facts in logs {
        let Some(native) = facts.native.as_deref_mut() else {
            continue;
        };
        let log = &archive.logs[facts.number];
        let own = log.header.as_ref().and_then(|header| header.peer_id);
        native.peer_id = own.map(|own| archive.symbols.name(own).to_owned());
        let mut ambiguous = BTreeSet::new();
        for peer in native.sightings.iter_mut().flat_map(|sighting| &mut sighting.peers) {
            if book.is_ambiguous(peer) {
                ambiguous.insert(peer.clone());
            } else if let Some(full) = book.only(peer) {
                archive.symbols.name(full).clone_into(peer);
            }
        }
        if native.peer_id.is_none() {
            let own = log.native.iter().flat_map(|log| &log.ambiguous_ids);
            ambiguous.extend(
                own.filter(|id| log.native.as_ref().is_some_and(|log| log.own_ids.contains(*id)))
                    .cloned(),
            );
        }
        native.ambiguous_ids = ambiguous;
        native.is_go_waku = log.native.as_ref().is_some_and(|log| log.is_go_waku());
    }
}
