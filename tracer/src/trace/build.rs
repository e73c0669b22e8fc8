//! Puts the life of a message together.

use std::collections::BTreeMap;

use event_log::{Event, MessageHash, Timestamp, event::Role};

use super::{
    evidence::Evidence,
    explain::Explainer,
    find::Found,
    gather::LogFacts,
    model::{AttemptHash, Fate, ReceiverFate, TRACE_VERSION, Trace, TraceEvent},
    names::Names,
    receivers::{Client, clients},
    relay,
    timeline::{Teller, Told, short_hash},
};
use crate::{
    clock::{ClockBounds, Clocks, Observer, clock_key},
    units::{show_count, show_ns},
};

/// The life of the message `found` as `logs` tell it.
pub(super) fn build(found: &Found, mut logs: Vec<LogFacts>) -> Trace {
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
    let evidence = Evidence::new(logs);
    let clients = clients(logs, &evidence.published);
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

/// What the publisher says of the message.
#[derive(Default)]
struct About {
    intended: Option<Timestamp>,
    size_bytes: Option<u64>,
    content_topic: Option<String>,
    attempts: BTreeMap<MessageHash, std::collections::BTreeSet<u32>>,
}

impl About {
    fn new(logs: &[LogFacts]) -> Self {
        let mut about = Self::default();
        let records = |role| {
            logs.iter()
                .filter(move |log| log.role() == Some(role))
                .flat_map(|log| &log.records)
        };
        for record in records(Role::Publisher) {
            let (intended, size_bytes, hash, attempt) = match &record.event {
                Event::PublishAttempt(e) => {
                    about.content_topic.get_or_insert_with(|| e.content_topic.clone());
                    (e.intended, e.size_bytes, e.hash, e.attempt)
                }
                Event::Published(e) => (e.intended, e.size_bytes, e.hash, e.attempt),
                Event::PublishFailed(e) => (e.intended, e.size_bytes, e.hash, e.attempt),
                _ => continue,
            };
            about.intended = Some(about.intended.map_or(intended, |known| known.min(intended)));
            about.size_bytes.get_or_insert(size_bytes);
            about.attempts.entry(hash).or_default().insert(attempt);
        }
        for record in records(Role::Receiver) {
            if let Event::Received(e) = &record.event {
                about.intended = about.intended.or(e.intended);
                about.size_bytes.get_or_insert(e.size_bytes);
                about.content_topic.get_or_insert_with(|| e.content_topic.clone());
            }
        }
        about
    }

    fn hashes(&self, found: &Found) -> Vec<AttemptHash> {
        let mut hashes: Vec<AttemptHash> = found
            .hashes
            .iter()
            .map(|hash| AttemptHash {
                hash: *hash,
                attempts: self.attempts.get(hash).into_iter().flatten().copied().collect(),
            })
            .collect();
        hashes.sort_by(|a, b| (&a.attempts, a.hash).cmp(&(&b.attempts, b.hash)));
        hashes
    }
}

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

fn first_moment(logs: &[LogFacts]) -> Option<Timestamp> {
    let records = logs.iter().flat_map(|log| &log.records);
    records
        .filter(|record| is_of_message(&record.event))
        .map(|record| record.time)
        .min()
}

fn bounds(logs: &[LogFacts]) -> ClockBounds {
    let mut observer = Observer::default();
    for log in logs {
        let mut clock = observer.log(&log.path, log.header.as_deref());
        log.records
            .iter()
            .for_each(|record| observer.client(&mut clock, record));
        log.records.iter().for_each(|record| observer.add(&clock, record));
    }
    observer.finish()
}

/// The key of the clock of a log.
fn key(log: &LogFacts) -> String {
    clock_key(log.header.as_ref().and_then(|header| header.boot.as_deref()), &log.path)
}

fn events(
    logs: &[LogFacts],
    names: &Names,
    clients: &[Client<'_>],
    found: &Found,
    zero: Timestamp,
    bounds: &ClockBounds,
) -> Vec<TraceEvent> {
    // The clock that time 0 goes by.
    let tells = |log: &&LogFacts| log.records.iter().any(|record| is_of_message(&record.event));
    let zero_log = logs
        .iter()
        .filter(tells)
        .find(|log| log.role() == Some(Role::Publisher))
        .or_else(|| logs.iter().find(tells));
    let clocks =
        |log: &LogFacts| zero_log.map_or(Clocks::Unknown, |zero_log| bounds.between(&key(zero_log), &key(log)));
    let mut events = Vec::new();
    let mut add = |log: &LogFacts, told: Told| {
        events.push(TraceEvent {
            since_zero_ns: told.at.since_ns(zero),
            at: told.at,
            who: told.who,
            event: told.event,
            what: told.what,
            log: log.path.clone(),
            clocks: clocks(log),
        });
    };
    for log in logs {
        let teller = Teller {
            names,
            log,
            name_hashes: found.hashes.len() > 1,
        };
        log.records
            .iter()
            .flat_map(|record| teller.tell(record))
            .for_each(|told| add(log, told));
        if let Some(told) = torn(log) {
            add(log, told);
        }
    }
    for client in clients {
        arrivals(client, names, found.hashes.len() > 1)
            .into_iter()
            .for_each(|told| add(client.log, told));
    }
    let last = events
        .iter()
        .filter(|e| e.event != "torn")
        .map(|e| e.at)
        .max()
        .unwrap_or(zero);
    for client in clients {
        for told in gaps(client, zero, last) {
            let log = client.log;
            events.push(TraceEvent {
                since_zero_ns: told.at.since_ns(zero),
                at: told.at,
                who: told.who,
                event: told.event,
                what: told.what,
                log: log.path.clone(),
                clocks: clocks(log),
            });
        }
    }
    events.sort_by(|a, b| (a.at, &a.who, a.event, &a.what, &a.log).cmp(&(b.at, &b.who, b.event, &b.what, &b.log)));
    events
}

fn torn(log: &LogFacts) -> Option<Told> {
    let header = log.header.as_ref()?;
    let at = log.last.filter(|_| log.ended.is_none())?;
    Some(Told {
        at,
        who: header.node.clone(),
        event: "torn",
        what: "its log breaks off here, without an end".to_owned(),
    })
}

fn arrivals(client: &Client<'_>, names: &Names, name_hashes: bool) -> Vec<Told> {
    let mut told = Vec::new();
    for (number, arrival) in client.arrivals.iter().enumerate() {
        let earlier = &client.arrivals[..number];
        let from = names.of(arrival.service_node);
        let hash = if name_hashes {
            format!(" ({})", short_hash(arrival.hash))
        } else {
            String::new()
        };
        let age = |first: &super::receivers::Arrival<'_>| show_ns(arrival.at.since_ns(first.at));
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
        });
    }
    for stranger in &client.strangers {
        let from = names.of(stranger.service_node);
        told.push(Told {
            at: stranger.at,
            who: client.name.clone(),
            event: "received",
            what: format!(
                "receives from {from} what claims to be it, of a hash no publisher log knows: {}",
                stranger.hash
            ),
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

fn summary(receivers: &[ReceiverFate], evidence: &Evidence<'_>) -> String {
    let count = |fate: Fate| receivers.iter().filter(|r| r.fate == fate).count() as u64;
    let (received, lost) = (count(Fate::Received), count(Fate::Lost));
    let repeats: usize = receivers.iter().map(|r| r.repeats.len()).sum();
    let all = show_count(receivers.len() as u64, "receiver");
    let sent = match (evidence.attempted, evidence.acked.is_empty()) {
        (true, false) => "Acknowledged",
        (true, true) => "Never acknowledged",
        (false, _) => "Known to no publisher log",
    };
    let mut text = if receivers.is_empty() {
        format!("{sent}; there is no receiver log")
    } else {
        format!("{sent}; received by {received} of {all}")
    };
    if lost > 0 {
        let names = receivers.iter().filter(|r| r.fate == Fate::Lost).map(|r| {
            let place = r.place.map_or("", crate::place::Place::describe);
            format!("{} ({place})", r.receiver)
        });
        text.push_str(&format!("; LOST at {}", crate::select::list(names)));
    }
    if repeats > 0 {
        text.push_str(&format!("; {} after the first", show_count(repeats as u64, "arrival")));
    }
    text
}

fn notes(trace: &Trace, logs: &[LogFacts]) -> Vec<String> {
    let mut notes = Vec::new();
    if trace.events.iter().any(|event| event.clocks != Clocks::Same) {
        notes.push(
            "The events are of several clocks, and each stands at the time its own clock showed; the clock column says \
             how far a clock is ahead of the publisher's, as far as the logs bound it."
                .to_owned(),
        );
    }
    for log in logs.iter().filter(|log| log.last.is_none()) {
        notes.push(format!(
            "{} holds no event of ours; native logs of service nodes are not traced",
            log.path
        ));
    }
    for log in logs.iter().filter(|log| log.unreadable > 0 && log.last.is_some()) {
        let lines = show_count(log.unreadable, "line");
        notes.push(format!(
            "{}: {lines} could not be read and may have told of this message",
            log.path
        ));
    }
    notes
}
