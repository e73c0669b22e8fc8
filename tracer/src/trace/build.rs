//! Puts the life of a message together.

use event_log::{Event, Timestamp, event::Role};

use super::{
    about::About,
    events::{events, first_moment},
    evidence::Evidence,
    explain::Explainer,
    find::Found,
    gather::{Gathered, LogFacts},
    judged::Judged,
    model::{ReceiverFate, TRACE_VERSION, Trace},
    names::Names,
    receivers::clients,
    relay,
    words::{notes, summary},
};
use crate::clock::{Author, ClockBounds, Observer};

/// The life of the message `found` as `logs` tell it.
pub(super) fn build(found: &Found, gathered: Gathered) -> Trace {
    let Gathered { archive, mut logs } = gathered;
    let run = found.numbered.as_ref().and_then(|numbered| numbered.run.as_deref());
    // Service nodes may outlive a run; what they know is found by hash.
    logs.retain(|log| {
        let of_run = |its: &str| run.is_none_or(|run| run == its);
        log.header
            .as_ref()
            .is_none_or(|header| header.role == Role::ServiceNode || of_run(&header.run))
    });
    let logs = logs.as_slice();
    let names = Names::new(logs);
    let about = About::new(logs);
    let zero = about
        .intended
        .or_else(|| first_moment(logs))
        .unwrap_or(Timestamp::from_unix_ns(0));
    let judged = Judged::new(&archive, logs, found.numbered.as_ref());
    let evidence = Evidence::new(&archive, logs, judged.time_of_run);
    let clients = clients(&archive, logs, &judged, &evidence.published);
    let explainer = Explainer {
        names: &names,
        evidence: &evidence,
        zero,
        intended: about.intended,
    };
    let receivers: Vec<ReceiverFate> = clients.iter().map(|client| explainer.fate(client)).collect();
    let mut trace = Trace {
        trace_version: TRACE_VERSION,
        summary: summary(&receivers, &evidence),
        run: run.map(str::to_owned),
        sender: found.numbered.as_ref().map(|numbered| numbered.sender.clone()),
        index: found.numbered.as_ref().map(|numbered| numbered.index),
        hashes: about.hashes(found),
        size_bytes: about.size_bytes,
        content_topic: about.content_topic.clone(),
        intended: about.intended,
        zero,
        events: Vec::new(),
        relays: found
            .hashes
            .iter()
            .filter_map(|hash| relay::tree(logs, &names, *hash, zero))
            .collect(),
        receivers,
        notes: Vec::new(),
    };
    let bounds = bounds(logs);
    trace.events = events(logs, &names, &clients, found, zero, &bounds);
    trace.notes = notes(&trace, logs);
    trace
}
fn bounds(logs: &[LogFacts]) -> ClockBounds {
    let mut observer = Observer::default();
    for log in logs {
        let header = log.header.as_deref();
        let mut clock = observer.log(Author {
            path: &log.path,
            boot: header.and_then(|header| header.boot.as_deref()),
            own: log.peer_id(),
            clock_error_ns: header.and_then(|header| header.clock_error_ns),
            is_native: log.native.is_some(),
        });
        for record in &log.records {
            if let Event::ClientStarted(e) = &record.event {
                clock.client(e.client, &e.peer_id);
            }
        }
        log.records.iter().for_each(|record| observer.add(&clock, record));
        for sighting in log.native.iter().flat_map(|native| &native.sightings) {
            let peer = sighting.peers.first().filter(|peer| !peer.contains('*'));
            if let Some(moment) = sighting.moment {
                observer.add_native(&clock, Some(sighting.hash), moment, peer.map(String::as_str));
            }
        }
    }
    observer.finish()
}
