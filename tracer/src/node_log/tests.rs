//! Single lines of every generation, in every wrapper.

use event_log::MessageHash;
use proptest::prelude::*;

use super::{
    Format, LineParser, NodeEventKind, Parsed, TimeQuality, looks_native, parse_line, read_node_log,
    samples::{GO_WAKU, H, NWAKU, Sample, line},
};

fn hash() -> MessageHash {
    H.parse().unwrap()
}

fn check(parser: &mut LineParser, line: &str, sample: &Sample) {
    let parsed = parser.parse(line.as_bytes());
    let Parsed::Node { event: Some(event), .. } = parsed else {
        panic!("{parsed:?}: {line}")
    };
    assert_eq!(event.kind.name(), sample.kind, "{line}");
    assert_eq!(event.hash, sample.has_hash.then(hash), "{line}");
}

type Wrapper<'a> = &'a dyn Fn(&str) -> String;

#[test]
fn lines_of_every_generation_are_recognised() {
    let mut parser = LineParser::default();
    for sample in NWAKU.iter().chain(GO_WAKU) {
        check(&mut parser, &line(sample), sample);
    }
}

#[test]
fn lines_of_every_generation_are_recognised_in_every_wrapper() {
    let json = |text: &str| serde_json::to_string(text).unwrap();
    let wrappers: [(&str, Wrapper<'_>); 8] = [
        ("docker", &|text| {
            format!(
                r#"{{"log":{},"stream":"stdout","time":"2025-11-20T13:06:16Z"}}"#,
                json(&format!("{text}\n"))
            )
        }),
        ("CRI", &|text| format!("2025-11-20T13:06:16.015123456Z stdout F {text}")),
        ("kubectl", &|text| format!("[pod/nodes-0/container] {text}")),
        ("compose", &|text| format!("nwaku-1  | {text}")),
        ("syslog", &|text| {
            format!("Nov 20 13:06:16 host docker/nim-waku[865]: {text}")
        }),
        ("VictoriaLogs", &|text| {
            format!(
                r#"{{"_time":"2025-11-20T13:06:16Z","_stream":"{{}}","_msg":{}}}"#,
                json(text)
            )
        }),
        ("VictoriaLogs of docker", &|text| {
            let docker = format!(
                r#"{{"log":{},"stream":"stdout"}}"#,
                json(&format!("\u{1b}[1m{text}\u{1b}[0m\n"))
            );
            format!(r#"{{"_msg":{}}}"#, json(&docker))
        }),
        ("colours", &|text| {
            text.replacen(' ', "\u{1b}[0m ", 3).replace('=', "\u{1b}[0m=\u{1b}[94m") + "\u{1b}[0m"
        }),
    ];
    let mut parser = LineParser::default();
    for sample in NWAKU.iter().chain(GO_WAKU) {
        for (name, wrap) in &wrappers {
            let bare = line(sample);
            // Nobody colours JSON, and a topic may hold an equals sign there.
            if *name != "colours" || !bare.starts_with('{') {
                check(&mut parser, &wrap(&bare), sample);
            }
        }
    }
}

#[test]
fn an_explicit_time_beats_the_time_of_the_line() {
    let mut parser = LineParser::default();
    let sample = NWAKU.iter().find(|sample| sample.line.contains("+02:00")).unwrap();
    let text = line(sample);
    let Parsed::Node {
        event: Some(event),
        line_ns,
        ..
    } = parser.parse(text.as_bytes())
    else {
        panic!()
    };
    assert_eq!(
        (event.at_ns, event.quality),
        (1_763_643_976_015_000_064, TimeQuality::Float256Ns)
    );
    let expected: event_log::Timestamp = "2026-01-20T13:06:16.015Z".parse().unwrap();
    assert_eq!(line_ns, expected.unix_ns());
    let without = text.replace("sentTime", "otherTime");
    let Parsed::Node { event: Some(event), .. } = parser.parse(without.as_bytes()) else {
        panic!()
    };
    assert_eq!((event.at_ns, event.quality), (line_ns, TimeQuality::Coarse4Ms));
}

#[test]
fn peers_and_topics_come_with_the_event() {
    let mut parser = LineParser::default();
    let text = line(NWAKU.iter().find(|sample| sample.line.contains("some(\\\"")).unwrap());
    let Parsed::Node {
        format,
        event: Some(event),
        ..
    } = parser.parse(text.as_bytes())
    else {
        panic!()
    };
    let NodeEventKind::Lightpush { peer, request_id } = event.kind else {
        panic!("{event:?}")
    };
    assert_eq!(format, Format::NwakuText);
    assert_eq!((peer.first(), request_id), (Some("16U*wJXtuH"), Some("d5c2")));
    assert_eq!(
        (event.my_peer_id, event.pubsub_topic),
        (Some("16U*GiNg1a"), Some("/waku/2/rs/2/0"))
    );
}

#[test]
fn event_logs_and_other_text_are_no_native_logs() {
    let event = br#"{"v":1,"event":"run_ended","time":"2026-11-21T07:00:00.000000000Z","reason":"idle","counters":{}}"#;
    assert!(matches!(LineParser::default().parse(event), Parsed::EventLog));
    let native = line(&NWAKU[0]);
    assert!(looks_native(format!("starting\n{native}\n").as_bytes()));
    assert!(!looks_native(
        format!("{native}\n{}\n", String::from_utf8_lossy(event)).as_bytes()
    ));
    assert!(!looks_native(b"{\"a\":1}\nsome text\n"));
    let other = r#"{"level":"info","ts":"2024-05-03T10:22:01.526Z","msg":"listening on :80"}"#;
    assert!(
        !looks_native(other.as_bytes()),
        "another program that writes msg and ts"
    );
}

/// A sample in a wrapper, with some of its bytes changed.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let samples: Vec<String> = NWAKU.iter().chain(GO_WAKU).map(line).collect();
    let wrapped = |text: String, docker: bool| {
        if docker {
            format!(
                r#"{{"log":{},"stream":"stdout"}}"#,
                serde_json::to_string(&text).unwrap()
            )
        } else {
            text
        }
    };
    let damage = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (
        prop::sample::select(samples),
        any::<bool>(),
        damage,
        any::<prop::sample::Index>(),
    )
        .prop_map(move |(text, docker, damage, cut)| {
            let mut bytes = wrapped(text, docker).into_bytes();
            for (place, byte) in damage {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            bytes.truncate(bytes.len() - cut.index(bytes.len()) / 4);
            bytes
        })
}

proptest! {
    #[test]
    fn no_line_panics(line in hostile()) {
        let mut parser = LineParser::default();
        if let Parsed::Node { event: Some(event), .. } = parser.parse(&line) {
            prop_assert!(!event.kind.name().is_empty());
        }
        let _ = parse_line(&line);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = LineParser::default().parse(&bytes);
        prop_assert!(read_node_log(bytes.as_slice()).is_ok());
    }
}
