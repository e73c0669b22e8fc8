//! Reads a whole native log: counts every line, keeps what the places of loss need.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, BufRead, Read as _},
};

use event_log::line::MAX_LINE_BYTES;

use super::{
    event::{Format, KIND_NAMES, NodeEvent, NodeEventKind},
    facts::{Facts, Tells},
    line::{Level, LineParser, Parsed, parse_found, text_head},
    quality::Shows,
    shape::{Says, Shapes},
    time::RecentMinute,
    unwrap::{Head, is_text_level},
};

/// Most different own ids and addresses kept of one log. A node has one; logs that were thrown together have more.
const MAX_OWN_IDS: usize = 64;

/// Bytes of a file that decide its format: some hundred lines, few enough to be read twice.
pub const SNIFF_BYTES: usize = 64 * 1024;

/// What one native log says.
#[derive(Debug, Default)]
pub struct NodeLog {
    /// Lines of each form.
    pub formats: BTreeMap<Format, u64>,
    /// Lines of each level.
    pub levels: BTreeMap<Level, u64>,
    /// Lines of a node that tell no event the tracer knows.
    pub other_lines: u64,
    /// Lines of neither a node nor an event log.
    pub unknown_lines: u64,
    /// Events of the tester's own event log in between. They are not used: they belong into a file of their own.
    pub event_log_lines: u64,
    /// Lines longer than an event may be.
    pub too_long_lines: u64,
    /// Lines of no known form that are pieces of a node's lines, or no text.
    pub pieces: u64,
    /// Lines of a node without the message or the subscribers that such a line names.
    pub cut_lines: u64,
    /// Whether the last line is cut off: it has no newline, and is no whole object either.
    pub torn: bool,
    /// Earliest time of a line, nanoseconds since the epoch.
    pub first_ns: Option<i64>,
    /// Latest time of a line.
    pub last_ns: Option<i64>,
    /// Peer ids the node calls its own, as logged.
    pub own_ids: BTreeSet<String>,
    /// Full peer ids in the addresses it listens on or announces.
    pub own_full_ids: BTreeSet<String>,
    /// Short peer ids that may be of several peers; known when all logs are read.
    pub ambiguous_ids: BTreeSet<String>,
    /// Events by [`NodeEventKind::position`].
    counts: [u64; KIND_NAMES.len()],
    pub(super) facts: Facts,
    /// What it would show if it had happened.
    pub(crate) shows: Shows,
}

impl NodeLog {
    /// Lines that may have told an event and cannot be read.
    #[must_use]
    pub fn damaged_lines(&self) -> u64 {
        self.pieces + self.cut_lines + self.too_long_lines
    }

    /// Events recognised, by name of their kind, in the order of a message's way.
    pub fn kinds(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let count = |(name, count): (&&'static str, &u64)| (*count > 0).then_some((*name, *count));
        KIND_NAMES.iter().zip(&self.counts).filter_map(count)
    }

    /// Events recognised.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Events of the kind `name`.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.kinds()
            .find(|(kind, _)| *kind == name)
            .map_or(0, |(_, count)| count)
    }
}

/// Reads the lines of one log.
#[derive(Debug, Default)]
struct Reader {
    parser: LineParser,
    taker: Taker,
}

impl Reader {
    /// Takes one line, without its newline.
    #[inline]
    fn take(&mut self, line: &[u8]) {
        let parsed = match self.parser.find(line) {
            Some((content, Head::Text)) if self.taker.take_text(content) => return,
            Some((_, Head::Text)) | None => None,
            Some((content, head)) => parse_found(content, head),
        };
        self.taker.take(parsed.unwrap_or(Parsed::Unknown), line);
    }
}

/// Puts lines into a [`NodeLog`].
#[derive(Debug, Default)]
struct Taker {
    log: NodeLog,
    /// By format and level.
    lines: [[u64; Level::COUNT]; Format::COUNT],
    minute: RecentMinute,
    shapes: Shapes,
}

impl Taker {
    /// Takes a line of nwaku in text, most often without parsing it. `false` if it is none.
    #[inline]
    fn take_text(&mut self, content: &[u8]) -> bool {
        let Some(line) = text_head(content, |time| self.minute.parse(time)) else {
            return false;
        };
        self.take_head(Format::NwakuText, line.level, line.at_ns);
        if let Some((says, digits)) = self.shapes.recall(line.rest)
            && self.log.facts.mark_digits(digits, says.bits)
        {
            self.log.counts[says.kind] += 1;
            return true;
        }
        let told = line.told();
        self.take_event(told.event.as_ref(), told.cut);
        if let Some(event) = told.event
            && let Tells::Mark(bits) = Tells::of(event.kind)
            && event.hash.is_some()
        {
            let kind = event.kind.position();
            self.shapes.learn(line.rest, told.hash_text, Says { kind, bits });
        }
        true
    }

    /// Takes a line that was parsed.
    fn take(&mut self, parsed: Parsed<'_>, line: &[u8]) {
        match parsed {
            Parsed::Node {
                format,
                level,
                line_ns,
                event,
                cut,
            } => {
                self.take_head(format, level, line_ns);
                self.take_event(event.as_ref(), cut);
            }
            Parsed::EventLog => self.log.event_log_lines += 1,
            Parsed::Unknown if line.trim_ascii().is_empty() => {}
            Parsed::Unknown if is_piece(line) => self.log.pieces += 1,
            Parsed::Unknown => self.log.unknown_lines += 1,
        }
    }

