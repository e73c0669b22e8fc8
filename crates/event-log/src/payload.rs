//! The numbered test message: what a publisher puts into the payload and a receiver counts by.
//!
//! The layout is the one of the original Nim tester (`apps/liteprotocoltester/tester_message.nim` of
//! logos-messaging/logos-delivery): one JSON object, a space, a NUL, random padding. The seven fields `sender`, `index`,
//! `count`, `startedAt`, `sinceStart`, `sincePrev`, `size` come first and in that order; `run`, `attempt`, `intendedAt`
//! and `sentAt` are ours, optional on reading, and ignored with a warning by the Nim reader.
//!
//! Sizes differ by one byte: the Nim publisher slices its padding inclusively, so its payload is one byte longer than
//! `size` says; where the JSON alone is longer than `size`, it leaves `size` as it was. Ours is exact in both cases.

use std::io::Write as _;

use serde::Deserialize;

use crate::{padding::Padding, timestamp::Timestamp};

/// Longest JSON part read: real ones are below 400 bytes, anything larger is not worth parsing.
pub const MAX_JSON_BYTES: usize = 4096;

/// Longest sender name a publisher should use: fully escaped it still leaves room below [`MAX_JSON_BYTES`].
pub const MAX_SENDER_BYTES: usize = 256;

/// Longest run id a publisher should use, for the same reason.
pub const MAX_RUN_BYTES: usize = 128;

/// `count` of a publisher that sends until it is stopped.
pub const ENDLESS_COUNT: u32 = u32::MAX;

/// What stands between the JSON object and the padding.
const SEPARATOR: &[u8] = b" \0";

/// Longest part of a parser's message kept in an error: it may quote what a stranger sent.
const MAX_DETAIL_CHARS: usize = 120;

/// One numbered test message, without its padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedMessage {
    /// Name of the sending client.
    pub sender: String,
    /// Index of the message, from 1.
    pub index: u32,
    /// How many messages the sender means to send; [`ENDLESS_COUNT`] when it does not know.
    pub count: u32,
    /// When the sender began, nanoseconds since the Unix epoch.
    pub started_at_ns: i64,
    /// Time from `started_at_ns` to the making of this message, nanoseconds.
    pub since_start_ns: i64,
    /// Time from the sender's previous message to this one, nanoseconds.
    pub since_prev_ns: i64,
    /// Payload size the message declares, bytes. [`Self::encode`] ignores it and writes the true size.
    pub size_bytes: u64,
    /// Run id; absent from the Nim tester's messages.
    pub run: Option<String>,
    /// Attempt at this index, from 1.
    pub attempt: Option<u32>,
    /// When the schedule wanted this index sent.
    pub intended_at: Option<Timestamp>,
    /// When this attempt was made.
    pub sent_at: Option<Timestamp>,
}

/// Why a payload is not a numbered message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    /// Nothing at all.
    #[error("empty payload")]
    Empty,
    /// No separator and no JSON end within the limit.
    #[error("no JSON object with separator within the first {limit_bytes} of {size_bytes} bytes")]
    TooLong {
        /// The limit, [`MAX_JSON_BYTES`].
        limit_bytes: usize,
        /// Size of the payload.
        size_bytes: usize,
    },
    /// Not a JSON object.
    #[error("not a JSON object: {0}")]
    NotJson(String),
    /// JSON, with one of the seven fields missing.
    #[error("no field {0:?}")]
    MissingField(&'static str),
    /// JSON, with a field of another type or beyond its range, or a field twice.
    #[error("field of a wrong kind: {0}")]
    BadField(String),
}

/// How a numbered message contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Corrupt {
    /// Index 0, where counting starts at 1.
    #[error("index 0, counting starts at 1")]
    IndexZero,
    /// Attempt 0, where counting starts at 1.
    #[error("attempt 0, counting starts at 1")]
    AttemptZero,
    /// An index beyond the number of messages.
    #[error("index {index} beyond count {count}")]
    IndexBeyondCount {
        /// Index of the message.
        index: u32,
        /// Count it declares.
        count: u32,
    },
    /// Declared and real size differ.
    #[error("declares {declared_bytes} bytes, has {actual_bytes}")]
    Size {
        /// Size it declares.
        declared_bytes: u64,
        /// Size it has.
        actual_bytes: u64,
    },
}

/// The JSON object; every field optional, so that the one that is missing can be named.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    sender: Option<String>,
    index: Option<u32>,
    count: Option<u32>,
    started_at: Option<i64>,
    since_start: Option<i64>,
    since_prev: Option<i64>,
    size: Option<u64>,
    run: Option<String>,
    attempt: Option<u32>,
    intended_at: Option<i64>,
    sent_at: Option<i64>,
}

impl NumberedMessage {
    /// The payload: JSON, separator, padding; `wanted_bytes` long, or as long as the JSON needs when that is more.
    #[must_use]
    pub fn encode(&self, wanted_bytes: usize, padding: &Padding) -> Vec<u8> {
        let before = self.json_before_size();
        let after = self.json_after_size();
        let bare_bytes = before.len() + after.len() + SEPARATOR.len();
        let size_bytes = consistent_size(bare_bytes, wanted_bytes);
        let mut out = Vec::with_capacity(size_bytes);
        out.extend_from_slice(&before);
        append(&mut out, format_args!("{size_bytes}"));
        out.extend_from_slice(&after);
        out.extend_from_slice(SEPARATOR);
        let seed = u64::from(self.index) << 32 | u64::from(self.attempt.unwrap_or(0));
        let missing_bytes = size_bytes - out.len();
        padding.append(&mut out, missing_bytes, seed);
        out
    }

