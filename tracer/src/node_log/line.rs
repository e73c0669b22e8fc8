//! One line to one event.

use super::{
    event::{Format, NodeEvent, TimeQuality},
    fields::Fields,
    message,
    scan::{Json, fields_start, json_fields, text_fields},
    time::parse_local,
    told::{Told, told},
    unwrap::{Head, MAX_WRAPPERS, is_text_head, locate, strip_colours, take_off},
};

/// How detailed a log line is, from the most detailed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `TRC`.
    Trace,
    /// `DBG`, `DEBUG`.
    Debug,
    /// `INF`, `INFO`.
    Info,
    /// `NTC`.
    Notice,
    /// `WRN` and above.
    Warn,
}

impl Level {
    pub(super) const COUNT: usize = 5;

    /// In the order of their numbers.
    pub(super) const ALL: [Self; Self::COUNT] = [Self::Trace, Self::Debug, Self::Info, Self::Notice, Self::Warn];

    fn of(text: &[u8]) -> Self {
        match text.first().map(u8::to_ascii_uppercase) {
            Some(b'T') => Self::Trace,
            Some(b'D') => Self::Debug,
            Some(b'I') => Self::Info,
            Some(b'N') => Self::Notice,
            _ => Self::Warn,
        }
    }

    /// The level in a word.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warn => "warning",
        }
    }
}

/// What a line of a native log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// A line of a node, with the event it tells when it is one that the tracer knows.
    Node {
        /// Form of the log.
        format: Format,
        /// Level of the line.
        level: Level,
        /// Time of the line, nanoseconds since the epoch.
        line_ns: i64,
        /// The event.
        event: Option<NodeEvent<'a>>,
        /// Whether it tells an event whose message or subscribers are cut off.
        cut: bool,
    },
    /// An event of the tester's own event log.
    EventLog,
    /// Neither.
    Unknown,
}

/// Parses lines with buffers that are used again, so that a line costs no allocation.
#[derive(Debug, Default)]
pub struct LineParser {
    inner: Vec<u8>,
    next: Vec<u8>,
}

impl LineParser {
    /// Parses one line, without its newline.
    pub fn parse<'a>(&'a mut self, line: &'a [u8]) -> Parsed<'a> {
        let found = self.find(line).and_then(|(content, head)| parse_found(content, head));
        found.unwrap_or(Parsed::Unknown)
    }

    /// The line a node wrote, out of all that was put around it, and its form.
    #[inline]
    pub(super) fn find<'a>(&'a mut self, line: &'a [u8]) -> Option<(&'a [u8], Head)> {
        let line = without_return(line);
        if is_text_head(line) {
            Some((line, Head::Text))
        } else {
            self.unwrap(line)
        }
    }

    fn unwrap<'a>(&'a mut self, line: &'a [u8]) -> Option<(&'a [u8], Head)> {
        let mut unwrapped = false;
        if memchr::memchr(0x1b, line).is_some() {
            strip_colours(line, &mut self.inner);
            unwrapped = true;
        }
        for _ in 0..MAX_WRAPPERS {
            let content = if unwrapped { &self.inner } else { line };
            let Some((start, Head::Json)) = locate(content) else {
                break;
            };
            if !take_off(&content[start..], &mut self.next) {
                break;
            }
            std::mem::swap(&mut self.inner, &mut self.next);
            unwrapped = true;
        }
        let content = if unwrapped { &self.inner } else { line };
        locate(content).map(|(start, head)| (&content[start..], head))
    }
}

/// Parses one line that is bare: no wrapper, no colours. [`LineParser`] takes those off.
#[must_use]
pub fn parse_line(line: &[u8]) -> Option<NodeEvent<'_>> {
    let line = without_return(line);
    let (start, head) = locate(line)?;
    match parse_found(&line[start..], head)? {
        Parsed::Node { event, .. } => event,
        Parsed::EventLog | Parsed::Unknown => None,
    }
}

/// A terminal ends lines with a carriage return, too: all logs of `docker run -t` are full of them.
#[inline]
fn without_return(mut line: &[u8]) -> &[u8] {
    while let Some(bare) = line.strip_suffix(b"\r") {
        line = bare;
    }
    line
}

/// Parses the line of a node.
pub(super) fn parse_found(line: &[u8], head: Head) -> Option<Parsed<'_>> {
    match head {
        Head::Text => text(line),
        Head::Zap => zap(line),
        Head::Json => json(line),
    }
}

fn text(line: &[u8]) -> Option<Parsed<'_>> {
    let line = text_head(line, parse_local)?;
    let told = line.told();
    Some(Parsed::Node {
        format: Format::NwakuText,
        level: line.level,
        line_ns: line.at_ns,
        event: told.event,
        cut: told.cut,
    })
}

