//! What a line of a native log says.

use event_log::MessageHash;
use schemars::JsonSchema;
use serde::Serialize;

/// Form of a native log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// nwaku text (chronicles text lines).
    NwakuText,
    /// nwaku JSON (chronicles JSON lines).
    NwakuJson,
    /// go-waku console (zap, separated by tabs).
    GoWakuConsole,
    /// go-waku JSON (zap).
    GoWakuJson,
}

impl Format {
    pub(super) const COUNT: usize = 4;

    /// In the order of their numbers.
    pub(super) const ALL: [Self; Self::COUNT] =
        [Self::NwakuText, Self::NwakuJson, Self::GoWakuConsole, Self::GoWakuJson];

    pub(super) fn is_go_waku(self) -> bool {
        matches!(self, Self::GoWakuConsole | Self::GoWakuJson)
    }

    /// The format in words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::NwakuText => "nwaku text",
            Self::NwakuJson => "nwaku JSON",
            Self::GoWakuConsole => "go-waku console",
            Self::GoWakuJson => "go-waku JSON",
        }
    }
}

/// How exact the time of an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeQuality {
    /// A field in nanoseconds that went through a 64-bit float of seconds: multiples of 256 ns.
    Float256Ns,
    /// The time of the log line, milliseconds (go-waku).
    Line1Ms,
    /// The time of the log line, milliseconds from the coarse clock, up to 4 ms old (nwaku).
    Coarse4Ms,
}

impl TimeQuality {
    /// How far the time may be off, nanoseconds.
    #[must_use]
    pub fn error_ns(self) -> i64 {
        match self {
            Self::Float256Ns => 256,
            Self::Line1Ms => 1_000_000,
            Self::Coarse4Ms => 4_000_000,
        }
    }
}

/// Peer ids as they stand in a log line: one, or a list in the form of any version
/// (`"@[\"16U*wJXtuH\"]"`, `"[16U*wJXtuH, …]"`, `16U*wJXtuH`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeerList<'a>(pub(crate) &'a [u8]);

impl<'a> PeerList<'a> {
    /// The peer ids, short or full.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        self.0
            .split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'*')
            .filter(|word| is_peer_id(word))
            .filter_map(|word| std::str::from_utf8(word).ok())
    }

    /// The peer ids that end an address: those in front of `/p2p-circuit` are of the relay it goes through.
    pub(super) fn ends_of_addresses(self) -> impl Iterator<Item = &'a str> {
        let text = self.0;
        self.iter().filter(move |id| {
            let follows = memchr::memmem::find(text, id.as_bytes()).map(|at| &text[at + id.len()..]);
            !follows.is_some_and(|follows| follows.starts_with(b"/p2p-circuit"))
        })
    }

    /// The first peer id.
    #[must_use]
    pub fn first(self) -> Option<&'a str> {
        self.iter().next()
    }
}

/// What stands in place of the relay peer where a message came in over the node's own REST API.
const REST: &[u8] = b"rest";

impl PeerList<'_> {
    /// Whether it is no peer but the node's REST API.
    pub(crate) fn is_rest(self) -> bool {
        self.0 == REST
    }
}

