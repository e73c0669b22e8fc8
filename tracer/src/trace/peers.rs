//! Full peer ids for the short ones of native logs, as the report resolves them: see `node_log::peers`.

use event_log::Event;

use super::gather::LogFacts;
use crate::{
    node_log::{PeerBook, own_id},
    symbols::Symbols,
};

/// Puts full peer ids into the native logs where they are certain. Done when all logs are read.
pub(super) fn resolve(logs: &mut [LogFacts]) {
    if logs.iter().all(|log| log.native.is_none()) {
        return;
    }
    let mut symbols = Symbols::default();
    logs.iter().for_each(|log| collect(log, &mut symbols));
    let book = PeerBook::new(&symbols);
    for native in logs.iter_mut().filter_map(|log| log.native.as_deref_mut()) {
        let mut ambiguous = std::mem::take(&mut native.log.ambiguous_ids);
        let own = own_id(&native.log, &book, &mut symbols, &mut ambiguous);
        native.peer_id = own.map(|own| symbols.name(own).to_owned());
        for peer in native.sightings.iter_mut().flat_map(|sighting| &mut sighting.peers) {
            if book.is_ambiguous(peer) {
                ambiguous.insert(peer.clone());
            } else if let Some(full) = book.only(peer) {
                symbols.name(full).clone_into(peer);
            }
        }
        native.log.ambiguous_ids = ambiguous;
    }
}

/// Every peer that a log names in full.
fn collect(log: &LogFacts, symbols: &mut Symbols) {
    let mut add = |peer: &str| {
        symbols.intern(peer);
    };
    log.peer_id().into_iter().for_each(&mut add);
    if let Some(native) = &log.native {
        native.log.own_full_ids.iter().for_each(|peer| add(peer));
        native.log.own_ids.iter().for_each(|peer| add(peer));
        native
            .sightings
            .iter()
            .flat_map(|sighting| &sighting.peers)
            .for_each(|peer| add(peer));
    }
    for record in &log.records {
        match &record.event {
            Event::ClientStarted(e) => add(&e.peer_id),
            Event::Connected(e) => add(&e.service_node),
            Event::Subscribed(e) => add(&e.service_node),
            Event::Published(e) => add(&e.service_node),
            Event::PublishAttempt(e) => add(&e.service_node),
            Event::Received(e) => add(&e.service_node),
            Event::FilterHandled(e) => add(&e.peer),
            Event::FilterExpired(e) => add(&e.peer),
            Event::FilterPushed(e) => add(&e.peer),
            Event::LightpushHandled(e) => add(&e.peer),
            Event::RelayReceived(e) => add(&e.from_peer),
            Event::RelaySent(e) => e.to_peers.iter().for_each(|peer| add(peer)),
            _ => {}
        }
    }
}
