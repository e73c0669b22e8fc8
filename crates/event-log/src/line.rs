//! One event, one line: `{"v":1,"event":"<name>","time":"…",fields…}`.

use std::{borrow::Cow, io::Write as _};

use serde::Deserialize;

use crate::{
    event::{Event, Record, SCHEMA_VERSION},
    timestamp::Timestamp,
};

/// Longest line written and read, newline excluded. The largest real event is far below; beyond it a reader would hold
/// whatever a damaged file happens to contain.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Why a line is not an event of this schema version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Does not begin with `{`: no event was ever here, such as a line of another program on the same stream.
    #[error("it does not begin with {{")]
    NotAnObject,
    /// Not JSON, or JSON cut short.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// JSON without the keys `v`, `event` and `time` of an event.
    #[error("no event: {0}")]
    NotAnEvent(String),
    /// An event this version does not know.
    #[error("unknown event {0:?}")]
    UnknownEvent(String),
    /// Another schema version.
    #[error("schema version {0}, this program reads {SCHEMA_VERSION}")]
    WrongVersion(u64),
    /// A known event whose fields are missing or of a wrong kind.
    #[error("{event}: {error}")]
    BadFields {
        /// Name of the event.
        event: &'static str,
        /// What is wrong.
        error: String,
    },
    /// Longer than [`MAX_LINE_BYTES`]; it was skipped without being kept.
    #[error("line of more than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("not UTF-8 from byte {valid_up_to_bytes}")]
    NotUtf8 {
        /// Bytes before the first bad one.
        valid_up_to_bytes: usize,
    },
    /// A NUL byte, as a file has where a crashed machine never wrote its blocks.
    #[error("NUL byte at {at_bytes}")]
    Nul {
        /// Bytes before it.
        at_bytes: usize,
    },
}

/// The keys every event has.
#[derive(Deserialize)]
struct Header<'a> {
    v: Option<u64>,
    #[serde(borrow)]
    event: Option<Cow<'a, str>>,
    time: Option<Timestamp>,
}

/// Reads one line, without its newline.
///
/// # Errors
/// [`LineError`] for everything that is not an event of [`SCHEMA_VERSION`]; never panics.
pub fn parse_line(line: &str) -> Result<Record, LineError> {
    if let Some(at_bytes) = line.bytes().position(|byte| byte == 0) {
        return Err(LineError::Nul { at_bytes });
    }
    // The derived reader would take an array of values for an object.
    if !line.trim_start().starts_with('{') {
        return Err(LineError::NotAnObject);
    }
    let header: Header<'_> = serde_json::from_str(line).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => LineError::NotAnEvent(error.to_string()),
        _ => LineError::NotJson(error.to_string()),
    })?;
    let missing = |key: &str| LineError::NotAnEvent(format!("no key {key:?}"));
    let version = header.v.ok_or_else(|| missing("v"))?;
    let name = header.event.ok_or_else(|| missing("event"))?;
    if version != u64::from(SCHEMA_VERSION) {
        return Err(LineError::WrongVersion(version));
    }
    let Some(known) = Event::NAMES.iter().find(|known| **known == name) else {
        return Err(LineError::UnknownEvent(name.into_owned()));
    };
    let time = header.time.ok_or_else(|| missing("time"))?;
    match Event::read_fields(known, line) {
        Some(Ok(event)) => Ok(Record { time, event }),
        Some(Err(error)) => Err(LineError::BadFields {
            event: known,
            error: error.to_string(),
        }),
        None => Err(LineError::UnknownEvent(name.into_owned())),
    }
}

impl Record {
    /// Appends the line and its newline to `out`.
    ///
    /// # Errors
    /// When a field has no JSON form, which none of today's fields can bring about; `out` is then as it was.
    pub fn write_line(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let start = out.len();
        let name = self.event.name();
        write!(
            out,
            "{{\"v\":{SCHEMA_VERSION},\"event\":\"{name}\",\"time\":\"{}\"",
            self.time
        )
        .map_err(serde_json::Error::io)?;
        // The fields come as an object of their own, whose brace becomes the comma.
        let brace = out.len();
        if let Err(error) = self.event.write_fields(out) {
            out.truncate(start);
            return Err(error);
        }
        if out.len() == brace + 2 {
            out.remove(brace);
        } else {
            out[brace] = b',';
        }
        out.push(b'\n');
        Ok(())
    }

