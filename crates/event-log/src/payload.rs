//! The numbered test message: what a publisher puts into the payload and a receiver counts by.
//!
//! The layout is the one of the original Nim tester (`apps/liteprotocoltester/tester_message.nim` of
//! logos-messaging/logos-delivery): one JSON object, a space, a NUL, random padding. The seven fields `sender`,
//! `index`, `count`, `startedAt`, `sinceStart`, `sincePrev`, `size` come first and in that order; `run`, `attempt`,
//! `intendedAt` and `sentAt` are ours, optional on reading, and ignored with a warning by the Nim reader.
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
    /// The declared size must be exact for our own messages (`run` present). Of the Nim tester's messages the payload
    /// may be one byte longer than declared, and `size` may be smaller than the JSON part.
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

/// Size of a payload whose own size stands in it: `wanted_bytes`, or the smallest that holds the bare JSON and its
/// digits.
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
mod tests;