    #[inline]
    fn take_head(&mut self, format: Format, level: Level, line_ns: i64) {
        let log = &mut self.log;
        self.lines[format as usize][level as usize] += 1;
        log.first_ns = Some(log.first_ns.map_or(line_ns, |known| known.min(line_ns)));
        log.last_ns = log.last_ns.max(Some(line_ns));
    }

    fn take_event(&mut self, event: Option<&NodeEvent<'_>>, cut: bool) {
        let log = &mut self.log;
        let Some(event) = event else {
            *if cut { &mut log.cut_lines } else { &mut log.other_lines } += 1;
            return;
        };
        log.counts[event.kind.position()] += 1;
        if let Some(own) = event.my_peer_id {
            remember(&mut log.own_ids, own);
        }
        if let NodeEventKind::Address { peers } = event.kind {
            peers
                .ends_of_addresses()
                .filter(|peer| !peer.contains('*'))
                .for_each(|peer| remember(&mut log.own_full_ids, peer));
        }
        if let Some(hash) = event.hash {
            log.facts.take(hash.0, Tells::of(event.kind));
        }
    }

    fn finish(mut self) -> NodeLog {
        for (format, levels) in Format::ALL.into_iter().zip(self.lines) {
            for (level, lines) in Level::ALL.into_iter().zip(levels).filter(|(_, lines)| *lines > 0) {
                *self.log.formats.entry(format).or_default() += lines;
                *self.log.levels.entry(level).or_default() += lines;
            }
        }
        self.log.shows = self.log.shown();
        self.log
    }
}

/// Whether a line of no known form is a piece of a node's line, or none of text.
fn is_piece(line: &[u8]) -> bool {
    const WITHIN: [&[u8]; 3] = [b"topics=\"waku", b"msg_hash=", b"\"msg_hash\":"];
    is_text_level(line)
        || line.contains(&0)
        || std::str::from_utf8(line).is_err()
        || WITHIN.iter().any(|within| memchr::memmem::find(line, within).is_some())
}

fn remember(ids: &mut BTreeSet<String>, id: &str) {
    if !ids.contains(id) && ids.len() < MAX_OWN_IDS {
        ids.insert(id.to_owned());
    }
}

/// Whether a file that begins with `start` is a native log: in the first [`SNIFF_BYTES`] stands a line of a node, and no
/// event of an event log.
#[must_use]
pub fn looks_native(start: &[u8]) -> bool {
    let start = &start[..start.len().min(SNIFF_BYTES)];
    let may_hold_events = may_hold_events(start);
    let mut parser = LineParser::default();
    let mut native = false;
    for line in start.split(|byte| *byte == b'\n') {
        match parser.parse(line) {
            Parsed::EventLog => return false,
            Parsed::Node { .. } if !may_hold_events => return true,
            Parsed::Node { .. } => native = true,
            Parsed::Unknown => {}
        }
    }
    native
}

/// Whether an event of an event log may stand in `text`: one has the key `event`, which colours and the escapes of a
/// wrapper may hide.
fn may_hold_events(text: &[u8]) -> bool {
    let hides = |at: usize| matches!(text.get(at + 1), Some(b'u' | b'e' | b'v'));
    memchr::memmem::find(text, b"event").is_some()
        || memchr::memchr(0x1b, text).is_some()
        || memchr::memchr_iter(b'\\', text).any(hides)
}

/// Reads a native log to its end. Lines within the reader's buffer are parsed in place.
///
/// # Errors
/// What the reader says. Bad lines are counted, never an error.
pub fn read_node_log(mut input: impl BufRead) -> io::Result<NodeLog> {
    let mut reader = Reader::default();
    let mut carried = Vec::new();
    loop {
        let buffer = input.fill_buf()?;
        let Some(last) = memchr::memrchr(b'\n', buffer) else {
            let at_end = buffer.is_empty();
            if !carry_on(&mut input, &mut carried, &mut reader)? || at_end {
                return Ok(reader.taker.finish());
            }
            continue;
        };
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &buffer[..=last]) {
            if end - start > MAX_LINE_BYTES {
                reader.taker.log.too_long_lines += 1;
            } else {
                reader.take(&buffer[start..end]);
            }
            start = end + 1;
        }
        input.consume(last + 1);
    }
}

/// Reads the line that crosses the end of the buffer. `false` at the end of the log.
fn carry_on(input: &mut impl BufRead, carried: &mut Vec<u8>, reader: &mut Reader) -> io::Result<bool> {
    carried.clear();
    let limit_bytes = MAX_LINE_BYTES as u64 + 1;
    input.by_ref().take(limit_bytes).read_until(b'\n', carried)?;
    if carried.is_empty() {
        return Ok(false);
    }
    if carried.len() <= MAX_LINE_BYTES || carried.ends_with(b"\n") {
        let whole = carried.ends_with(b"\n");
        reader.take(carried.strip_suffix(b"\n").unwrap_or(carried));
        // A text ends somewhere, an object with its brace.
        reader.taker.log.torn = !whole && !carried.trim_ascii_end().ends_with(b"}");
        return Ok(whole);
    }
    reader.taker.log.too_long_lines += 1;
    while !carried.is_empty() && !carried.ends_with(b"\n") {
        carried.clear();
        input.by_ref().take(limit_bytes).read_until(b'\n', carried)?;
    }
    Ok(!carried.is_empty())
}

/// Reads a native log by parsing each of its lines, which are all whole: what [`read_node_log`] has to give.
#[cfg(test)]
pub(super) fn read_strictly(input: &[u8]) -> NodeLog {
    let (mut parser, mut taker) = (LineParser::default(), Taker::default());
    for line in input.split(|byte| *byte == b'\n') {
        taker.take(parser.parse(line), line);
    }
    taker.finish()
}
