//! One line to one event.

use super::{
    event::{Format, NodeEvent, NodeEventKind, PeerList, TimeQuality},
    fields::Fields,
    message::{self, Message},
    scan::{Json, fields_start, json_fields, text_fields},
    time::parse_local,
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
    let (start, head) = locate(line)?;
    match parse_found(&line[start..], head)? {
        Parsed::Node { event, .. } => event,
        Parsed::EventLog | Parsed::Unknown => None,
    }
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
    Some(Parsed::Node {
        format: Format::NwakuText,
        level: line.level,
        line_ns: line.at_ns,
        event: line.event().map(|(event, _)| event),
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
    /// The event, and the text that its hash was read from.
    pub(super) fn event(&self) -> Option<(NodeEvent<'a>, &'a [u8])> {
        let rest = self.rest;
        let fields_at = fields_start(rest).unwrap_or(rest.len());
        let message = message::find(rest[..fields_at].trim_ascii())?;
        let mut fields = Fields::default();
        text_fields(&rest[fields_at..], |key, value| fields.take(key, value));
        let event = event(message, &fields, rest, (self.at_ns, TimeQuality::Coarse4Ms))?;
        Some((event, fields.hash_text))
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
    let event = message::find(message.trim_ascii()).and_then(|message| {
        if let Some(object) = parts.next() {
            json_fields(object, |key, _, raw| fields.take(key, raw))?;
        }
        event(message, &fields, line, (line_ns, TimeQuality::Line1Ms))
    });
    Some(Parsed::Node {
        format: Format::GoWakuConsole,
        level,
        line_ns,
        event,
    })
}

fn json(line: &[u8]) -> Option<Parsed<'_>> {
    let mut fields = Fields::default();
    let (mut message, mut time, mut level, mut own_message) = (None, None, None, false);
    let (mut is_nwaku, mut has_version, mut has_event) = (false, false, false);
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
    let (format, quality) = if is_nwaku {
        (Format::NwakuJson, TimeQuality::Coarse4Ms)
    } else {
        (Format::GoWakuJson, TimeQuality::Line1Ms)
    };
    Some(Parsed::Node {
        format,
        level: level.map_or(Level::Info, Level::of),
        line_ns,
        event: message::find(message.trim_ascii())
            .and_then(|message| event(message, &fields, line, (line_ns, quality))),
    })
}

/// zap's other form of `ts`: seconds since the epoch with a fraction.
fn seconds(text: &[u8]) -> Option<i64> {
    let seconds: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    // The years 2001 to 2262.
    (1e9..9.2e9).contains(&seconds).then_some((seconds * 1e9) as i64)
}

/// The event of a message with its fields; `None` when they do not go together.
fn event<'a>(
    message: Message,
    fields: &Fields<'a>,
    line: &'a [u8],
    (line_ns, line_quality): (i64, TimeQuality),
) -> Option<NodeEvent<'a>> {
    let (at_ns, quality) = match fields.explicit_ns {
        Some(at_ns) => (at_ns, TimeQuality::Float256Ns),
        None => (line_ns, line_quality),
    };
    let is_relay = matches!(message, Message::RelayReceived | Message::RelayPublished);
    // Up to 0.28 a relay line calls the node itself `peerId`.
    let my_peer_id = fields
        .my_peer_id()
        .or_else(|| is_relay.then(|| PeerList(fields.peer).first()).flatten());
    Some(NodeEvent {
        at_ns,
        quality,
        kind: kind(message, fields, line)?,
        hash: fields.hash,
        my_peer_id,
        pubsub_topic: fields.pubsub_topic(),
    })
}

fn kind<'a>(message: Message, fields: &Fields<'a>, line: &'a [u8]) -> Option<NodeEventKind<'a>> {
    use NodeEventKind as Kind;
    let peer = PeerList(fields.peer);
    let request_id = fields.request_id();
    let hashed = |kind| fields.hash.is_some().then_some(kind);
    match message {
        Message::Address => Some(Kind::Address { peers: PeerList(line) }),
        Message::LightpushRequest => Some(Kind::Lightpush { peer, request_id }),
        Message::LightpushAnswered => Some(Kind::LightpushAnswered { request_id }),
        Message::LightpushFailed => Some(Kind::LightpushFailed { peer, request_id }),
        Message::LightpushClientPublish => hashed(Kind::LightpushClientPublish { to: peer }),
        Message::RelayPublishStart => hashed(Kind::RelayPublishStart),
        Message::RelayPublished => hashed(Kind::RelayPublished {
            peers_count: fields.peers_count,
        }),
        Message::RelayReceived => hashed(Kind::RelayReceived {
            from: PeerList(fields.from_peer),
        }),
        Message::RelaySent => hashed(Kind::RelaySent {
            to: PeerList(fields.to_peer),
        }),
        Message::Handling if fields.is_of(b"archive") => hashed(Kind::ArchiveHandling),
        Message::Handling if fields.is_of(b"filter") => hashed(Kind::FilterHandling),
        // Of which protocol cannot be told: not guessed.
        Message::Handling => None,
        Message::FilterPushStart => hashed(Kind::FilterPushStart {
            peers: fields.targets(),
        }),
        Message::FilterPushDone => hashed(Kind::FilterPushDone {
            peers: fields.targets(),
            count: fields.peers_count,
        }),
        Message::FilterDuplicate => Some(Kind::FilterDuplicate),
        Message::FilterTimedOut => Some(Kind::FilterTimedOut {
            peers: fields.targets(),
        }),
        Message::FilterPushFailed => Some(Kind::FilterPushFailed { peer }),
        Message::FilterNobody => Some(Kind::FilterNobody),
        Message::Stored => hashed(Kind::Stored),
        Message::SyncReceived => hashed(Kind::SyncReceived),
        Message::StoreRejected => Some(Kind::StoreRejected),
        Message::FilterClientReceived => hashed(Kind::FilterClientReceived { from: peer }),
        Message::TesterPublished => hashed(Kind::TesterPublished),
        Message::TesterPublishFailed => hashed(Kind::TesterPublishFailed),
        Message::ReceivedOfTesterOrMessaging if fields.has_index => hashed(Kind::TesterReceived),
        Message::ReceivedOfTesterOrMessaging => hashed(Kind::Messaging),
        Message::Messaging => Some(Kind::Messaging),
    }
}
