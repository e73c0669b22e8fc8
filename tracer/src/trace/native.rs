//! What native logs of nwaku and go-waku say about the message: whose log it is, what it shows, and each line of it that
//! names one of the hashes.

use std::{
    collections::BTreeSet,
    io::{self, BufRead, Read as _},
    path::Path,
};

use event_log::{MAX_LINE_BYTES, MessageHash, Timestamp};

use super::scan::contains;
use crate::{
    clock::NativeMoment,
    input::log_name,
    node_log::{LineParser, NodeEvent, NodeEventKind, Parsed, PushLines, SNIFF_BYTES, TimeQuality, looks_native},
    select::list,
    trace::names::Names,
    units::show_count,
};

/// Longest reason of a failure that is shown.
const MAX_REASON_CHARS: usize = 200;

/// A native log.
#[derive(Debug)]
pub(super) struct Native {
    /// Name of the file without its endings: the log itself has no name for the node.
    pub(super) name: String,
    /// Whose log it is, in full; `None` when the logs do not tell.
    pub(super) peer_id: Option<String>,
    /// Short peer ids of lines about the message that may be of several peers.
    pub(super) ambiguous_ids: BTreeSet<String>,
    pub(super) is_go_waku: bool,
    /// Lines about the message, in the order of time.
    pub(super) sightings: Vec<Sighting>,
}

/// One line about the message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sighting {
    pub(super) at: Timestamp,
    pub(super) hash: MessageHash,
    pub(super) what: What,
    /// Name of the kind of event.
    pub(super) event: &'static str,
    /// The peers it names, in full where that is certain.
    pub(super) peers: Vec<String>,
    pub(super) quality: TimeQuality,
    /// What it says of pushes to these peers.
    pub(super) push: Option<PushLines>,
    /// Why something failed, where the line says so.
    pub(super) reason: Option<String>,
    /// What it is worth to the clocks.
    pub(super) moment: Option<NativeMoment>,
}

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Requested,
    RelayReceived,
    /// Over the node's own REST API.
    RestPublished,
    RelaySent,
    /// Relayed, to so many peers where it says so.
    Relayed(Option<u64>),
    Pushing,
    /// The pushes have ended; nwaku says so of all of them.
    Pushed,
    /// This push went well.
    PushedToOne,
    PushTimedOut,
    PushFailed,
    /// The node had it, and this is how it shows.
    Had(&'static str),
    /// Tells of it and does not prove that the relay or the services of the node had it.
    Told(&'static str),
}

impl What {
    fn of(kind: NodeEventKind<'_>) -> Self {
        match kind {
            NodeEventKind::Lightpush { .. } => Self::Requested,
            NodeEventKind::RelayReceived { from } if from.is_rest() => Self::RestPublished,
            NodeEventKind::RelayReceived { .. } => Self::RelayReceived,
            NodeEventKind::RelaySent { .. } => Self::RelaySent,
            NodeEventKind::RelayPublished { peers_count } => Self::Relayed(peers_count),
            NodeEventKind::FilterPushStart { .. } => Self::Pushing,
            NodeEventKind::FilterPushDone { .. } => Self::Pushed,
            NodeEventKind::FilterPushed { .. } => Self::PushedToOne,
            NodeEventKind::FilterTimedOut { .. } => Self::PushTimedOut,
            NodeEventKind::FilterPushFailed { .. } => Self::PushFailed,
            NodeEventKind::FilterHandling => Self::Had("has it before its filter service"),
            NodeEventKind::FilterDuplicate => Self::Had("has pushed it before, and does not push it again"),
            NodeEventKind::FilterNobody => Self::Had("has no subscriber for it"),
            NodeEventKind::ArchiveHandling => Self::Had("has it before its archive"),
            NodeEventKind::Stored => Self::Had("stores it"),
            NodeEventKind::SyncReceived => Self::Told("gets it by store synchronisation"),
            NodeEventKind::SyncStored => Self::Told("stores what came by store synchronisation"),
            NodeEventKind::RelayRejected => Self::Told("does not accept it: a validator refuses it"),
            NodeEventKind::RelayPublishStart => Self::Told("begins to publish it by relay"),
            NodeEventKind::LightpushFailed { .. } => Self::Told("refuses the lightpush request or could not relay it"),
            NodeEventKind::LightpushAnswered { .. } => Self::Told("answers the lightpush request with success"),
            NodeEventKind::LightpushClientPublish { .. } => Self::Told("pushes it as a light client"),
            NodeEventKind::StoreRejected => Self::Told("does not store it"),
            NodeEventKind::FilterClientReceived { .. } => Self::Told("receives it as a filter client"),
            NodeEventKind::TesterPublished => Self::Told("says that its tester published it"),
            NodeEventKind::TesterPublishFailed => Self::Told("says that its tester could not publish it"),
            NodeEventKind::TesterReceived => Self::Told("says that its tester received it"),
            NodeEventKind::Messaging => Self::Told("tells of it in its messaging API"),
            NodeEventKind::FilterRequest { .. } => Self::Told("is asked by a filter client"),
            NodeEventKind::Address { .. } => Self::Told("names its addresses"),
        }
    }

    /// Whether it proves that the node had the message: the facts of the report, too.
    pub(super) fn had(self) -> bool {
        !matches!(self, Self::Told(_))
    }
}

impl Sighting {
    fn of(event: &NodeEvent<'_>, hash: MessageHash) -> Self {
        Self {
            at: Timestamp::from_unix_ns(event.at_ns),
            hash,
            what: What::of(event.kind),
            event: event.kind.name(),
            peers: event.kind.peers().iter().map(str::to_owned).collect(),
            quality: event.quality,
            push: PushLines::of(event.kind),
            reason: event
                .reason
                .map(|reason| reason.chars().take(MAX_REASON_CHARS).collect()),
            moment: NativeMoment::of(event),
        }
    }

    /// The line in words, without the node that wrote it.
    pub(super) fn describe(&self, names: &Names) -> String {
        let reason = self
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(": {reason}"));
        self.told(names) + &reason
    }

    fn told(&self, names: &Names) -> String {
        let peers = names.list(&self.peers);
        match self.what {
            What::Requested => format!("reads the lightpush request of {}", or_unnamed(&self.peers, &peers)),
            What::RelayReceived => format!("gets it from {}", or_unnamed(&self.peers, &peers)),
            What::RestPublished => "gets it over its REST API".to_owned(),
            What::RelaySent => format!("hands it to {peers}"),
            What::Relayed(None) => "has relayed it".to_owned(),
            What::Relayed(Some(count)) => format!("has relayed it to {}", show_count(count, "peer")),
            What::Pushing => format!("begins to push it to {}", or_unnamed(&self.peers, &peers)),
            What::Pushed => format!("ends its pushes to {}", or_unnamed(&self.peers, &peers)),
            What::PushedToOne => format!("has pushed it to {}", or_unnamed(&self.peers, &peers)),
            What::PushTimedOut if self.peers.len() > 1 => {
                format!("gave up its pushes to {peers}, of whom one at least did not take it")
            }
            What::PushTimedOut => format!(
                "gave up pushing it to {}, which did not take it",
                or_unnamed(&self.peers, &peers)
            ),
            What::PushFailed => format!("could not push it to {}", or_unnamed(&self.peers, &peers)),
            What::Had(text) | What::Told(text) => text.to_owned(),
        }
    }
}

