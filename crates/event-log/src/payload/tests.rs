//! Tests of the numbered message: literal Nim payloads, both ways, and noise.

use std::sync::LazyLock;

use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};

use super::*;

/// As the Nim publisher writes it: `size` 300, payload 301 bytes.
const NIM_JSON: &str = "{\"sender\":\"16Uiu2HAmPublisherNodeOne\",\"index\":7,\"count\":120,\
    \"startedAt\":1733740000000000000,\"sinceStart\":6012345678,\"sincePrev\":1002345678,\"size\":300}";

fn nim_payload(size_bytes: usize) -> Vec<u8> {
    let mut payload = format!("{NIM_JSON} \0").into_bytes();
    let padding_bytes = size_bytes.max(payload.len()) - payload.len() + 1;
    payload.extend(std::iter::repeat_n(0xa5, padding_bytes));
    payload
}

fn padding() -> Padding {
    static POOL: LazyLock<Padding> = LazyLock::new(|| Padding::new(&mut StdRng::seed_from_u64(3)));
    POOL.clone()
}

fn ours() -> NumberedMessage {
    NumberedMessage {
        sender: "publisher-1/0".to_owned(),
        index: 3,
        count: 120,
        started_at_ns: 1_733_740_000_000_000_000,
        since_start_ns: 2_000_100_000,
        since_prev_ns: 1_000_050_000,
        size_bytes: 0,
        run: Some("0f3c".to_owned()),
        attempt: Some(2),
        intended_at: Some(Timestamp::from_unix_ns(1_733_740_002_000_000_000)),
        sent_at: Some(Timestamp::from_unix_ns(1_733_740_002_000_100_000)),
    }
}

#[test]
fn the_nim_testers_message_is_read() {
    let payload = nim_payload(300);
    assert_eq!(payload.len(), 301, "the Nim payload is one byte longer than it says");
    let message = NumberedMessage::decode(&payload).unwrap();
    assert_eq!(message.sender, "16Uiu2HAmPublisherNodeOne");
    assert_eq!((message.index, message.count, message.size_bytes), (7, 120, 300));
    assert_eq!(message.started_at_ns, 1_733_740_000_000_000_000);
    assert_eq!(
        (message.since_start_ns, message.since_prev_ns),
        (6_012_345_678, 1_002_345_678)
    );
    assert_eq!(
        (message.run.as_ref(), message.attempt, message.intended_at),
        (None, None, None)
    );
    assert_eq!(message.check(&payload), Ok(()));
    assert_eq!(
        message.check(&payload[..300]),
        Ok(()),
        "a fixed Nim publisher would be exact"
    );
    assert_eq!(
        message.check(&payload[..299]),
        Err(Corrupt::Size {
            declared_bytes: 300,
            actual_bytes: 299
        })
    );
    let longer = [payload.as_slice(), b"x"].concat();
    assert_eq!(
        message.check(&longer),
        Err(Corrupt::Size {
            declared_bytes: 300,
            actual_bytes: 302
        })
    );
}

#[test]
fn a_nim_message_whose_json_outgrew_its_size_is_not_corrupt() {
    let json = NIM_JSON.replace("300}", "50}");
    let payload = format!("{json} \0x").into_bytes();
    let message = NumberedMessage::decode(&payload).unwrap();
    assert_eq!(message.check(&payload), Ok(()));
}

#[test]
fn our_message_is_written_literally() {
    let payload = ours().encode(400, &padding());
    let expected = "{\"sender\":\"publisher-1/0\",\"index\":3,\"count\":120,\"startedAt\":1733740000000000000,\
        \"sinceStart\":2000100000,\"sincePrev\":1000050000,\"size\":400,\"run\":\"0f3c\",\"attempt\":2,\
        \"intendedAt\":1733740002000000000,\"sentAt\":1733740002000100000} \0";
    assert_eq!(String::from_utf8_lossy(&payload[..expected.len()]), expected);
    assert_eq!(payload.len(), 400);
}

#[test]
fn without_our_fields_it_is_the_nim_testers_text() {
    let nim = NumberedMessage::decode(&nim_payload(300)).unwrap();
    let payload = nim.encode(300, &padding());
    assert_eq!(&payload[..NIM_JSON.len()], NIM_JSON.as_bytes());
    assert_eq!(payload.len(), 300);
}

#[test]
fn the_size_counts_its_own_digits() {
    // Each length of the sender pushes the total over the boundary between two and three, three and four digits.
    for name_bytes in 1..1100 {
        let message = NumberedMessage {
            sender: "s".repeat(name_bytes),
            ..ours()
        };
        let payload = message.encode(0, &padding());
        let read = NumberedMessage::decode(&payload).unwrap();
        assert_eq!(read.size_bytes, payload.len() as u64);
    }
    for bare_bytes in 1..2000 {
        for wanted_bytes in [
            0,
            bare_bytes,
            bare_bytes + 1,
            bare_bytes + 2,
            bare_bytes + 3,
            bare_bytes + 4,
        ] {
            let size = consistent_size(bare_bytes, wanted_bytes);
            assert!(size >= bare_bytes + size.to_string().len() && size >= wanted_bytes.min(size));
            let smallest = consistent_size(bare_bytes, 0);
            assert_eq!(smallest, bare_bytes + smallest.to_string().len());
            assert_eq!(size, wanted_bytes.max(smallest));
        }
    }
}

