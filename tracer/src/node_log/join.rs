//! Makes a service node's log of a native log, so that it counts as evidence like one of ours.

use std::{
    io::{self, BufRead},
    path::Path,
};

use event_log::event::Role;

use super::{
    facts::bit,
    read::{NodeLog, read_node_log},
};
use crate::{
    hashes::Hashes,
    model::{Header, LineCounts, Log, NodeFact, NodeFactKind},
    symbols::Symbols,
};

/// Reads a native log into a [`Log`].
pub(crate) fn load_native(
    symbols: &mut Symbols,
    hashes: &mut Hashes,
    path: &str,
    meant: bool,
    input: impl BufRead,
) -> io::Result<Log> {
    let mut native = read_node_log(input)?;
    let mut node_facts = Vec::new();
    let mut facts = std::mem::take(&mut native.facts);
    let ids: Vec<_> = facts.messages().map(|(hash, _)| hashes.intern(*hash)).collect();
    let peers: Vec<_> = facts.peers.iter().map(|peer| symbols.intern(peer)).collect();
    let kinds = [
        (bit::REQUESTED, NodeFactKind::Requested),
        (bit::RECEIVED, NodeFactKind::RelayReceived),
        (bit::SENT, NodeFactKind::RelaySent),
        (bit::PRESENT, NodeFactKind::Present),
    ];
    for (hash, (_, bits)) in ids.iter().zip(facts.messages()) {
        let marked = kinds.iter().filter(|(bit, _)| bits & bit != 0);
        node_facts.extend(marked.map(|(_, kind)| NodeFact {
            hash: *hash,
            kind: *kind,
            peer: None,
        }));
    }
    node_facts.extend(facts.pushes().filter_map(|(row, peer, lines)| {
        Some(NodeFact {
            hash: ids[row as usize],
            kind: NodeFactKind::from(lines.end()?),
            peer: Some(peers[peer as usize]),
        })
    }));
    // Known to all logs: a subscriber list of another node may name this one by its short id.
    native.own_full_ids.iter().for_each(|id| {
        symbols.intern(id);
    });
    Ok(Log {
        path: path.to_owned(),
        meant,
        header: Some(header(path, native.first_ns.unwrap_or_default())),
        last_ns: native.last_ns,
        lines: LineCounts {
            events: native.events(),
            other_text: native.unknown_lines,
            not_an_event: native.event_log_lines,
            damaged: native.damaged_lines(),
            torn_line: native.torn,
            ..LineCounts::default()
        },
        node_facts,
        native: Some(Box::new(native)),
        ..Log::default()
    })
}

fn header(path: &str, started_ns: i64) -> Header {
    let name = Path::new(path)
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    Header {
        role: Role::ServiceNode,
        run: String::new(),
        node: name.unwrap_or_else(|| path.to_owned()),
        host: String::new(),
        boot: None,
        version: String::new(),
        clients: 0,
        peer_id: None,
        messages: None,
        interval_ns: None,
        expect_publishers: None,
        expect_receivers: None,
        clock_error_ns: None,
        started_ns,
    }
}

/// How long after the publishers' last event a log must still speak: a message needs its time from node to node. It is the
/// time after which an arrival is late (`--late-after`) when nothing else is asked for.
const PROPAGATION_NS: i64 = 5_000_000_000;

/// Whether a native log speaks of all the time from `from_ns` to `until_ns`, and of the time the last message then needs.
/// It has no mark of its end, so that is the only sign that nothing is missing.
pub(crate) fn covers(native: &NodeLog, from_ns: i64, until_ns: i64) -> bool {
    let until_ns = until_ns.saturating_add(PROPAGATION_NS);
    native.event_log_lines == 0
        && native.damaged_lines() == 0
        && !native.torn
        && native.first_ns.is_some_and(|first_ns| first_ns <= from_ns)
        && native.last_ns.is_some_and(|last_ns| last_ns >= until_ns)
}
