//! A generated fleet with known losses, duplicates and places, told by native logs: the report gives the known answer.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up fails by panicking")]

#[path = "../benches/node_logs/generator.rs"]
mod generator;

use std::{fmt::Write as _, io::Write as _, path::Path};

use event_log::{
    Event, MessageHash, Record, Timestamp,
    event::{ClientStarted, PublishAttempt, Published, Received, Role, RunEnded, Subscribed},
};
use generator::{Plan, clock, full_id, hash_digits, short_id, write_node};
use tracer::{
    Options, Report,
    place::Place,
    trace::{Fate, Hop, Trace, render_trace, trace},
};

const PLAN: Plan = Plan {
    nodes: 8,
    messages: 40,
    relay_peers: 3,
};

/// The node the publisher is at, and the one of the receiver.
const ENTRY: u32 = 0;
const EXIT: u32 = 5;

/// The receiver's number, for its peer id.
const RECEIVER: u32 = 1000;

/// Never reached the exit node; reached it and was not pushed; was pushed and did not arrive; arrived twice.
const NOT_RELAYED: [u32; 2] = [3, 4];
const NOT_PUSHED: [u32; 1] = [10];
const NOT_ARRIVED: [u32; 3] = [20, 21, 22];
const TWICE: [u32; 2] = [30, 31];

/// Milliseconds after 2025-11-20T13:00:00Z.
fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_ns((1_763_643_600_000 + i64::try_from(ms).unwrap()) * 1_000_000)
}

fn sent_ms(message: u32) -> u64 {
    1000 + u64::from(message) * 1000
}

fn hash(message: u32) -> MessageHash {
    hash_digits(message).parse().unwrap()
}

struct Log(String);

impl Log {
    fn start(role: Role, node: &str, peer_id: &str) -> Self {
        let mut started = event_log::RunInfo::of_this_process("0.1.0").started(role, "r", node);
        started.clients = 1;
        started.boot = Some("boot".to_owned());
        let mut log = Self(String::new());
        log.log(500, started);
        let (name, peer_id) = (format!("{node}/0"), peer_id.to_owned());
        log.log(
            500,
            ClientStarted {
                client: 0,
                name,
                peer_id,
            },
        );
        log
    }

    fn log(&mut self, ms: u64, event: impl Into<Event>) {
        let record = Record {
            time: at(ms),
            event: event.into(),
        };
        self.0 += &(record.to_line().unwrap() + "\n");
    }

    fn end(mut self, path: &Path) {
        let ended = RunEnded {
            reason: "completed".to_owned(),
            counters: Default::default(),
        };
        self.log(u64::from(PLAN.messages) * 1000 + 1500, ended);
        std::fs::File::create(path)
            .unwrap()
            .write_all(self.0.as_bytes())
            .unwrap();
    }
}

fn publisher(folder: &Path) {
    let mut log = Log::start(Role::Publisher, "publisher-1", &full_id(1001));
    for message in 0..PLAN.messages {
        let (sent, acked) = (at(sent_ms(message)), at(sent_ms(message) + 20));
        let (sender, service_node) = ("publisher-1/0".to_owned(), full_id(ENTRY));
        log.log(
            sent_ms(message),
            PublishAttempt {
                sender: sender.clone(),
                index: message + 1,
                attempt: 1,
                hash: hash(message),
                size_bytes: 1000,
                service_node: service_node.clone(),
                transport: None,
                pubsub_topic: "/waku/2/rs/2/0".to_owned(),
                content_topic: "/a/1/b/proto".to_owned(),
                intended: sent,
                sent,
            },
        );
        log.log(
            sent_ms(message) + 20,
            Published {
                sender,
                index: message + 1,
                attempt: 1,
                hash: hash(message),
                size_bytes: 1000,
                service_node,
                transport: None,
                intended: sent,
                sent,
                acked,
                status: 200,
                status_text: None,
                relay_peers: Some(3),
            },
        );
    }
    log.end(&folder.join("publisher.jsonl"));
}

