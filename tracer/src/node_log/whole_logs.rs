//! What whole logs say, and what they cannot deny.

use super::{
    LineParser, NodeLog, Parsed, Shows, TimeQuality,
    equality::said,
    looks_native, parse_line,
    read::read_strictly,
    read_node_log,
    samples::{GO_WAKU, H, NWAKU, line},
    warnings,
};

#[test]
fn the_last_field_of_a_line_of_a_terminal_is_read() {
    let fields = [
        "msg_hash=0x@H",
        "msg_hash=0x@H numPeers=0",
        "my_peer_id=16U*GiNg1a msg_hash=0x@H",
        "msg_hash=0x@H peerId=16U*GiNg1a",
    ];
    for fields in fields {
        let text = |digits: &str| {
            let head = "NTC 2025-11-20 13:06:16.015+00:00 waku.relay published topics=\"waku node\" ";
            format!("{head}{}", fields.replace("@H", digits))
        };
        let (first, second) = (text(H), text(&"ab".repeat(32)));
        let lines = |begin: &str, end: &str| {
            [&first, &second, &first]
                .map(|line| format!("{begin}{line}{end}"))
                .concat()
        };
        let bare = said(&read_node_log(lines("", "\n").as_bytes()).unwrap());
        for (begin, end) in [("", "\r\n"), ("", "\r\r\n"), ("\u{1b}[36m", "\u{1b}[0m\r\n")] {
            let text = lines(begin, end);
            assert_eq!(said(&read_node_log(text.as_bytes()).unwrap()), bare, "{text:?}");
            assert_eq!(said(&read_strictly(text.as_bytes())), bare, "{text:?}");
            assert!(looks_native(text.as_bytes()));
        }
        let returned = format!("{first}\r");
        let parsed = parse_line(returned.as_bytes());
        assert!(parsed.is_some() && parsed == parse_line(first.as_bytes()), "{first}");
    }
}

#[test]
fn every_line_of_a_file_is_counted() {
    let mut text = String::new();
    NWAKU.iter().for_each(|sample| text.push_str(&(line(sample) + "\n")));
    text.push_str("INF 2025-11-20 13:06:16.015+00:00 Starting Waku node topics=\"waku node\" tid=1\n\nnoise\n");
    text.push_str(&format!("{}\n", "x".repeat(event_log::MAX_LINE_BYTES + 1)));
    text.push_str("NTC 2025-11-20 13:0");
    for buffer_bytes in [64, 1000, 4 << 20] {
        let log = read_node_log(std::io::BufReader::with_capacity(buffer_bytes, text.as_bytes())).unwrap();
        assert_eq!(log.events(), NWAKU.len() as u64, "{buffer_bytes}");
        assert_eq!(
            (log.other_lines, log.unknown_lines, log.too_long_lines, log.torn),
            (1, 1, 1, true),
            "{buffer_bytes}"
        );
        assert_eq!(log.pieces, 1, "at the end");
    }
    let whole = read_node_log(text.as_bytes()).unwrap();
    assert_eq!((whole.events(), whole.too_long_lines), (NWAKU.len() as u64, 1));
}

/// The log of these lines, with `@H` for the digits of a hash.
fn log_of(lines: &[&str]) -> NodeLog {
    let text: String = lines.iter().map(|line| line.replace("@H", H) + "\n").collect();
    read_node_log(text.as_bytes()).unwrap()
}

const RECEIVED: &str = "NTC 2025-11-20 13:06:16.015+00:00 received relay message topics=\"waku relay\" msg_hash=0x@H";

#[test]
fn pieces_of_lines_are_damage_and_other_text_is_not() {
    let list = "NTC 2025-11-20 13:06:16.015+00:00 pushing message to subscribed peers msg_hash=0x@H target_peer_ids=";
    for (line, damaged) in [
        ("Killed", 0),
        ("  at frame 7 of a stack", 0),
        (RECEIVED, 0),
        ("lay message topics=\"waku relay\" my_peer_id=16U*GiNg1a", 1),
        (&RECEIVED[..20], 1),
        (&RECEIVED[..RECEIVED.len() - 2], 1),
        (&format!("{RECEIVED}...ab"), 1),
        (&format!("{list}\"[16U*wJXtuH, 16U*GiNg1a]\""), 0),
        (&format!("{list}\"[16U*wJXtuH, 16U*GiN"), 1),
        ("{\"lvl\":\"NTC\",\"msg_hash\":\"0x@H\"", 1),
        ("NTC\0", 1),
    ] {
        assert_eq!(log_of(&[line]).damaged_lines(), damaged, "{line}");
    }
}

