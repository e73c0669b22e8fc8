//! Reading fast gives what parsing each line gives: on lines of every generation in random order, with other hashes, own
//! ids and further fields, and with bytes changed.

use proptest::{prelude::*, sample::select, strategy::ValueTree as _};

use super::{
    LineParser, NodeLog, Parsed, looks_native,
    read::{SNIFF_BYTES, read_node_log, read_strictly},
    samples::{GO_WAKU, H, NWAKU, Sample},
};

/// Fields that come behind a line: some decide what it says, some look as if they did.
const FURTHER: &[&str] = &[
    "",
    " payloadSizeBytes=1000.0",
    " from_peer_id=16U*aaaaaa",
    " my_peer_id=16U*bbbbbb",
    " peer_id=16U*cccccc",
    " msg_hash=0x@H",
    " hash=0xab12...cd34",
    " numPeers=0",
    " numPeers=3 target_peer_ids=\"[16U*wJXtuH, 16U*GiNg1a]\"",
    " topics=\"waku archive\"",
    " index=7",
    " target_peer_ids=\"[16U*wJXtuH, 16U*Gi",
    " hash=0x1220@H",
    " text=\"a hash=0x@H\"",
    " text=\"a\"hash=0x@H",
    " text=\"cut",
    "=",
    "0",
    "\r",
    "\t",
    "\"",
];

/// What a log says, to be compared and to be shown.
pub(super) fn said(log: &NodeLog) -> String {
    let lines = (
        log.other_lines,
        log.unknown_lines,
        log.event_log_lines,
        log.too_long_lines,
        log.pieces,
        log.cut_lines,
        log.shows,
    );
    let facts = &log.facts;
    format!(
        "{:?} {:?} {lines:?} {:?} {:?}\n{:?}\n{:?} {:?}\n{:?}\n{:?} {:?}",
        log.formats,
        log.levels,
        log.first_ns,
        log.last_ns,
        log.kinds().collect::<Vec<_>>(),
        log.own_ids,
        log.own_full_ids,
        facts.messages().collect::<Vec<_>>(),
        facts.peers,
        facts.pushes,
    )
}

/// Three messages; the last two share a beginning.
fn digits() -> impl Strategy<Value = String> {
    select(vec![
        H.to_owned(),
        "ab".repeat(32),
        format!("{}F", "ab".repeat(31) + "a"),
    ])
}

fn plain_line() -> impl Strategy<Value = String> {
    let lines = |samples: &[Sample]| samples.iter().map(|sample| sample.line).collect::<Vec<&'static str>>();
    // Those that logs are full of, more often than others.
    let relay = NWAKU.iter().filter(|sample| sample.kind.starts_with("relay"));
    let text = prop_oneof![
        3 => select(relay.map(|sample| sample.line).collect::<Vec<_>>()),
        2 => select(lines(NWAKU)),
        1 => select(lines(GO_WAKU)),
    ];
    let further = prop_oneof![2 => Just(""), 1 => select(FURTHER)];
    let own = select(vec!["16U*GiNg1a", "16U*dddddd"]);
    let milliseconds = 0..1000_u32;
    (text, further, digits(), own, milliseconds).prop_map(|(text, further, digits, own, milliseconds)| {
        let line = format!("{text}{further}");
        line.replace("@H", &digits)
            .replace("16U*GiNg1a", own)
            .replacen(".015", &format!(".{milliseconds:03}"), 1)
    })
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let put_around = |(text, around): (String, usize)| match around {
        0 => format!("[pod/nodes-0/container] {text}"),
        1 => serde_json::json!({ "log": format!("{text}\n"), "stream": "stdout" }).to_string(),
        2 => text.replacen(' ', "\u{1b}[0m ", 3),
        _ => text,
    };
    let change = (any::<prop::sample::Index>(), any::<u8>());
    let whole = (plain_line(), 0..20_usize).prop_map(put_around);
    (whole, proptest::collection::vec(change, 0..3), 0..4_usize).prop_map(|(line, changes, is_changed)| {
        let mut line = line.into_bytes();
        for (at, byte) in changes.into_iter().filter(|_| is_changed == 0) {
            let at = at.index(line.len());
            line[at] = byte;
        }
        line
    })
}

fn event_line() -> impl Strategy<Value = Vec<u8>> {
    let event = r#"{"v":1,"event":"run_ended","time":"2026-11-21T07:00:00Z","reason":"idle","counters":{}}"#;
    let wrapped = serde_json::json!({ "log": event }).to_string();
    let lines = [
        event.to_owned(),
        wrapped.replace("event", "\\u0065vent"),
        wrapped.replace("event", "\\event"),
        event.replace("event", "ev\u{1b}[0ment"),
        wrapped,
    ];
    select(lines.map(String::into_bytes).to_vec())
}

fn looks_native_strictly(start: &[u8]) -> bool {
    let mut parser = LineParser::default();
    let (mut native, mut events) = (false, false);
    for line in start.split(|byte| *byte == b'\n') {
        match parser.parse(line) {
            Parsed::Node { .. } => native = true,
            Parsed::EventLog => events = true,
            Parsed::Unknown => {}
        }
    }
    native && !events
}

#[test]
fn every_way_to_hide_an_event_is_seen() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..20 {
        let event = event_line().new_tree(&mut runner).unwrap().current();
        let parsed = LineParser::default().parse(&event) == Parsed::EventLog;
        assert!(parsed, "{}", String::from_utf8_lossy(&event));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn reading_fast_gives_what_parsing_each_line_gives(lines in proptest::collection::vec(line(), 1..40)) {
        let mut input = lines.join(&b'\n');
        input.push(b'\n');
        let fast = read_node_log(input.as_slice()).unwrap();
        prop_assert_eq!(said(&fast), said(&read_strictly(&input)), "{}", String::from_utf8_lossy(&input));
    }

    #[test]
    fn a_glance_tells_what_reading_tells(
        lines in proptest::collection::vec(prop_oneof![4 => line(), 1 => event_line(), 1 => Just(b"text".to_vec())], 0..12),
    ) {
        let start = lines.join(&b'\n');
        prop_assert!(start.len() <= SNIFF_BYTES);
        prop_assert_eq!(looks_native(&start), looks_native_strictly(&start));
    }
}