fn receiver(folder: &Path) {
    let mut log = Log::start(Role::Receiver, "receiver-1", &full_id(RECEIVER));
    log.log(
        600,
        Subscribed {
            client: 0,
            service_node: full_id(EXIT),
            transport: None,
            pubsub_topic: "/waku/2/rs/2/0".to_owned(),
            content_topics: 1,
            renewed: false,
        },
    );
    let lost = [&NOT_RELAYED[..], &NOT_PUSHED, &NOT_ARRIVED].concat();
    for message in (0..PLAN.messages).filter(|message| !lost.contains(message)) {
        for _ in 0..if TWICE.contains(&message) { 2 } else { 1 } {
            log.log(
                sent_ms(message) + 250,
                Received {
                    client: 0,
                    sender: "publisher-1/0".to_owned(),
                    index: message + 1,
                    attempt: Some(1),
                    hash: hash(message),
                    size_bytes: 1000,
                    service_node: full_id(EXIT),
                    transport: None,
                    content_topic: "/a/1/b/proto".to_owned(),
                    run: None,
                    intended: None,
                    sent: None,
                },
            );
        }
    }
    log.end(&folder.join("receiver.jsonl"));
}

/// The lines of a filter push of a message to `subscribers`.
fn push_lines(text: &mut String, message: u32, at_ms: u64, subscribers: &[String]) {
    let (time, hash) = (clock(at_ms), hash_digits(message));
    let list = subscribers
        .iter()
        .map(|id| format!("\\\"{id}\\\""))
        .collect::<Vec<_>>()
        .join(", ");
    let _ = writeln!(
        text,
        "NTC {time} pushing message to subscribed peers        topics=\"waku filter\" tid=7 file=protocol.nim:170 \
         pubsubTopic=/waku/2/rs/2/0 contentTopic=/a/1/b/proto payload=5a5a...5a5a target_peer_ids=\"@[{list}]\" \
         msg_hash=0x{hash}\n\
         NTC {time} pushed message succesfully to all subscribers topics=\"waku filter\" tid=7 file=protocol.nim:240 \
         pubsubTopic=/waku/2/rs/2/0 contentTopic=/a/1/b/proto msg_hash=0x{hash} numPeers={} target_peer_ids=\"@[{list}]\"",
        subscribers.len()
    );
}

fn nodes(folder: &Path) {
    let subscribers = [short_id(RECEIVER)];
    for node in 0..PLAN.nodes {
        let skips = |message| node == EXIT && NOT_RELAYED.contains(&message);
        let pushes = |message: u32, at_ms: u64, text: &mut String| {
            if node == EXIT && !NOT_PUSHED.contains(&message) {
                push_lines(text, message, at_ms + 5, &subscribers);
            }
        };
        write_node(&folder.join(format!("node-{node}.log")), PLAN, node, skips, pushes).unwrap();
    }
}

fn report(folder: &Path) -> Report {
    tracer::report(&[folder.to_owned()], &Options::default()).unwrap()
}

fn places(report: &Report) -> Vec<(Place, u64)> {
    report
        .losses_by_place
        .iter()
        .map(|place| (place.place, place.count))
        .collect()
}

#[test]
fn the_known_answer_comes_out() {
    let folder = tempfile::tempdir().unwrap();
    publisher(folder.path());
    receiver(folder.path());
    nodes(folder.path());
    let report = report(folder.path());
    let counts = report.totals.counts;
    assert_eq!(
        (counts.expected, counts.received, counts.lost, counts.duplicates),
        (40, 34, 6, 2)
    );
    let expected = [
        (Place::AckedNotRelayed, NOT_RELAYED.len() as u64),
        (Place::RelayedNotPushed, NOT_PUSHED.len() as u64),
        (Place::PushedNotReceived, NOT_ARRIVED.len() as u64),
    ];
    assert_eq!(places(&report), expected, "{:?}", report.warnings);
}