#[test]
fn without_separator_valid_json_is_accepted() {
    let message = NumberedMessage::decode(NIM_JSON.as_bytes()).unwrap();
    assert_eq!(message.index, 7);
}

#[test]
fn strangers_are_foreign_with_a_reason() {
    assert_eq!(NumberedMessage::decode(b""), Err(Foreign::Empty));
    assert!(matches!(NumberedMessage::decode(b"hello"), Err(Foreign::NotJson(_))));
    assert!(matches!(
        NumberedMessage::decode(b"[\"a\",1,2,3,4,5,6]"),
        Err(Foreign::NotJson(_))
    ));
    assert!(matches!(
        NumberedMessage::decode(b"{\"sender\":\"a\" \0"),
        Err(Foreign::NotJson(_))
    ));
    assert_eq!(
        NumberedMessage::decode(b"{\"sender\":\"a\"} \0"),
        Err(Foreign::MissingField("index"))
    );
    assert_eq!(NumberedMessage::decode(b"{} \0"), Err(Foreign::MissingField("sender")));
    assert!(matches!(
        NumberedMessage::decode(b"{\"index\":-1} \0"),
        Err(Foreign::BadField(_))
    ));
    assert!(matches!(
        NumberedMessage::decode(b"{\"index\":4294967296} \0"),
        Err(Foreign::BadField(_))
    ));
    assert!(matches!(
        NumberedMessage::decode(b"{\"index\":1,\"index\":2} \0"),
        Err(Foreign::BadField(_))
    ));
    let deep = "[".repeat(3000);
    assert!(matches!(
        NumberedMessage::decode(format!("{{\"x\":{deep}").as_bytes()),
        Err(Foreign::NotJson(_))
    ));
    let long = vec![b'{'; MAX_JSON_BYTES + 1];
    let too_long = Foreign::TooLong {
        limit_bytes: MAX_JSON_BYTES,
        size_bytes: MAX_JSON_BYTES + 1,
    };
    assert_eq!(NumberedMessage::decode(&long), Err(too_long));
}

#[test]
fn unknown_fields_are_ignored() {
    let json = NIM_JSON.replace("\"size\"", "\"colour\":{\"a\":[1,null]},\"size\"");
    assert_eq!(NumberedMessage::decode(json.as_bytes()).unwrap().index, 7);
}

#[test]
fn contradictions_are_corrupt() {
    let payload = ours().encode(500, &padding());
    let read = NumberedMessage::decode(&payload).unwrap();
    assert_eq!(read.check(&payload), Ok(()));
    let longer = [payload.as_slice(), b"x"].concat();
    assert_eq!(
        read.check(&longer),
        Err(Corrupt::Size {
            declared_bytes: 500,
            actual_bytes: 501
        })
    );
    assert_eq!(
        NumberedMessage {
            index: 0,
            ..read.clone()
        }
        .check(&payload),
        Err(Corrupt::IndexZero)
    );
    assert_eq!(
        NumberedMessage {
            attempt: Some(0),
            ..read.clone()
        }
        .check(&payload),
        Err(Corrupt::AttemptZero)
    );
    let beyond = NumberedMessage { index: 121, ..read };
    assert_eq!(
        beyond.check(&payload),
        Err(Corrupt::IndexBeyondCount { index: 121, count: 120 })
    );
}

fn any_message() -> impl Strategy<Value = NumberedMessage> {
    let ours = (
        proptest::option::of("\\PC{0,40}"),
        any::<Option<u32>>(),
        any::<Option<i64>>(),
        any::<Option<i64>>(),
    );
    let nim = (
        ".{0,60}",
        any::<u32>(),
        any::<u32>(),
        any::<i64>(),
        any::<i64>(),
        any::<i64>(),
    );
    (nim, ours).prop_map(
        |((sender, index, count, started, since_start, since_prev), (run, attempt, intended, sent))| NumberedMessage {
            sender,
            index,
            count,
            started_at_ns: started,
            since_start_ns: since_start,
            since_prev_ns: since_prev,
            size_bytes: 0,
            run,
            attempt,
            intended_at: intended.map(Timestamp::from_unix_ns),
            sent_at: sent.map(Timestamp::from_unix_ns),
        },
    )
}

proptest! {
    #[test]
    fn round_trip(message in any_message(), wanted_bytes in 0_usize..3000) {
        let payload = message.encode(wanted_bytes, &padding());
        prop_assert!(payload.len() >= wanted_bytes);
        let read = NumberedMessage::decode(&payload).unwrap();
        prop_assert_eq!(read.size_bytes, payload.len() as u64);
        prop_assert_eq!(NumberedMessage { size_bytes: 0, ..read }, message);
    }

    #[test]
    fn noise_never_panics(payload in proptest::collection::vec(any::<u8>(), 0..5000)) {
        if let Ok(message) = NumberedMessage::decode(&payload) {
            let _ = message.check(&payload);
        }
    }

    #[test]
    fn a_damaged_message_never_panics(at in 0_usize..400, byte: u8, cut in 0_usize..401) {
        let mut payload = ours().encode(400, &padding());
        payload[at] = byte;
        payload.truncate(cut);
        if let Ok(message) = NumberedMessage::decode(&payload) {
            let _ = message.check(&payload);
        }
    }
}