/// A line of nwaku in text, its beginning read.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextLine<'a> {
    pub(super) level: Level,
    pub(super) at_ns: i64,
    /// Message and fields.
    pub(super) rest: &'a [u8],
}

/// Reads the beginning of a line of nwaku in text, whose time `parse_time` parses.
#[inline]
pub(super) fn text_head(
    line: &[u8],
    mut parse_time: impl FnMut(&[u8]) -> Option<(i64, usize)>,
) -> Option<TextLine<'_>> {
    let (at_ns, time_end) = parse_time(&line[4..])?;
    Some(TextLine {
        level: Level::of(&line[..3]),
        at_ns,
        rest: line.get(4 + time_end..)?,
    })
}

impl<'a> TextLine<'a> {
    pub(super) fn told(&self) -> Told<'a> {
        let rest = self.rest;
        let fields_at = fields_start(rest).unwrap_or(rest.len());
        let Some(message) = message::find(rest[..fields_at].trim_ascii()) else {
            return Told::default();
        };
        let mut fields = Fields::default();
        text_fields(&rest[fields_at..], |key, value| fields.take(key, value));
        told(message, &fields, rest, (self.at_ns, TimeQuality::Coarse4Ms))
    }
}

fn zap(line: &[u8]) -> Option<Parsed<'_>> {
    let (line_ns, time_end) = parse_local(line)?;
    let mut parts = line[time_end..].split(|byte| *byte == b'\t').skip(1);
    let level = Level::of(parts.next()?);
    let mut fields = Fields {
        topics: parts.next()?,
        ..Fields::default()
    };
    let mut message = parts.next()?;
    if memchr::memmem::find(message, b".go:").is_some() {
        message = parts.next()?;
    }
    let told = message::find(message.trim_ascii()).map(|message| {
        let whole = parts.next().is_none_or(|object| {
            let walked = json_fields(object, |key, _, raw| fields.take(key, raw));
            walked.is_some()
        });
        let told = told(message, &fields, line, (line_ns, TimeQuality::Line1Ms));
        if whole {
            told
        } else {
            Told {
                event: None,
                cut: true,
                ..told
            }
        }
    });
    let told = told.unwrap_or_default();
    Some(Parsed::Node {
        format: Format::GoWakuConsole,
        level,
        line_ns,
        event: told.event,
        cut: told.cut,
    })
}

fn json(line: &[u8]) -> Option<Parsed<'_>> {
    let mut fields = Fields::default();
    let (mut message, mut time, mut level, mut own_message) = (None, None, None, false);
    let (mut is_nwaku, mut is_zap, mut has_version, mut has_event) = (false, false, false, false);
    json_fields(line, |key, kind, raw| match key {
        b"msg" if kind == Json::String => (message, own_message) = (Some(raw), true),
        b"_msg" if kind == Json::String && !own_message => message = Some(raw),
        b"ts" => time = Some(raw),
        b"_time" => time = time.or(Some(raw)),
        b"lvl" => {
            level = Some(raw);
            is_nwaku = true;
        }
        b"level" => level = level.or(Some(raw)),
        b"logger" => {
            is_zap = true;
            fields.take(key, raw);
        }
        b"v" => has_version = true,
        b"event" => has_event = true,
        _ => {
            is_nwaku |= matches!(key, b"topics" | b"tid");
            fields.take(key, raw);
        }
    })?;
    if has_version && has_event && message.is_none() {
        return Some(Parsed::EventLog);
    }
    let (message, time) = (message?, time?);
    let line_ns = parse_local(time).map(|(ns, _)| ns).or_else(|| seconds(time))?;
    let (format, quality) = match (is_nwaku, is_zap) {
        (true, _) => (Format::NwakuJson, TimeQuality::Coarse4Ms),
        // Every line of go-waku names its logger; `msg` and `ts` alone many programs write.
        (false, true) => (Format::GoWakuJson, TimeQuality::Line1Ms),
        (false, false) => return None,
    };
    let told = message::find(message.trim_ascii()).map(|message| told(message, &fields, line, (line_ns, quality)));
    let told = told.unwrap_or_default();
    Some(Parsed::Node {
        format,
        level: level.map_or(Level::Info, Level::of),
        line_ns,
        event: told.event,
        cut: told.cut,
    })
}

/// zap's other form of `ts`: seconds since the epoch with a fraction.
fn seconds(text: &[u8]) -> Option<i64> {
    let seconds: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    // The years 2001 to 2262.
    (1e9..9.2e9).contains(&seconds).then_some((seconds * 1e9) as i64)
}