#[test]
fn what_a_log_does_not_cover_it_cannot_deny() {
    let folder = tempfile::tempdir().unwrap();
    publisher(folder.path());
    receiver(folder.path());
    nodes(folder.path());
    let exit = folder.path().join(format!("node-{EXIT}.log"));
    let text = std::fs::read_to_string(&exit).unwrap();
    let cut: String = text
        .lines()
        .take(text.lines().count() / 2)
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(&exit, cut).unwrap();
    let places = places(&report(folder.path()));
    assert!(
        places.iter().any(|(place, _)| *place == Place::UnknownNoNodeLog),
        "{places:?}"
    );
    let certain = |place: &Place| matches!(place, Place::AckedNotRelayed | Place::RelayedNotPushed);
    assert!(!places.iter().any(|(place, _)| certain(place)), "{places:?}");
}

/// The place of message `message` in report and trace when these lines stand in the exit node's log besides.
fn place_with(message: u32, lines: &[&str]) -> Option<Place> {
    let folder = tempfile::tempdir().unwrap();
    publisher(folder.path());
    receiver(folder.path());
    nodes(folder.path());
    let exit = folder.path().join(format!("node-{EXIT}.log"));
    let mut text = std::fs::read_to_string(&exit).unwrap();
    for line in lines {
        let line = line
            .replace("@H", &hash_digits(message))
            .replace("@R", &short_id(RECEIVER))
            .replace("@P", &short_id(1001));
        let _ = writeln!(text, "NTC {} {line}", clock_of(message));
    }
    std::fs::write(&exit, text).unwrap();
    let report = report(folder.path());
    let lost = &report.lost_messages.listed;
    let place = lost
        .iter()
        .find(|lost| lost.index == message + 1)
        .map(|lost| lost.place);
    assert_eq!(traced(folder.path(), message).receivers[0].place, place);
    place
}

fn clock_of(message: u32) -> String {
    clock(1_763_643_600_000 + sent_ms(message) + 500)
}

const START: &str = r#"pushing message to subscribed peers topics="waku filter" target_peer_ids="[@R]" msg_hash=0x@H"#;
const DONE: &str =
    r#"pushed message succesfully to all subscribers topics="waku filter" msg_hash=0x@H target_peer_ids="[@R]""#;
const DUPLICATE: &str = r#"duplicate message found, not-pushing message to subscribed peers topics="waku filter" target_peer_ids="[@R]" msg_hash=0x@H"#;
const TIMED_OUT: &str =
    r#"timed out pushing message to peers topics="waku filter" msg_hash=0x@H numPeers=1 target_peer_ids="[@R]""#;

#[test]
fn a_round_of_pushes_that_the_cache_took_pushed_nothing() {
    assert_eq!(
        place_with(NOT_PUSHED[0], &[DUPLICATE, DONE]),
        Some(Place::RelayedNotPushed)
    );
    assert_eq!(
        place_with(NOT_PUSHED[0], &[START, DONE]),
        Some(Place::PushedNotReceived)
    );
}

#[test]
fn a_time_out_of_several_pushes_does_not_say_which_failed() {
    let several = |line: &str| line.replace("[@R]", "[16U*wJXtuH, @R]");
    let (start, timed_out) = (several(START), several(TIMED_OUT));
    let place = |lines: &[&str]| place_with(NOT_PUSHED[0], lines).unwrap();
    assert_eq!(place(&[&start, &timed_out]), Place::UnknownNoNodeLog);
    assert_eq!(place(&[START, TIMED_OUT]), Place::RelayedNotPushed);
    assert_eq!(place(&[START]), Place::UnknownNoNodeLog, "its end is not logged");
}

#[test]
fn what_came_by_store_synchronisation_was_not_relayed() {
    let lines = [
        r#"handling message in syncMessageIngress topics="waku archive" msg_hash=0x@H"#,
        r#"message archived in syncMessageIngress topics="waku archive" msg_hash=0x@H"#,
    ];
    assert_eq!(place_with(NOT_RELAYED[0], &lines), Some(Place::AckedNotRelayed));
    let archived = r#"message archived topics="waku archive" msg_hash=0x@H"#;
    assert_eq!(place_with(NOT_RELAYED[0], &[archived]), Some(Place::RelayedNotPushed));
}

