//! Whatever the fast reader recognises, the strict one reads the same way; what the writer writes, it recognises.

use proptest::{prelude::*, sample::Index};

use super::{FastParser, HotEvent, HotRecord};
use crate::{
    event::{Event, Record},
    examples::examples,
    line::parse_line,
    timestamp::Timestamp,
};

/// Bytes that turn one JSON line into another, or into none.
const SPITEFUL: &[u8] = b"\"\\,:{}[]0123456789-+.eEabfxTZu \t\r\0nul\x7f";

fn hot_lines() -> Vec<String> {
    let name = |event: &Event| HotEvent::FIELD_NAMES.iter().any(|(hot, _)| *hot == event.name());
    let record = |event| Record {
        time: Timestamp::from_unix_ns(1_700_000_000_123_456_789),
        event,
    };
    let lines = examples()
        .into_iter()
        .filter(name)
        .map(|event| record(event).to_line().unwrap());
    lines.collect()
}

/// The contract: recognised means equal.
fn check(parser: &mut FastParser, line: &str) -> Result<bool, TestCaseError> {
    let fast = parser.parse(line).map(|record| record.to_record());
    if let Some(record) = &fast {
        let strict = parse_line(line);
        prop_assert_eq!(Ok(record), strict.as_ref(), "{}", line);
    }
    Ok(fast.is_some())
}

#[test]
fn the_fields_are_those_of_the_events() {
    for hot in HotEvent::FIELD_NAMES {
        assert!(Event::FIELD_NAMES.contains(hot), "{hot:?}");
    }
}

#[test]
fn every_hot_event_is_recognised() {
    let mut parser = FastParser::default();
    let lines = hot_lines();
    assert!(lines.len() >= HotEvent::FIELD_NAMES.len());
    for line in lines {
        let plain = !line.contains('\\');
        assert_eq!(check(&mut parser, &line).unwrap(), plain, "{line}");
    }
}

#[test]
fn an_owned_event_has_the_view_of_its_line() {
    for line in hot_lines() {
        let record = parse_line(&line).unwrap();
        let view = record.event.as_hot().unwrap();
        let time = record.time;
        assert_eq!(HotRecord { time, event: view }.to_record(), record);
        if let Some(read) = FastParser::default().parse(&line) {
            assert_eq!(read.event, view, "{line}");
        }
    }
}

#[test]
fn deviations_are_left_to_the_strict_reader() {
    let line = "{\"v\":1,\"event\":\"stored\",\"time\":\"2026-03-01T12:00:03.051042000Z\",\"hash\":\"0xHASH\",\"pubsub_topic\":\"t\"}"
        .replace("HASH", &"ab".repeat(32));
    let mut parser = FastParser::default();
    assert!(parser.parse(&line).is_some());
    let deviations = [
        ("\"v\":1", "\"v\":01"),
        ("\"v\":1", "\"v\": 1"),
        ("\"v\":1", "\"v\":2"),
        ("Z\"", "+00:00\""),
        ("12:00:03", "24:00:03"),
        ("12:00:03", "12:00:60"),
        ("2026-03-01", "2026-02-29"),
        ("2026-03-01", "9999-03-01"),
        (".051042000Z", ".05104200Z"),
        ("ab\",", "AB\","),
        ("0x", ""),
        (":\"t\"", ":\"\\u0074\""),
        (":\"t\"", ":\"t\\n\""),
        (":\"t\"", ":\"\t\""),
        (":\"t\"", ":null"),
        ("\"}", "\",\"new\":1}"),
        ("\"}", "\",\"pubsub_topic\":\"t\"}"),
        ("\"}", "\"} "),
        ("\"}", "\""),
    ];
    for (from, to) in deviations {
        let deviating = line.replacen(from, to, 1);
        assert_ne!(deviating, line, "{from}");
        assert!(parser.parse(&deviating).is_none(), "{deviating}");
    }
}

#[test]
fn an_empty_name_in_a_list_is_not_an_empty_list() {
    let line = |peers: &str| {
        format!(
            "{{\"v\":1,\"event\":\"relay_sent\",\"time\":\"2026-03-01T12:00:03.051042000Z\",\"hash\":\"0x{}\",\
             \"to_peers\":{peers},\"pubsub_topic\":\"t\",\"origin\":\"relay\"}}",
            "0a".repeat(32)
        )
    };
    for peers in ["[]", "[\"\"]", "[\"a\",\"\"]", "[\"a\",\"ü\",\"c,d\"]"] {
        assert!(check(&mut FastParser::default(), &line(peers)).unwrap(), "{peers}");
    }
}

proptest! {
    #[test]
    fn mutated_lines_are_read_as_the_strict_reader_reads_them(
        first in any::<Index>(),
        changes in proptest::collection::vec((any::<Index>(), 0..4_u8, any::<Index>()), 0..4),
    ) {
        let mut parser = FastParser::default();
        let lines = hot_lines();
        // A good line first, so that what the parser remembers is there to mislead it.
        prop_assert!(check(&mut parser, &lines[0])?);
        let mut bytes = first.get(&lines).clone().into_bytes();
        for (at, how, what) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = *what.get(SPITEFUL),
                1 => bytes.insert(at, *what.get(SPITEFUL)),
                2 => { bytes.remove(at); }
                _ => bytes.truncate(at + 1),
            }
        }
        if let Ok(line) = String::from_utf8(bytes) {
            check(&mut parser, &line)?;
        }
    }

    #[test]
    fn any_values_are_read_as_the_strict_reader_reads_them(
        ns in any::<i64>(), sender in ".{0,20}", index in any::<u32>(), size_bytes in any::<u64>(), which in any::<Index>(),
    ) {
        let mut events: Vec<Event> = examples();
        events.retain(|event| matches!(event, Event::Received(_) | Event::PublishAttempt(_)));
        let mut event = which.get(&events).clone();
        let plain = !sender.contains(|c: char| c < ' ' || c == '"' || c == '\\');
        match &mut event {
            Event::Received(e) => (e.sender, e.index, e.size_bytes) = (sender, index, size_bytes),
            Event::PublishAttempt(e) => (e.sender, e.index, e.size_bytes) = (sender, index, size_bytes),
            _ => {}
        }
        let record = Record { time: Timestamp::from_unix_ns(ns), event };
        let line = record.to_line().unwrap();
        let recognised = check(&mut FastParser::default(), &line)?;
        let safe_ns = -9_000_000_000_000_000_000..=9_000_000_000_000_000_000_i64;
        if plain && size_bytes < 10_u64.pow(18) && safe_ns.contains(&ns) {
            prop_assert!(recognised, "{}", line);
        }
    }

    #[test]
    fn noise_is_no_event(line in ".{0,300}") {
        prop_assert!(!check(&mut FastParser::default(), &line)?);
    }
}