    /// The line without its newline, for tests and messages.
    ///
    /// # Errors
    /// As [`Self::write_line`].
    pub fn to_line(&self) -> serde_json::Result<String> {
        let mut out = Vec::new();
        self.write_line(&mut out)?;
        out.pop();
        Ok(String::from_utf8_lossy(&out).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::examples::examples;

    #[test]
    fn a_line_reads_as_documented() {
        let record = Record {
            time: Timestamp::from_unix_ns(1_700_000_000_000_000_001),
            event: crate::event::PresenceRestored {
                client: 3,
                since: Timestamp::from_unix_ns(0),
            }
            .into(),
        };
        let line = "{\"v\":1,\"event\":\"presence_restored\",\"time\":\"2023-11-14T22:13:20.000000001Z\",\
            \"client\":3,\"since\":\"1970-01-01T00:00:00.000000000Z\"}";
        assert_eq!(record.to_line().unwrap(), line);
        assert_eq!(parse_line(line).unwrap(), record);
    }

    #[test]
    fn every_event_round_trips() {
        let mut names: Vec<_> = Vec::new();
        for event in examples() {
            let record = Record {
                time: Timestamp::from_unix_ns(1),
                event,
            };
            let line = record.to_line().unwrap();
            assert!(!line.contains('\n'));
            assert_eq!(parse_line(&line), Ok(record.clone()), "{line}");
            names.push(record.event.name());
        }
        names.dedup();
        assert_eq!(names, Event::NAMES, "one example at least of every event, in order");
    }

    #[test]
    fn unknown_keys_are_ignored() {
        let line = "{\"v\":1,\"event\":\"listening\",\"time\":\"2023-11-14T22:13:20Z\",\"address\":\"a\",\"new\":[{}]}";
        assert!(parse_line(line).is_ok());
    }

    #[test]
    fn each_kind_of_bad_line_has_its_name() {
        let bad = |line: &str| parse_line(line).unwrap_err();
        assert!(matches!(bad(""), LineError::NotAnObject));
        assert!(matches!(bad("hello"), LineError::NotAnObject));
        assert!(matches!(
            bad("[1,\"listening\",\"2023-11-14T22:13:20Z\"]"),
            LineError::NotAnObject
        ));
        assert!(matches!(bad("{\"v\":1,\"event\":\"listen"), LineError::NotJson(_)));
        assert!(matches!(bad("{\"v\":1}{\"v\":1}"), LineError::NotJson(_)));
        assert!(matches!(bad("{}"), LineError::NotAnEvent(_)));
        assert!(matches!(
            bad("{\"v\":\"1\",\"event\":\"listening\"}"),
            LineError::NotAnEvent(_)
        ));
        assert!(matches!(
            bad("{\"v\":1,\"event\":\"listening\",\"address\":\"a\"}"),
            LineError::NotAnEvent(_)
        ));
        assert_eq!(
            bad("{\"v\":2,\"event\":\"from_the_future\"}"),
            LineError::WrongVersion(2)
        );
        assert_eq!(
            bad("{\"v\":1,\"event\":\"nonsense\"}"),
            LineError::UnknownEvent("nonsense".to_owned())
        );
        let no_address = "{\"v\":1,\"event\":\"listening\",\"time\":\"2023-11-14T22:13:20Z\"}";
        assert!(matches!(
            bad(no_address),
            LineError::BadFields { event: "listening", .. }
        ));
        assert_eq!(bad("{\"a\":\"\0\"}"), LineError::Nul { at_bytes: 6 });
        let deep = format!("{{\"v\":{}", "[".repeat(100_000));
        assert!(matches!(bad(&deep), LineError::NotJson(_) | LineError::NotAnEvent(_)));
    }

    proptest! {
        #[test]
        fn noise_never_panics(line in ".{0,300}") {
            let _ = parse_line(&line);
        }

        #[test]
        fn a_cut_line_never_parses(which in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>()) {
            let events = examples();
            let event = which.get(&events).clone();
            let line = Record { time: Timestamp::from_unix_ns(1), event }.to_line().unwrap();
            let at = cut.index(line.len());
            prop_assume!(line.is_char_boundary(at));
            prop_assert!(parse_line(&line[..at]).is_err());
        }
    }
}