#[test]
fn a_request_that_was_not_acknowledged_is_no_proof_that_the_node_had_it() {
    let request = r#"handling lightpush request topics="waku lightpush" peer_id=@P requestId=r msg_hash=0x@H"#;
    let failed = r#"failed to push message topics="waku lightpush" error="no peers""#;
    // The entry node acknowledged it, this one did not.
    assert_eq!(
        place_with(NOT_RELAYED[0], &[request, failed]),
        Some(Place::AckedNotRelayed)
    );
}

#[test]
fn a_log_that_ends_with_the_last_message_or_is_damaged_denies_nothing() {
    let exit_log = |change: &dyn Fn(&str) -> String| {
        let folder = tempfile::tempdir().unwrap();
        publisher(folder.path());
        receiver(folder.path());
        nodes(folder.path());
        let exit = folder.path().join(format!("node-{EXIT}.log"));
        let text = std::fs::read_to_string(&exit).unwrap();
        std::fs::write(&exit, change(&text)).unwrap();
        let (of_report, of_trace) = (places(&report(folder.path())), traced_places(folder.path()));
        assert_eq!(of_report, of_trace);
        of_report
    };
    let denies = |places: &[(Place, u64)]| places.iter().any(|(place, _)| *place == Place::AckedNotRelayed);
    let unchanged = exit_log(&str::to_owned);
    assert!(denies(&unchanged), "{unchanged:?}");
    let (cut_off, last) = (clock(1_763_643_643_000), "DBG @ bye topics=\"waku node\"\n");
    let without_end = |text: &str| text[..text.trim_end().rfind('\n').unwrap() + 1].to_owned();
    let denies_when = |change: &dyn Fn(&str) -> String| denies(&exit_log(change));
    assert!(!denies_when(&|text| without_end(text) + &last.replace('@', &cut_off)));
    // Its last line was cut off; a line lost its beginning; one lost its message.
    assert!(!denies_when(&|text| text.trim_end().to_owned()));
    assert!(!denies_when(&|text| text.replacen(
        "NTC 2025-11-20 13:00:1",
        "3:00:1",
        1
    )));
    assert!(!denies_when(&|text| {
        let (before, after) = text.split_at(text.find("msg_hash=0x").unwrap());
        format!("{before}{}", &after[after.find('\n').unwrap()..])
    }));
}

#[test]
fn a_node_log_need_not_cover_another_run() {
    let folder = tempfile::tempdir().unwrap();
    publisher(folder.path());
    receiver(folder.path());
    nodes(folder.path());
    let alone = places(&report(folder.path()));
    // The publisher of a run of the next day, which the logs of the nodes do not reach.
    let path = folder.path().join("later.jsonl");
    Log::start(Role::Publisher, "publisher-1", &full_id(1002)).end(&path);
    let text = std::fs::read_to_string(&path).unwrap();
    let later = text
        .replace("2025-11-20", "2025-11-21")
        .replace("\"run\":\"r\"", "\"run\":\"s\"");
    assert_ne!(later, text);
    std::fs::write(&path, later).unwrap();
    let options = Options {
        run: Some("r".to_owned()),
        ..Options::default()
    };
    let report = tracer::report(&[folder.path().to_owned()], &options).unwrap();
    assert_eq!(places(&report), alone);
}

#[test]
fn two_peers_of_one_short_id_are_not_guessed() {
    let folder = tempfile::tempdir().unwrap();
    publisher(folder.path());
    receiver(folder.path());
    nodes(folder.path());
    let twin = full_id(RECEIVER).replace("HAmB4No", "HAmC5Pq");
    Log::start(Role::Publisher, "publisher-2", &twin).end(&folder.path().join("publisher-2.jsonl"));
    let report = report(folder.path());
    assert!(
        !places(&report)
            .iter()
            .any(|(place, _)| *place == Place::PushedNotReceived),
        "{:?}",
        places(&report)
    );
    let told = |warning: &String| warning.contains(&short_id(RECEIVER));
    assert!(report.warnings.iter().any(told), "{:?}", report.warnings);
}