fn or_unnamed<'a>(peers: &[String], shown: &'a str) -> &'a str {
    if peers.is_empty() {
        "a peer it does not name"
    } else {
        shown
    }
}

impl Native {
    pub(super) fn new(path: &str) -> Self {
        let file = Path::new(path)
            .file_name()
            .map_or(path.into(), |name| name.to_string_lossy());
        let log = log_name(Path::new(&*file)).unwrap_or(&file);
        let bare = log.strip_suffix(".log").unwrap_or(log);
        Self {
            name: if bare.is_empty() {
                path.to_owned()
            } else {
                bare.to_owned()
            },
            peer_id: None,
            ambiguous_ids: BTreeSet::new(),
            is_go_waku: false,
            sightings: Vec::new(),
        }
    }

    /// What to bear in mind about the log `path`.
    pub(super) fn notes(&self, path: &str) -> Vec<String> {
        let mut notes = Vec::new();
        if self.peer_id.is_none() {
            notes.push(format!(
                "{path} does not say in full whose log it is: it stands on the time line, and proves nothing; give the \
                 log from the start of its node on"
            ));
        }
        if !self.ambiguous_ids.is_empty() {
            let ids = list(&self.ambiguous_ids);
            notes.push(format!(
                "{path}: short peer ids of several peers were not resolved: {ids}"
            ));
        }
        notes
    }
}

/// Looks at the beginning of a log: whether it is a native one, and all of it.
pub(crate) fn sniff(input: &mut dyn BufRead) -> io::Result<(bool, impl BufRead)> {
    let mut start = Vec::new();
    io::Read::take(&mut *input, SNIFF_BYTES as u64).read_to_end(&mut start)?;
    Ok((looks_native(&start), io::Cursor::new(start).chain(input)))
}

/// Calls `each` with every event of a native log whose line contains one of `needles`, digits of a hash.
pub(crate) fn scan_native(
    input: &mut dyn BufRead,
    needles: &[String],
    mut each: impl FnMut(&NodeEvent<'_>, MessageHash),
) -> io::Result<()> {
    let mut parser = LineParser::default();
    let (mut line, mut in_long_line) = (Vec::new(), false);
    loop {
        line.clear();
        if io::Read::take(&mut *input, MAX_LINE_BYTES as u64 + 1).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let ends = line.last() == Some(&b'\n');
        let is_piece = in_long_line || (!ends && line.len() > MAX_LINE_BYTES);
        in_long_line = is_piece && !ends;
        if is_piece || !needles.iter().any(|needle| contains(&line, needle.as_bytes())) {
            continue;
        }
        if let Parsed::Node { event: Some(event), .. } = parser.parse(line.strip_suffix(b"\n").unwrap_or(&line))
            && let Some(hash) = event.hash
        {
            each(&event, hash);
        }
    }
}

/// Takes the lines about `hashes`.
pub(super) fn sightings(input: &mut dyn BufRead, hashes: &BTreeSet<MessageHash>) -> io::Result<Vec<Sighting>> {
    // The digits alone: whether 0x stands before them depends on the version.
    let needles: Vec<String> = hashes.iter().map(|hash| hash.to_string()[2..].to_owned()).collect();
    let mut found = Vec::new();
    scan_native(input, &needles, |event, hash| {
        if hashes.contains(&hash) {
            found.push(Sighting::of(event, hash));
        }
    })?;
    // Lines of one moment in a fixed order, whatever theirs was.
    found.sort();
    Ok(found)
}