/// Whether `word` has the form of a peer id: full (`16Uiu2HAm…`, `12D3KooW…`, `Qm…`) or shortened by nwaku
/// (three characters, `*`, six characters).
pub(crate) fn is_peer_id(word: &[u8]) -> bool {
    let alphanumeric = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_alphanumeric);
    match word {
        [a, b, c, b'*', rest @ ..] => alphanumeric(&[*a, *b, *c]) && rest.len() == 6 && alphanumeric(rest),
        _ => {
            let full = word.starts_with(b"16Uiu2") || word.starts_with(b"12D3Koo") || word.starts_with(b"Qm");
            full && word.len() >= 40 && alphanumeric(word)
        }
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $variant:ident $( { $($(#[doc = $field_doc:literal])* $field:ident : $type:ty),* $(,)? } )? = $name:literal),* $(,)?) => {
        /// What happened at the node.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum NodeEventKind<'a> {
            $($(#[doc = $doc])* $variant $( { $($(#[doc = $field_doc])* $field: $type),* } )?),*
        }

        /// Names of all kinds, in the order of a message's way.
        pub(crate) const KIND_NAMES: &[&str] = &[$($name),*];

        #[derive(Clone, Copy)]
        enum Position { $($variant),* }

        impl NodeEventKind<'_> {
            /// Name of the kind in inventories.
            #[must_use]
            pub fn name(&self) -> &'static str {
                KIND_NAMES[self.position()]
            }

            /// Position in [`KIND_NAMES`].
            pub(crate) fn position(&self) -> usize {
                match self { $(Self::$variant { .. } => Position::$variant as usize),* }
            }
        }
    };
}

kinds! {
    /// The node says where it listens or what it announces; `peers` are its own full ids.
    Address {
        /// Full peer ids in the addresses.
        peers: PeerList<'a>,
    } = "address",
    /// A lightpush request came in. The answer is not logged with it.
    Lightpush {
        /// Who asked.
        peer: PeerList<'a>,
        /// Request id.
        request_id: Option<&'a str>,
    } = "lightpush_request",
    /// A lightpush request was answered with success (go-waku; no hash).
    LightpushAnswered {
        /// Request id.
        request_id: Option<&'a str>,
    } = "lightpush_answered",
    /// A lightpush request was refused or could not be relayed.
    LightpushFailed {
        /// Who asked.
        peer: PeerList<'a>,
        /// Request id.
        request_id: Option<&'a str>,
    } = "lightpush_failed",
    /// The node's own client pushes a message to `to`.
    LightpushClientPublish {
        /// The service node.
        to: PeerList<'a>,
    } = "lightpush_client_publish",
    /// The node begins to publish by relay.
    RelayPublishStart = "relay_publish_start",
    /// The node published by relay.
    RelayPublished {
        /// Relay peers it went to, when the version says so.
        peers_count: Option<u64>,
    } = "relay_published",
    /// A message came in by relay and is valid; `from` is empty when the version does not say.
    RelayReceived {
        /// The relay peer; empty for a message published over REST.
        from: PeerList<'a>,
    } = "relay_received",
    /// A validator refused the message.
    RelayRejected = "relay_rejected",
    /// A message was sent to one relay peer.
    RelaySent {
        /// The relay peer.
        to: PeerList<'a>,
    } = "relay_sent",
    /// A filter client asks something: to be subscribed, or whether it is.
    FilterRequest {
        /// Who asks.
        peer: PeerList<'a>,
    } = "filter_request",
    /// The filter service has the message before it.
    FilterHandling = "filter_handling",
    /// Pushes to filter subscribers begin.
    FilterPushStart {
        /// The subscribers.
        peers: PeerList<'a>,
    } = "filter_push_start",
    /// Pushes to filter subscribers ended. nwaku writes this although single pushes failed, and also when it pushed nothing
    /// because of [`FilterDuplicate`](Self::FilterDuplicate).
    FilterPushDone {
        /// The subscribers.
        peers: PeerList<'a>,
        /// Their number, when the version says so.
        count: Option<u64>,
    } = "filter_push_done",
    /// A push to one subscriber was written to its stream (go-waku).
    FilterPushed {
        /// The subscriber.
        peer: PeerList<'a>,
    } = "filter_pushed",
    /// The message had been pushed before and is not pushed again.
    FilterDuplicate = "filter_duplicate",
    /// The pushes did not end in time.
    FilterTimedOut {
        /// The subscribers.
        peers: PeerList<'a>,
    } = "filter_timed_out",
    /// A push to one subscriber failed (nwaku logs neither hash nor subscriber with it).
    FilterPushFailed {
        /// The subscriber.
        peer: PeerList<'a>,
    } = "filter_push_failed",
    /// Nobody has subscribed to the message's topic.
    FilterNobody = "filter_nobody",
    /// The archive has the message before it.
    ArchiveHandling = "archive_handling",
    /// The message is in the archive.
    Stored = "stored",
    /// The message came to the archive by store synchronisation, not by relay.
    SyncReceived = "sync_received",
    /// A message that came by store synchronisation is in the archive.
    SyncStored = "sync_stored",
    /// The archive refused a message or could not keep it.
    StoreRejected = "store_rejected",
    /// The node's own filter client received a push.
    FilterClientReceived {
        /// The service node.
        from: PeerList<'a>,
    } = "filter_client_received",
    /// The original liteprotocoltester published a message.
    TesterPublished = "tester_published",
    /// The original liteprotocoltester could not publish a message.
    TesterPublishFailed = "tester_publish_failed",
    /// The original liteprotocoltester received a message.
    TesterReceived = "tester_received",
    /// The messaging API says that a message was received, propagated, sent or missed.
    Messaging = "messaging",
}

impl<'a> NodeEventKind<'a> {
    /// The peers it names, but those of its own addresses.
    pub(crate) fn peers(self) -> PeerList<'a> {
        match self {
            Self::Lightpush { peer, .. }
            | Self::LightpushFailed { peer, .. }
            | Self::FilterRequest { peer }
            | Self::FilterPushed { peer }
            | Self::FilterPushFailed { peer } => peer,
            Self::RelayReceived { from } | Self::FilterClientReceived { from } => from,
            Self::RelaySent { to } | Self::LightpushClientPublish { to } => to,
            Self::FilterPushStart { peers } | Self::FilterPushDone { peers, .. } | Self::FilterTimedOut { peers } => {
                peers
            }
            _ => PeerList::default(),
        }
    }
}

/// One event of a native log; it borrows from the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeEvent<'a> {
    /// When, nanoseconds since the Unix epoch.
    pub at_ns: i64,
    /// How exact `at_ns` is.
    pub quality: TimeQuality,
    /// Time of the line, nanoseconds since the Unix epoch.
    pub line_ns: i64,
    /// How exact `line_ns` is.
    pub line_quality: TimeQuality,
    /// What happened.
    pub kind: NodeEventKind<'a>,
    /// The message, where the line names one in full.
    pub hash: Option<MessageHash>,
    /// The node's own peer id, short or full, where the line names it.
    pub my_peer_id: Option<&'a str>,
    /// Pubsub topic, without the `some("…")` or `ok("…")` of an optional value.
    pub pubsub_topic: Option<&'a str>,
    /// Why something failed, as logged; escapes left.
    pub reason: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_every_version_are_read() {
        for (text, expected) in [
            (
                r#"@[\"16U*wJXtuH\", \"16U*GiNg1a\"]"#,
                &["16U*wJXtuH", "16U*GiNg1a"][..],
            ),
            ("[16U*wJXtuH, 16U*GiNg1a]", &["16U*wJXtuH", "16U*GiNg1a"]),
            ("12D*YCde2H", &["12D*YCde2H"]),
            ("rest", &[]),
            ("[]", &[]),
        ] {
            assert_eq!(PeerList(text.as_bytes()).iter().collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn the_relay_of_a_circuit_address_is_not_the_node() {
        let own = "16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPGiNg1aX";
        let relay = own.replace("B4No", "C5Pq");
        let text = format!("[/ip4/10.0.0.1/tcp/1/p2p/{relay}/p2p-circuit/p2p/{own}][/ip4/10.0.0.2/tcp/1/p2p/{own}]");
        let ids: Vec<_> = PeerList(text.as_bytes()).ends_of_addresses().collect();
        assert_eq!(ids, [own, own]);
    }

    #[test]
    fn full_ids_stand_out_of_addresses() {
        let id = "16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPGiNg1aX";
        let text = format!("[/ip4/127.0.0.1/tcp/60000/p2p/{id}, /dns4/node/tcp/8000/ws]");
        assert_eq!(PeerList(text.as_bytes()).iter().collect::<Vec<_>>(), [id]);
    }
}