#[test]
fn compressed_logs_give_the_same_answer() {
    let folder = tempfile::tempdir().unwrap();
    publisher(folder.path());
    receiver(folder.path());
    nodes(folder.path());
    let plain = report(folder.path());
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(
            format!("{}.zst", path.display()),
            zstd::encode_all(bytes.as_slice(), 3).unwrap(),
        )
        .unwrap();
        std::fs::remove_file(path).unwrap();
    }
    let compressed = report(folder.path());
    assert_eq!(
        (plain.totals.counts, places(&plain)),
        (compressed.totals.counts, places(&compressed))
    );
}

#[test]
fn the_order_of_native_lines_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    publisher(folder.path());
    receiver(folder.path());
    nodes(folder.path());
    let before = tracer::render_json(&report(folder.path()));
    for node in 0..PLAN.nodes {
        let path = folder.path().join(format!("node-{node}.log"));
        let text = std::fs::read_to_string(&path).unwrap();
        let (mut even, mut odd) = (String::new(), String::new());
        for (number, line) in text.lines().rev().enumerate() {
            let half = if number % 2 == 0 { &mut even } else { &mut odd };
            half.push_str(&format!("{line}\n"));
        }
        std::fs::write(&path, odd + &even).unwrap();
    }
    assert_eq!(tracer::render_json(&report(folder.path())), before);
}

