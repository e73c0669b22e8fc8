//! What a message with its fields tells.

use super::{
    event::{NodeEvent, NodeEventKind, PeerList, TimeQuality},
    fields::Fields,
    message::Message,
};

/// What a line tells.
#[derive(Debug, Default)]
pub(super) struct Told<'a> {
    pub(super) event: Option<NodeEvent<'a>>,
    /// Whether the line is a known one whose message or subscribers are cut off.
    pub(super) cut: bool,
    /// The text that the hash was read from.
    pub(super) hash_text: &'a [u8],
}

/// What a message with its fields tells; no event when they do not go together.
pub(super) fn told<'a>(
    message: Message,
    fields: &Fields<'a>,
    line: &'a [u8],
    line_time: (i64, TimeQuality),
) -> Told<'a> {
    let names_none = fields.hash.is_none() && !fields.old_digest;
    let cut = fields.is_list_cut() || (names_none && message.always_names_a_message());
    Told {
        event: if cut {
            None
        } else {
            event(message, fields, line, line_time)
        },
        cut,
        hash_text: fields.hash_text,
    }
}

/// Builds of early 2023 gave times in whole seconds: then the time of the line is the better one.
const WHOLE_SECOND_NS: i64 = 1_000_000_000;

fn event<'a>(
    message: Message,
    fields: &Fields<'a>,
    line: &'a [u8],
    (line_ns, line_quality): (i64, TimeQuality),
) -> Option<NodeEvent<'a>> {
    let (at_ns, quality) = match fields.explicit_ns {
        Some(at_ns) if at_ns % WHOLE_SECOND_NS != 0 => (at_ns, TimeQuality::Float256Ns),
        _ => (line_ns, line_quality),
    };
    let is_relay = matches!(message, Message::RelayReceived | Message::RelayPublished);
    // Up to 0.28 a relay line calls the node itself `peerId`.
    let my_peer_id = fields
        .my_peer_id()
        .or_else(|| is_relay.then(|| PeerList(fields.peer).first()).flatten());
    Some(NodeEvent {
        at_ns,
        quality,
        line_ns,
        line_quality,
        kind: kind(message, fields, line)?,
        hash: fields.hash,
        my_peer_id,
        pubsub_topic: fields.pubsub_topic(),
        reason: fields.reason(),
    })
}

fn kind<'a>(message: Message, fields: &Fields<'a>, line: &'a [u8]) -> Option<NodeEventKind<'a>> {
    use NodeEventKind as Kind;
    let peer = PeerList(fields.peer);
    let request_id = fields.request_id();
    let hashed = |kind| (fields.hash.is_some() || fields.old_digest).then_some(kind);
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
        Message::RelayRejected => hashed(Kind::RelayRejected),
        Message::RelaySent => hashed(Kind::RelaySent {
            to: PeerList(fields.to_peer),
        }),
        Message::Handling if fields.is_of(b"archive") => hashed(Kind::ArchiveHandling),
        Message::Handling if fields.is_of(b"filter") => hashed(Kind::FilterHandling),
        // Of which protocol cannot be told: not guessed.
        Message::Handling => None,
        Message::FilterRequest => Some(Kind::FilterRequest { peer }),
        Message::GoWakuRequest => fields.is_of(b"filter").then_some(Kind::FilterRequest { peer }),
        Message::FilterHandling => hashed(Kind::FilterHandling),
        Message::FilterPushStart => hashed(Kind::FilterPushStart {
            peers: fields.targets(),
        }),
        Message::FilterPushDone => hashed(Kind::FilterPushDone {
            peers: fields.targets(),
            count: fields.peers_count,
        }),
        Message::FilterPushed => hashed(Kind::FilterPushed { peer }),
        Message::FilterDuplicate => Some(Kind::FilterDuplicate),
        Message::FilterTimedOut => Some(Kind::FilterTimedOut {
            peers: fields.targets(),
        }),
        Message::FilterPushFailed => Some(Kind::FilterPushFailed { peer }),
        Message::GoWakuPushFailed if peer.first().is_some() => hashed(Kind::FilterPushFailed { peer }),
        Message::GoWakuPushFailed => None,
        Message::FilterNobody => Some(Kind::FilterNobody),
        Message::Stored => hashed(Kind::Stored),
        Message::SyncReceived => hashed(Kind::SyncReceived),
        Message::SyncStored => hashed(Kind::SyncStored),
        Message::StoreRejected => Some(Kind::StoreRejected),
        Message::Invalid => hashed(Kind::StoreRejected).filter(|_| fields.is_of(b"archive")),
        Message::FilterClientReceived => hashed(Kind::FilterClientReceived { from: peer }),
        Message::TesterPublished => hashed(Kind::TesterPublished),
        Message::TesterPublishFailed => hashed(Kind::TesterPublishFailed),
        Message::ReceivedOfTesterOrMessaging if fields.has_index => hashed(Kind::TesterReceived),
        Message::ReceivedOfTesterOrMessaging => hashed(Kind::Messaging),
        Message::Messaging => Some(Kind::Messaging),
    }
}
