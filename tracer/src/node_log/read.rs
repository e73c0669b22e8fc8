//! Reads a whole native log: counts every line, keeps what the places of loss need.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::{self, BufRead, Read as _},
};

use event_log::line::MAX_LINE_BYTES;

use super::{
    event::{Format, KIND_NAMES, NodeEvent, NodeEventKind, PeerList},
    line::{Level, LineParser, Parsed},
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
    /// Whether the last line has no newline and was not recognised.
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
    counts: Vec<u64>,
    pub(super) facts: Facts,
}

/// What is known about each message, most compactly.
#[derive(Debug, Default)]
pub(super) struct Facts {
    row_of: HashMap<[u8; 32], u32>,
    /// Hash, and the bits of what happened to it.
    pub(super) rows: Vec<([u8; 32], u8)>,
    peer_of: HashMap<Box<str>, u32>,
    pub(super) peers: Vec<Box<str>>,
    /// Row, peer, whether the push went well.
    pub(super) pushes: Vec<(u32, u32, bool)>,
}

/// Bits of [`Facts::rows`].
pub(super) mod bit {
    pub(in super::super) const REQUESTED: u8 = 1;
    pub(in super::super) const RECEIVED: u8 = 2;
    pub(in super::super) const SENT: u8 = 4;
    pub(in super::super) const PRESENT: u8 = 8;
}

impl NodeLog {
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

    /// Takes one line, without its newline.
    fn take(&mut self, parser: &mut LineParser, line: &[u8]) {
        match parser.parse(line) {
            Parsed::Node {
                format,
                level,
                line_ns,
                event,
            } => {
                *self.formats.entry(format).or_default() += 1;
                *self.levels.entry(level).or_default() += 1;
                self.first_ns = Some(self.first_ns.map_or(line_ns, |known| known.min(line_ns)));
                self.last_ns = self.last_ns.max(Some(line_ns));
                match event {
                    Some(event) => self.take_event(&event),
                    None => self.other_lines += 1,
                }
            }
            Parsed::EventLog => self.event_log_lines += 1,
            Parsed::Unknown if line.trim_ascii().is_empty() => {}
            Parsed::Unknown => self.unknown_lines += 1,
        }
    }

    fn take_event(&mut self, event: &NodeEvent<'_>) {
        if self.counts.is_empty() {
            self.counts = vec![0; KIND_NAMES.len()];
        }
        self.counts[event.kind.position()] += 1;
        if let Some(own) = event.my_peer_id {
            remember(&mut self.own_ids, own);
        }
        if let NodeEventKind::Address { peers } = event.kind {
            peers
                .iter()
                .filter(|peer| !peer.contains('*'))
                .for_each(|peer| remember(&mut self.own_full_ids, peer));
        }
        let Some(hash) = event.hash else { return };
        match event.kind {
            NodeEventKind::Lightpush { .. } => self.facts.mark(hash.0, bit::REQUESTED),
            NodeEventKind::RelayReceived { .. } => self.facts.mark(hash.0, bit::RECEIVED),
            NodeEventKind::RelaySent { .. } => self.facts.mark(hash.0, bit::SENT),
            NodeEventKind::RelayPublished { peers_count } => {
                let sent = if peers_count == Some(0) {
                    bit::PRESENT
                } else {
                    bit::SENT
                };
                self.facts.mark(hash.0, sent);
            }
            NodeEventKind::FilterPushDone { peers, .. } => self.facts.push(hash.0, peers, true),
            NodeEventKind::FilterTimedOut { peers } => self.facts.push(hash.0, peers, false),
            NodeEventKind::FilterPushStart { .. }
            | NodeEventKind::FilterHandling
            | NodeEventKind::FilterDuplicate
            | NodeEventKind::FilterNobody
            | NodeEventKind::ArchiveHandling
            | NodeEventKind::Stored
            | NodeEventKind::SyncReceived => self.facts.mark(hash.0, bit::PRESENT),
            _ => {}
        }
    }
}

impl Facts {
    fn row(&mut self, hash: [u8; 32]) -> usize {
        let rows = &mut self.rows;
        let row = *self.row_of.entry(hash).or_insert_with(|| {
            rows.push((hash, 0));
            u32::try_from(rows.len() - 1).expect("four thousand million messages do not fit into memory")
        });
        row as usize
    }

    fn mark(&mut self, hash: [u8; 32], bits: u8) {
        let row = self.row(hash);
        self.rows[row].1 |= bits;
    }

    fn push(&mut self, hash: [u8; 32], peers: PeerList<'_>, went_well: bool) {
        let row = self.row(hash);
        self.rows[row].1 |= bit::PRESENT;
        for peer in peers.iter() {
            let peer = match self.peer_of.get(peer) {
                Some(known) => *known,
                None => {
                    let number =
                        u32::try_from(self.peers.len()).expect("four thousand million peers do not fit into memory");
                    self.peers.push(peer.into());
                    self.peer_of.insert(peer.into(), number);
                    number
                }
            };
            self.pushes.push((row as u32, peer, went_well));
        }
    }
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
    let mut parser = LineParser::default();
    let mut native = false;
    for line in start.split(|byte| *byte == b'\n') {
        match parser.parse(line) {
            Parsed::EventLog => return false,
            Parsed::Node { .. } => native = true,
            Parsed::Unknown => {}
        }
    }
    native
}

/// Reads a native log to its end. Lines within the reader's buffer are parsed in place.
///
/// # Errors
/// What the reader says. Bad lines are counted, never an error.
pub fn read_node_log(mut input: impl BufRead) -> io::Result<NodeLog> {
    let (mut log, mut parser) = (NodeLog::default(), LineParser::default());
    let mut carried = Vec::new();
    loop {
        let buffer = input.fill_buf()?;
        let Some(last) = memchr::memrchr(b'\n', buffer) else {
            let at_end = buffer.is_empty();
            if !carry_on(&mut input, &mut carried, &mut log, &mut parser)? || at_end {
                return Ok(log);
            }
            continue;
        };
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &buffer[..=last]) {
            if end - start > MAX_LINE_BYTES {
                log.too_long_lines += 1;
            } else {
                log.take(&mut parser, &buffer[start..end]);
            }
            start = end + 1;
        }
        input.consume(last + 1);
    }
}

/// Reads the line that crosses the end of the buffer. `false` at the end of the log.
fn carry_on(
    input: &mut impl BufRead,
    carried: &mut Vec<u8>,
    log: &mut NodeLog,
    parser: &mut LineParser,
) -> io::Result<bool> {
    carried.clear();
    let limit_bytes = MAX_LINE_BYTES as u64 + 1;
    input.by_ref().take(limit_bytes).read_until(b'\n', carried)?;
    if carried.is_empty() {
        return Ok(false);
    }
    if carried.len() <= MAX_LINE_BYTES || carried.ends_with(b"\n") {
        let whole = carried.ends_with(b"\n");
        let unknown_before = log.unknown_lines;
        log.take(parser, carried.strip_suffix(b"\n").unwrap_or(carried));
        log.torn = !whole && log.unknown_lines > unknown_before;
        return Ok(whole);
    }
    log.too_long_lines += 1;
    while !carried.is_empty() && !carried.ends_with(b"\n") {
        carried.clear();
        input.by_ref().take(limit_bytes).read_until(b'\n', carried)?;
    }
    Ok(!carried.is_empty())
}