/// `tracer logs` on these files: exit code, standard output, standard error.
fn logs(arguments: &[&Path]) -> (Option<i32>, String, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tracer"))
        .args(["logs", "--format", "json"])
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_inventory_counts_events_and_is_loud_about_silence() {
    let folder = tempfile::tempdir().unwrap();
    nodes(folder.path());
    let node = folder.path().join(format!("node-{EXIT}.log"));
    let (code, out, err) = logs(&[&node]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let log = &serde_json::from_str::<serde_json::Value>(&out).unwrap()[0];
    let received = u64::from(PLAN.messages) - NOT_RELAYED.len() as u64;
    assert_eq!(log["formats"][0], "nwaku text");
    assert_eq!(log["kinds"]["relay_received"], received);
    assert_eq!(log["kinds"]["relay_sent"], received * u64::from(PLAN.relay_peers));
    assert_eq!(log["kinds"]["filter_push_done"], received - NOT_PUSHED.len() as u64);
    assert_eq!((&log["other_lines"], &log["unknown_lines"]), (&1.into(), &0.into()));

    let silent = folder.path().join("silent.log");
    std::fs::write(
        &silent,
        "INF 2025-11-20 13:06:15.000+00:00 Starting node topics=\"waku node\"\n",
    )
    .unwrap();
    let (code, _, err) = logs(&[&node, &silent]);
    assert_eq!(code, Some(2));
    assert!(
        err.contains("WARNING: NO EVENT in") && err.contains("--log-level=DEBUG"),
        "{err}"
    );
    let (code, _, err) = logs(&[folder.path()]);
    assert_eq!(code, Some(0), "a file that was only found may be of another program");
    assert!(err.contains("NO EVENT"), "{err}");
}

fn traced(folder: &Path, message: u32) -> Trace {
    let id = format!("publisher-1/0:{}", message + 1).parse().unwrap();
    trace(&[folder.to_owned()], &id, None).unwrap()
}

/// Place of each lost message by its trace, counted as the report counts them.
fn traced_places(folder: &Path) -> Vec<(Place, u64)> {
    let mut places = std::collections::BTreeMap::new();
    for message in 0..PLAN.messages {
        let trace = traced(folder, message);
        if trace.receivers[0].fate == Fate::Lost {
            *places.entry(trace.receivers[0].place.unwrap()).or_default() += 1;
        }
    }
    places.into_iter().collect()
}

#[test]
fn a_trace_through_native_logs_agrees_with_the_report() {
    let folder = tempfile::tempdir().unwrap();
    publisher(folder.path());
    receiver(folder.path());
    nodes(folder.path());
    assert_eq!(traced_places(folder.path()), places(&report(folder.path())));
    // Without the second half of the exit node's log nothing can be denied any more.
    let exit = folder.path().join(format!("node-{EXIT}.log"));
    let text = std::fs::read_to_string(&exit).unwrap();
    std::fs::write(&exit, &text[..=text[..text.len() / 2].rfind('\n').unwrap()]).unwrap();
    assert_eq!(traced_places(folder.path()), places(&report(folder.path())));
}

#[test]
fn a_trace_tells_hops_and_pushes_of_native_logs() {
    let folder = tempfile::tempdir().unwrap();
    publisher(folder.path());
    receiver(folder.path());
    nodes(folder.path());
    let (lost, arrived) = (traced(folder.path(), NOT_ARRIVED[0]), traced(folder.path(), 0));
    fn hops(hop: &Hop) -> usize {
        1 + hop.next.iter().map(hops).sum::<usize>()
    }
    assert_eq!(lost.relays.len(), 1, "{}", render_trace(&lost));
    assert!(
        lost.relays[0].roots.iter().map(hops).sum::<usize>() > 2,
        "{}",
        render_trace(&lost)
    );
    let told = |trace: &Trace, event: &str| trace.events.iter().filter(|e| e.event == event).count();
    assert_eq!((told(&lost, "filter_push_done"), told(&lost, "received")), (1, 0));
    assert_eq!((told(&arrived, "filter_push_done"), told(&arrived, "received")), (1, 1));
    assert!(told(&arrived, "relay_received") > 1);
    let push = arrived.events.iter().find(|e| e.event == "filter_push_done").unwrap();
    assert_eq!(
        (push.who.as_str(), push.what.as_str()),
        ("node-5", "ends its pushes to receiver-1/0")
    );
    assert!(lost.receivers[0].missing.is_empty(), "{:?}", lost.receivers[0].missing);
    assert!(
        lost.notes.iter().any(|note| note.contains("native logs may be off")),
        "{:?}",
        lost.notes
    );
}

#[test]
fn a_trace_tells_the_reason_of_a_refusal_and_messages_of_the_rest_api() {
    let folder = tempfile::tempdir().unwrap();
    publisher(folder.path());
    let (time, hash) = (clock_of(7), hash_digits(7));
    let text = format!(
        "NTC {time} received relay message topics=\"waku relay\" my_peer_id=16U*GiNg1a msg_hash=0x{hash} from_peer_id=rest\n\
         TRC {time} invalid message topics=\"waku archive\" msg_hash=0x{hash} error=\"too old\"\n"
    );
    std::fs::write(folder.path().join("nwaku.log"), text).unwrap();
    let trace = traced(folder.path(), 7);
    let told: Vec<&str> = trace.events.iter().map(|event| event.what.as_str()).collect();
    assert!(told.contains(&"gets it over its REST API"), "{told:?}");
    assert!(told.contains(&"does not store it: too old"), "{told:?}");
}

#[test]
fn a_message_is_found_by_its_hash_in_native_logs_alone() {
    let folder = tempfile::tempdir().unwrap();
    nodes(folder.path());
    let id = hash_digits(7)[..12].parse().unwrap();
    let trace = trace(&[folder.path().to_owned()], &id, None).unwrap();
    assert_eq!((trace.hashes.len(), trace.sender.as_deref()), (1, None));
    assert!(
        trace.events.len() > 3 && trace.zero.unix_ns() > 0,
        "{}",
        render_trace(&trace)
    );
    assert!(trace.events.iter().all(|event| event.since_zero_ns >= 0));
}