#[test]
fn a_last_line_that_is_cut_off_is_torn_though_its_head_is_known() {
    let cut = RECEIVED.replace("@H", H);
    let json = line(NWAKU.iter().find(|sample| sample.line.starts_with('{')).unwrap());
    for (end, torn) in [(cut.clone(), true), (cut + "\n", false), (json, false)] {
        assert_eq!(read_node_log(end.as_bytes()).unwrap().torn, torn, "{end}");
    }
}

#[test]
fn a_digest_of_2023_denies_no_message() {
    let old = line(&NWAKU[0]).replace("12345678", "abababab") + "\n" + &line(&NWAKU[0]);
    let log = read_node_log(old.as_bytes()).unwrap();
    assert_eq!((log.count("relay_received"), log.shows), (2, Shows::NOTHING));
    assert_eq!(log.damaged_lines(), 0);
    assert!(
        warnings(&log).iter().any(|warning| warning.contains("0x1220")),
        "{:?}",
        warnings(&log)
    );
}

#[test]
fn nwaku_says_published_of_its_own_api_alone() {
    let nwaku = "NTC 2025-11-20 13:06:16.015+00:00 waku.relay published topics=\"waku node\" msg_hash=0x@H";
    let sent = RECEIVED.replace("received", "sent");
    let go_waku = GO_WAKU.iter().find(|sample| sample.kind == "relay_published").unwrap();
    for (lines, shown) in [(&[nwaku][..], false), (&[nwaku, &sent], true), (&[go_waku.line], true)] {
        assert_eq!(log_of(lines).shows.sent, shown, "{lines:?}");
    }
}

#[test]
fn pushes_without_subscribers_and_nobody_to_push_to_show_no_pushes() {
    let nobody = "ERR 2025-11-20 13:06:16.015+00:00 no subscribed peers found topics=\"waku filter\" msg_hash=0x@H";
    let unnamed =
        "DBG 2024-03-01 10:00:00.001+00:00 pushing message to subscribed peers topics=\"waku filter\" hash=0x@H";
    let named = format!(
        "{} target_peer_ids=\"[16U*wJXtuH]\"",
        unnamed.replace(" hash", " msg_hash")
    );
    for (lines, shown) in [
        (&[nobody][..], false),
        (&[unnamed], false),
        (&[&named, unnamed], false),
        (&[&named], true),
        (&[&named, nobody], true),
    ] {
        assert_eq!(log_of(lines).shows.pushes, shown, "{lines:?}");
    }
}

#[test]
fn a_whole_second_is_no_time_in_nanoseconds() {
    let text = line(
        NWAKU
            .iter()
            .find(|sample| sample.line.contains("receivedTime=1763643976015000064"))
            .unwrap(),
    );
    let text = text.replace("1763643976015000064", "1763643976000000000");
    let mut parser = LineParser::default();
    let Parsed::Node {
        event: Some(event),
        line_ns,
        ..
    } = parser.parse(text.as_bytes())
    else {
        panic!("{text}")
    };
    assert_eq!((event.at_ns, event.quality), (line_ns, TimeQuality::Coarse4Ms));
}

#[test]
fn a_log_says_what_it_does_not_show() {
    let request =
        "NTC 2025-11-20 13:06:16.015+00:00 handling lightpush request topics=\"waku lightpush\" msg_hash=0x@H";
    let told = warnings(&log_of(&[request]));
    assert!(
        told[0].contains("no message coming in by relay, no message going out by relay"),
        "{told:?}"
    );
    assert!(told[0].contains("--log-level=DEBUG"), "{told:?}");
    let traced = request.replace("NTC", "TRC");
    let told = warnings(&log_of(&[&traced, RECEIVED]));
    assert!(told[0].contains("no message going out by relay, no push"), "{told:?}");
}

#[test]
fn a_node_behind_a_circuit_is_not_its_relay() {
    let address = NWAKU
        .iter()
        .find(|sample| sample.line.contains("Announcing"))
        .unwrap()
        .line;
    let own = "16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPGiNg1aX";
    let circuit = format!("/p2p/{}/p2p-circuit/p2p/{own}", own.replace("B4No", "C5Pq"));
    let log = log_of(&[&address.replace(&format!("/p2p/{own}"), &circuit)]);
    assert_eq!(log.own_full_ids.iter().collect::<Vec<_>>(), [own]);
}
