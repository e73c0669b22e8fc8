//! What a native log proves about the message, by the same rules as in the report.

use std::collections::{BTreeMap, BTreeSet};

use event_log::{MessageHash, event::PushOutcome};

use super::{
    evidence::{NodeLog, Push},
    gather::LogFacts,
    native::{Native, Sighting, What},
};
use crate::node_log::{self, PushEnd, PushLines, Shows, covers};

/// All that a native log says of the pushes of each hash to each subscriber, and the last line of it.
fn native_pushes(native: &Native) -> BTreeMap<(MessageHash, &str), (PushLines, &Sighting)> {
    let mut pushes: BTreeMap<(MessageHash, &str), (PushLines, &Sighting)> = BTreeMap::new();
    for sighting in &native.sightings {
        let Some(lines) = sighting.push else { continue };
        for peer in &sighting.peers {
            let known = pushes.entry((sighting.hash, peer)).or_insert((lines, sighting));
            *known = (known.0.and(lines), sighting);
        }
    }
    pushes
}

/// What the log of a node proves, `whole` being all that it says. `acked` are the hashes the node acknowledged.
pub(super) fn native_log<'a>(
    log: &'a LogFacts,
    native: &'a Native,
    whole: Option<&node_log::NodeLog>,
    (from_ns, until_ns): (i64, i64),
    acked: &BTreeSet<MessageHash>,
) -> NodeLog<'a> {
    let sightings = || native.sightings.iter();
    let (mut pushes, mut unclear) = (Vec::new(), BTreeSet::new());
    for ((_, peer), (lines, last)) in native_pushes(native) {
        let outcome = match lines.end() {
            Some(PushEnd::WentWell) => PushOutcome::Ok,
            Some(PushEnd::Failed) if last.what == What::PushTimedOut => PushOutcome::TimedOut,
            Some(PushEnd::Failed) => PushOutcome::Failed,
            Some(PushEnd::Unclear) => {
                unclear.insert(peer);
                continue;
            }
            None => continue,
        };
        pushes.push(Push {
            at: last.at,
            peer,
            outcome,
            error: last.reason.as_deref(),
        });
    }
    let is_proof = |s: &&Sighting| s.what.had() && (s.what != What::Requested || acked.contains(&s.hash));
    NodeLog {
        peer_id: log.peer_id(),
        log,
        had: sightings().filter(is_proof).map(|s| s.at).min(),
        pushes,
        unclear,
        shows: whole
            .filter(|whole| covers(whole, from_ns, until_ns))
            .map_or(Shows::NOTHING, |whole| whole.shows),
    }
}
