//! The time line: what every log says, in the order of time, each by its own clock.

use event_log::{Event, Timestamp, event::Role};

use super::{
    find::Found,
    gather::LogFacts,
    model::TraceEvent,
    names::Names,
    receivers::{Arrival, Client},
    timeline::{Teller, Told, short_hash},
};
use crate::{
    clock::{ClockBounds, Clocks, clock_key},
    units::show_ns,
};

fn is_of_message(event: &Event) -> bool {
    !matches!(
        event,
        Event::ClientStarted(_)
            | Event::Connected(_)
            | Event::Subscribed(_)
            | Event::PresenceLost(_)
            | Event::PresenceRestored(_)
            | Event::FilterExpired(_)
            | Event::FilterHandled(_)
    )
}

pub(super) fn first_moment(logs: &[LogFacts]) -> Option<Timestamp> {
    let records = logs.iter().flat_map(|log| &log.records);
    let native = logs.iter().filter_map(|log| log.native.as_ref());
    records
        .filter(|record| is_of_message(&record.event))
        .map(|record| record.time)
        .chain(native.flat_map(|native| native.sightings.iter().map(|sighting| sighting.at)))
        .min()
}

/// The key of the clock of a log.
fn key(log: &LogFacts) -> String {
    clock_key(log.header.as_ref().and_then(|header| header.boot.as_deref()), &log.path)
}

/// The time line of the message `found`.
pub(super) fn events(
    logs: &[LogFacts],
    names: &Names,
    clients: &[Client<'_>],
    found: &Found,
    zero: Timestamp,
    bounds: &ClockBounds,
) -> Vec<TraceEvent> {
    // The clock that time 0 goes by.
    let tells = |log: &&LogFacts| {
        let native = log.native.as_ref();
        log.records.iter().any(|record| is_of_message(&record.event))
            || native.is_some_and(|native| !native.sightings.is_empty())
    };
    let zero_log = logs
        .iter()
        .filter(tells)
        .find(|log| log.role() == Some(Role::Publisher))
        .or_else(|| logs.iter().find(tells));
    let clocks =
        |log: &LogFacts| zero_log.map_or(Clocks::Unknown, |zero_log| bounds.between(&key(zero_log), &key(log)));
    let event = |log: &LogFacts, told: Told| TraceEvent {
        since_zero_ns: told.at.since_ns(zero),
        at: told.at,
        who: told.who,
        event: told.event,
        what: told.what,
        transport: told.transport,
        log: log.path.clone(),
        clocks: clocks(log),
    };
    let mut events = Vec::new();
    for log in logs {
        let teller = Teller {
            names,
            log,
            name_hashes: found.hashes.len() > 1,
        };
        let told = log.records.iter().flat_map(|record| teller.tell(record));
        let told = told.chain(teller.tell_native());
        let told = told.chain(torn(log).filter(|_| !came_back(log, logs, zero)));
        events.extend(told.map(|told| event(log, told)));
    }
    for client in clients {
        let told = arrivals(client, names, found.hashes.len() > 1);
        events.extend(told.into_iter().map(|told| event(client.log, told)));
    }
    let last = events
        .iter()
        .filter(|e| e.event != "torn")
        .map(|e| e.at)
        .max()
        .unwrap_or(zero);
    for client in clients {
        let told = gaps(client, zero, last);
        events.extend(told.into_iter().map(|told| event(client.log, told)));
    }
    events.sort_by(|a, b| (a.at, &a.who, a.event, &a.what, &a.log).cmp(&(b.at, &b.who, b.event, &b.what, &b.log)));
    events
}

/// Whether its node began another log before the message: then it says nothing of the message that the first one breaks off.
fn came_back(log: &LogFacts, logs: &[LogFacts], zero: Timestamp) -> bool {
    let is_later = |other: &LogFacts| other.started > log.last && other.started.is_some_and(|started| started <= zero);
    let is_of_same = |other: &LogFacts| (other.role(), other.node()) == (log.role(), log.node());
    logs.iter().any(|other| is_later(other) && is_of_same(other))
}

fn torn(log: &LogFacts) -> Option<Told> {
    let header = log.header.as_ref()?;
    let at = log.last.filter(|_| log.ended.is_none())?;
    Some(Told {
        at,
        who: header.node.clone(),
        event: "torn",
        what: "its log breaks off here, without an end".to_owned(),
        transport: None,
    })
}

fn arrivals(client: &Client<'_>, names: &Names, name_hashes: bool) -> Vec<Told> {
    let mut told = Vec::new();
    for (number, arrival) in client.arrivals.iter().enumerate() {
        let earlier = &client.arrivals[..number];
        let from = names.of_service(arrival.service_node);
        let hash = if name_hashes {
            format!(" ({})", short_hash(arrival.hash))
        } else {
            String::new()
        };
        let age = |first: &Arrival<'_>| show_ns(arrival.at.since_ns(first.at));
        let what = match (earlier.iter().find(|known| known.hash == arrival.hash), earlier.first()) {
            (Some(first), _) => format!("RECEIVES IT AGAIN from {from}{hash}: a duplicate, {} old", age(first)),
            (None, Some(first)) => format!(
                "RECEIVES A TWIN from {from}{hash}: another attempt, {} later",
                age(first)
            ),
            (None, None) => format!("RECEIVES it from {from}{hash}"),
        };
        told.push(Told {
            at: arrival.at,
            who: client.name.clone(),
            event: "received",
            what,
            transport: arrival.transport,
        });
    }
    for stranger in &client.strangers {
        let from = names.of_service(stranger.service_node);
        told.push(Told {
            at: stranger.at,
            who: client.name.clone(),
            event: "received",
            what: format!(
                "receives from {from} what claims to be it, of a hash no publisher log knows: {}",
                stranger.hash
            ),
            transport: stranger.transport,
        });
    }
    told
}

/// The gaps of presence that touch the life of the message.
fn gaps(client: &Client<'_>, from: Timestamp, to: Timestamp) -> Vec<Told> {
    let told = |at, event, what| Told {
        at,
        who: client.name.clone(),
        event,
        what,
        transport: None,
    };
    let mut lines = Vec::new();
    for gap in client.gaps.iter().filter(|gap| gap.overlaps(from, to)) {
        let reason = if gap.reason.is_empty() {
            String::new()
        } else {
            format!(": {}", gap.reason)
        };
        lines.push(told(
            gap.since,
            "presence_lost",
            format!("has no live subscription from here on{reason}"),
        ));
        if let Some(until) = gap.until {
            lines.push(told(until, "presence_restored", "is subscribed again".to_owned()));
        }
    }
    lines
}