    /// Reads a payload. A payload without separator is accepted when it is valid JSON as a whole.
    ///
    /// # Errors
    /// [`Foreign`] for everything that is not a numbered message; never panics.
    pub fn decode(payload: &[u8]) -> Result<Self, Foreign> {
        if payload.is_empty() {
            return Err(Foreign::Empty);
        }
        let json_bytes = json_bytes(payload).ok_or(Foreign::TooLong {
            limit_bytes: MAX_JSON_BYTES,
            size_bytes: payload.len(),
        })?;
        let json = &payload[..json_bytes];
        // Only an object will do: the derived reader would take an array of values as well.
        if json.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(Foreign::NotJson("it does not begin with {".to_owned()));
        }
        let wire: Wire = serde_json::from_slice(json).map_err(|error| {
            let detail = error.to_string().chars().take(MAX_DETAIL_CHARS).collect();
            match error.classify() {
                serde_json::error::Category::Data => Foreign::BadField(detail),
                _ => Foreign::NotJson(detail),
            }
        })?;
        Self::from_wire(wire)
    }

    /// Whether the message agrees with itself and with the payload it was read from.
    ///
    /// The declared size must be exact for our own messages (`run` present). Of the Nim tester's messages the payload may
    /// be one byte longer than declared, and `size` may be smaller than the JSON part.
    ///
    /// # Errors
    /// The first contradiction found, as [`Corrupt`].
    pub fn check(&self, payload: &[u8]) -> Result<(), Corrupt> {
        if self.index == 0 {
            return Err(Corrupt::IndexZero);
        }
        if self.attempt == Some(0) {
            return Err(Corrupt::AttemptZero);
        }
        if self.index > self.count {
            return Err(Corrupt::IndexBeyondCount {
                index: self.index,
                count: self.count,
            });
        }
        let actual_bytes = payload.len() as u64;
        let fits = if self.run.is_some() {
            actual_bytes == self.size_bytes
        } else {
            let head_bytes = json_bytes(payload).map_or(0, |json_bytes| json_bytes + SEPARATOR.len()) as u64;
            let expected_bytes = self.size_bytes.max(head_bytes);
            actual_bytes == self.size_bytes
                || actual_bytes.saturating_sub(expected_bytes) <= 1 && actual_bytes >= expected_bytes
        };
        if fits {
            Ok(())
        } else {
            Err(Corrupt::Size {
                declared_bytes: self.size_bytes,
                actual_bytes,
            })
        }
    }

    fn from_wire(wire: Wire) -> Result<Self, Foreign> {
        Ok(Self {
            sender: wire.sender.ok_or(Foreign::MissingField("sender"))?,
            index: wire.index.ok_or(Foreign::MissingField("index"))?,
            count: wire.count.ok_or(Foreign::MissingField("count"))?,
            started_at_ns: wire.started_at.ok_or(Foreign::MissingField("startedAt"))?,
            since_start_ns: wire.since_start.ok_or(Foreign::MissingField("sinceStart"))?,
            since_prev_ns: wire.since_prev.ok_or(Foreign::MissingField("sincePrev"))?,
            size_bytes: wire.size.ok_or(Foreign::MissingField("size"))?,
            run: wire.run,
            attempt: wire.attempt,
            intended_at: wire.intended_at.map(Timestamp::from_unix_ns),
            sent_at: wire.sent_at.map(Timestamp::from_unix_ns),
        })
    }

    fn json_before_size(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(b"{\"sender\":");
        append_string(&mut out, &self.sender);
        append(
            &mut out,
            format_args!(
                ",\"index\":{},\"count\":{},\"startedAt\":{},\"sinceStart\":{},\"sincePrev\":{},\"size\":",
                self.index, self.count, self.started_at_ns, self.since_start_ns, self.since_prev_ns
            ),
        );
        out
    }

    fn json_after_size(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(192);
        if let Some(run) = &self.run {
            out.extend_from_slice(b",\"run\":");
            append_string(&mut out, run);
        }
        if let Some(attempt) = self.attempt {
            append(&mut out, format_args!(",\"attempt\":{attempt}"));
        }
        if let Some(intended_at) = self.intended_at {
            append(&mut out, format_args!(",\"intendedAt\":{}", intended_at.unix_ns()));
        }
        if let Some(sent_at) = self.sent_at {
            append(&mut out, format_args!(",\"sentAt\":{}", sent_at.unix_ns()));
        }
        out.push(b'}');
        out
    }
}

/// Length of the JSON part: up to the separator, or the whole payload when there is none; `None` beyond the limit.
fn json_bytes(payload: &[u8]) -> Option<usize> {
    // A NUL cannot stand in JSON text, so the first one ends it.
    let searched = &payload[..payload.len().min(MAX_JSON_BYTES + SEPARATOR.len())];
    match searched.windows(SEPARATOR.len()).position(|pair| pair == SEPARATOR) {
        Some(at) => Some(at),
        None if payload.len() <= MAX_JSON_BYTES => Some(payload.len()),
        None => None,
    }
}

/// Size of a payload whose own size stands in it: `wanted_bytes`, or the smallest that holds the bare JSON and its digits.
fn consistent_size(bare_bytes: usize, wanted_bytes: usize) -> usize {
    let digits = |size: usize| size.checked_ilog10().unwrap_or(0) as usize + 1;
    if wanted_bytes >= bare_bytes + digits(wanted_bytes) {
        return wanted_bytes;
    }
    let guess = bare_bytes + digits(bare_bytes);
    bare_bytes + digits(guess)
}

fn append(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a Vec does not fail");
}

fn append_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string always has a JSON form");
}

#[cfg(test)]
mod tests {
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
            |((sender, index, count, started, since_start, since_prev), (run, attempt, intended, sent))| {
                NumberedMessage {
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
                }
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
}
