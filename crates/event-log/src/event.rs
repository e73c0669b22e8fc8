//! Every event a role can log, with the fields in the order in which they are written.
//!
//! A line is `{"v":1,"event":"<name>","time":"<RFC 3339 UTC, nanoseconds>", ...fields}`. Keys are flat: the only nested
//! values are `config` of [`RunStarted`] and `counters` of [`RunEnded`]. Optional fields are left out when absent.
//! Readers ignore keys they do not know, so that a field may be added without a new version; a changed meaning needs a
//! new [`SCHEMA_VERSION`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{hash::MessageHash, timestamp::Timestamp};

/// Version of the event schema, written as `v` in every line.
pub const SCHEMA_VERSION: u32 = 1;

/// One line of an event log.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Wall-clock time of the event on the host that logged it.
    pub time: Timestamp,
    /// What happened.
    pub event: Event,
}

/// Which of the three parts of a run wrote a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Pushes numbered messages.
    Publisher,
    /// Receives them by filter.
    Receiver,
    /// Relays them.
    ServiceNode,
}

/// How a client speaks to a service node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// The Waku protocols over libp2p streams.
    Libp2p,
    /// The node's REST API over HTTP.
    Rest,
}

impl Transport {
    /// The name, as written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Libp2p => "libp2p",
            Self::Rest => "rest",
        }
    }
}

/// How messages may have been lost between two polls of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskCause {
    /// The mailbox was full: older messages may have been thrown away.
    CacheFull,
    /// A poll empties the mailbox, and the answer to one did not arrive.
    NoAnswer,
}

/// How sure the publisher is about an attempt that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureOutcome {
    /// The service node answered and said no.
    Refused,
    /// Bytes left, no answer came: the message may have been relayed (indeterminate).
    NoAnswer,
    /// Nothing left this process: no connection, or the request was cut before it was written.
    NotSent,
}

/// What became of one push to one filter subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PushOutcome {
    /// Written to the subscriber's stream and flushed (filter has no acknowledgement).
    Ok,
    /// The stream could not be opened or broke.
    Failed,
    /// The subscriber's queue was full.
    Dropped,
    /// The subscriber did not take the bytes in time.
    TimedOut,
}

/// Where a relayed message came into the node that forwards it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RelayOrigin {
    /// A light client pushed it to this node.
    Lightpush,
    /// Another relay sent it.
    Relay,
}

/// How a place where a search begins was asked for nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BootstrapVia {
    /// A node list in DNS (EIP-1459).
    Dns,
    /// Peer exchange.
    PeerExchange,
}

macro_rules! events {
    ($( $(#[$doc:meta])* $name:ident = $wire:literal { $( $(#[$fdoc:meta])* $field:ident : $ty:ty ),* $(,)? } )*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
            pub struct $name { $( $(#[$fdoc])* pub $field: $ty ),* }

            impl From<$name> for Event {
                fn from(event: $name) -> Self { Self::$name(event) }
            }
        )*

        /// What happened; one variant a line kind.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event { $( $(#[$doc])* $name($name) ),* }

        impl Event {
            /// The names of all events, in the order of this file.
            pub const NAMES: &'static [&'static str] = &[$($wire),*];

            /// The value of the `event` key.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $( Self::$name(_) => $wire ),* }
            }

            /// Writes the fields as a JSON object (without `v`, `event`, `time`).
            pub(crate) fn write_fields(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
                match self { $( Self::$name(fields) => serde_json::to_writer(out, fields) ),* }
            }

            /// Reads the fields of the event called `name` from a whole line; `None` for a name this version does not
            /// know.
            pub(crate) fn read_fields(name: &str, line: &str) -> Option<serde_json::Result<Self>> {
                match name { $( $wire => Some(serde_json::from_str(line).map(Self::$name)), )* _ => None }
            }

            /// Names of each event's own fields in the order in which they are written, by event name.
            #[cfg(test)]
            pub(crate) const FIELD_NAMES: &'static [(&'static str, &'static [&'static str])] =
                &[ $( ($wire, &[ $( stringify!($field) ),* ]) ),* ];

            /// JSON Schema of each event's own fields, by event name.
            pub(crate) fn field_schemas(generator: &mut schemars::SchemaGenerator) -> Vec<(&'static str, schemars::Schema)> {
                vec![ $( ($wire, <$name as JsonSchema>::json_schema(generator)) ),* ]
            }
        }
    };
}

events! {
    /// First line of every log: who writes, in which run, with which configuration and expectations.
    RunStarted = "run_started" {
        /// Which part of the run this is.
        role: Role,
        /// Run id; logs of different runs are never merged silently.
        run: String,
        /// Name of this process in the run, such as `publisher-1`. Client `c` of it is called `<node>/<c>`.
        node: String,
        /// Host name.
        host: String,
        /// Boot id of the host's kernel: equal boot ids mean one clock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        boot: Option<String>,
        /// Process id.
        pid: u32,
        /// Program version, with the commit where known.
        version: String,
        /// Light clients in this process; 0 for a service node.
        clients: u32,
        /// Peer id of a service node.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        peer_id: Option<String>,
        /// Messages each client of a publisher plans to send; absent when open-ended and for other roles.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        messages: Option<u64>,
        /// Planned time between two messages of one client, nanoseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interval_ns: Option<u64>,
        /// How many publisher processes the run is meant to have.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect_publishers: Option<u32>,
        /// How many receiver processes the run is meant to have.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect_receivers: Option<u32>,
        /// Bound of this host's clock error, nanoseconds, when its time service tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clock_error_ns: Option<u64>,
        /// The full resolved configuration.
        config: BTreeMap<String, serde_json::Value>,
    }

    /// Last line of every log that ended in order. A log without it is torn.
    RunEnded = "run_ended" {
        /// `completed`, `duration`, `idle`, `signal`, or `error: …`.
        reason: String,
        /// Final counters of the role, by name.
        counters: BTreeMap<String, u64>,
    }

    /// A light client of this process exists.
    ClientStarted = "client_started" {
        /// Index of the client in this process, from 0.
        client: u32,
        /// `<node>/<client>`: the `sender` of a publisher's messages, the receiver's name in reports.
        name: String,
        /// Its peer id.
        peer_id: String,
    }

    /// A connection to a service node is up, identified, and on the right cluster: the first of this client to it.
    Connected = "connected" {
        /// Client index.
        client: u32,
        /// Peer id of the service node.
        service_node: String,
        /// How the service node is spoken to; absent from older logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transport: Option<Transport>,
        /// Address it was reached at.
        address: String,
        /// Its agent string, as it claims.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
    }

    /// The connection to a service node is gone.
    Disconnected = "disconnected" {
        /// Client index.
        client: u32,
        /// Peer id of the service node.
        service_node: String,
        /// How the service node is spoken to; absent from older logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transport: Option<Transport>,
        /// Why.
        reason: String,
    }

    /// A lost connection is up again.
    Reconnected = "reconnected" {
        /// Client index.
        client: u32,
        /// Peer id of the service node.
        service_node: String,
        /// How the service node is spoken to; absent from older logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transport: Option<Transport>,
        /// Address it was reached at.
        address: String,
        /// How long it was away, milliseconds.
        down_ms: u64,
    }

    /// A service node could not be reached or was refused.
    DialFailed = "dial_failed" {
        /// Client index.
        client: u32,
        /// Peer id of the service node.
        service_node: String,
        /// How the service node is spoken to; absent from older logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transport: Option<Transport>,
        /// Why.
        error: String,
        /// When the next try is due, milliseconds; absent when there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_in_ms: Option<u64>,
    }

    /// The client turned to another service node.
    PeerSwitched = "peer_switched" {
        /// Client index.
        client: u32,
        /// Peer id it left.
        from: String,
        /// Peer id it turned to.
        to: String,
        /// Why.
        reason: String,
        /// How the one it left was spoken to; absent from older logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from_transport: Option<Transport>,
        /// How the one it turned to is spoken to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to_transport: Option<Transport>,
    }

    /// A place where the search for service nodes begins was asked: a list in DNS, or a node by peer exchange.
    BootstrapAsked = "bootstrap_asked" {
        /// Round of the search, from 1.
        round: u32,
        /// URL of the list, or address of the node.
        bootstrap: String,
        /// How it was asked.
        via: BootstrapVia,
        /// Node records it named whose signature holds.
        records: u64,
        /// Records it named that cannot be fetched, read or verified.
        bad_records: u64,
        /// What went wrong first, if anything did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    }

    /// A candidate for a service node was dialled and tried out with the protocol it is meant for.
    CandidateTested = "candidate_tested" {
        /// Round of the search, from 1.
        round: u32,
        /// Peer id of the candidate.
        service_node: String,
        /// Address it was reached at, or the first of those tried.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
        /// Its agent string, as it claims, when it got that far.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
        /// From the dial until it had introduced itself, milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        connect_ms: Option<u64>,
        /// One metadata request and its answer, nanoseconds; present exactly when the candidate passed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        round_trip_ns: Option<u64>,
        /// Why it did not pass.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    }

    /// A round of the search for service nodes has ended.
    ServiceNodesChosen = "service_nodes_chosen" {
        /// Round of the search, from 1.
        round: u32,
        /// `random` or `fastest`.
        choice: String,
        /// Seed of what was drawn by lot.
        seed: u64,
        /// Peers named by all who were asked.
        candidates: u64,
        /// Left out by their record: another cluster.
        other_cluster: u64,
        /// Left out by their record: a shard is missing.
        other_shard: u64,
        /// Left out by their record: the protocol is missing.
        no_capability: u64,
        /// Left out by their record: no address of a kind that can be dialled.
        no_address: u64,
        /// Left out because they are in use already.
        known: u64,
        /// Left out because enough others are tested.
        over_limit: u64,
        /// Candidates tested.
        tested: u64,
        /// Candidates that passed.
        usable: u64,
        /// Peer ids of those chosen, in the order of the choice; none when the round found nothing.
        service_nodes: Vec<String>,
    }

    /// A message is about to leave. Logged before the bytes, so that a killed publisher leaves its trace.
    PublishAttempt = "publish_attempt" {
        /// Sender of the numbered message.
        sender: String,
        /// Index of the message, from 1.
        index: u32,
        /// Attempt at this index, from 1.
        attempt: u32,
        /// Deterministic message hash (RFC 14) of this attempt.
        hash: MessageHash,
        /// Payload size, bytes.
        size_bytes: u64,
        /// Peer id of the service node it goes to.
        service_node: String,
        /// How the service node is spoken to; absent from older logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transport: Option<Transport>,
        /// Pubsub topic.
        pubsub_topic: String,
        /// Content topic.
        content_topic: String,
        /// When the schedule wanted this index sent (the same for every attempt).
        intended: Timestamp,
        /// When this attempt was handed to the network.
        sent: Timestamp,
    }

    /// The service node acknowledged an attempt.
    Published = "published" {
        /// Sender of the numbered message.
        sender: String,
        /// Index of the message, from 1.
        index: u32,
        /// Attempt at this index, from 1.
        attempt: u32,
        /// Message hash of this attempt.
        hash: MessageHash,
        /// Payload size, bytes.
        size_bytes: u64,
        /// Peer id of the service node.
        service_node: String,
        /// How the service node is spoken to; absent from older logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transport: Option<Transport>,
        /// When the schedule wanted this index sent.
        intended: Timestamp,
        /// When this attempt was handed to the network.
        sent: Timestamp,
        /// When the answer arrived.
        acked: Timestamp,
        /// Status code of the answer (lightpush v2 success is 200).
        status: u32,
        /// Status text, when there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status_text: Option<String>,
        /// To how many relay peers the service node says it sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relay_peers: Option<u32>,
    }

    /// An attempt did not succeed.
    PublishFailed = "publish_failed" {
        /// Sender of the numbered message.
        sender: String,
        /// Index of the message, from 1.
        index: u32,
        /// Attempt at this index, from 1.
        attempt: u32,
        /// Message hash of this attempt.
        hash: MessageHash,
        /// Payload size, bytes.
        size_bytes: u64,
        /// Peer id of the service node; absent when there was none to send to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service_node: Option<String>,
        /// How the service node is spoken to; absent from older logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transport: Option<Transport>,
        /// When the schedule wanted this index sent.
        intended: Timestamp,
        /// When this attempt was handed to the network.
        sent: Timestamp,
        /// When it was given up.
        failed: Timestamp,
        /// Refused, unanswered or never sent.
        outcome: FailureOutcome,
        /// Status code of the answer, when there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u32>,
        /// Status text or local error.
        error: String,
        /// Whether another attempt at this index follows.
        retry: bool,
    }

    /// A filter subscription was accepted.
    Subscribed = "subscribed" {
        /// Client index.
        client: u32,
        /// Peer id of the service node.
        service_node: String,
        /// How the service node is spoken to; absent from older logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transport: Option<Transport>,
        /// Pubsub topic.
        pubsub_topic: String,
        /// Number of content topics subscribed to there.
        content_topics: u32,
        /// Whether this client had been subscribed there before.
        renewed: bool,
    }

    /// A subscription is known to be gone.
    SubscriptionLost = "subscription_lost" {
        /// Client index.
        client: u32,
        /// Peer id of the service node.
        service_node: String,
        /// How the service node is spoken to; absent from older logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transport: Option<Transport>,
        /// The last moment the subscription is known to have been alive (last message, ping or subscribe answer).
        since: Timestamp,
        /// Why.
        reason: String,
    }

    /// A service node refused a subscription.
    SubscribeFailed = "subscribe_failed" {
        /// Client index.
        client: u32,
        /// Peer id of the service node.
        service_node: String,
        /// How the service node is spoken to; absent from older logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transport: Option<Transport>,
        /// Status code, when it answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u32>,
        /// Status text or local error.
        error: String,
    }

    /// A client has no live subscription any more. `time` is when it noticed.
    PresenceLost = "presence_lost" {
        /// Client index.
        client: u32,
        /// The last moment it is known to have been subscribed.
        since: Timestamp,
        /// Why.
        reason: String,
    }

    /// A client has a live subscription again. The gap is `since` to `time`.
    PresenceRestored = "presence_restored" {
        /// Client index.
        client: u32,
        /// Where the gap began.
        since: Timestamp,
    }

    /// A numbered message arrived. `time` is its arrival.
    Received = "received" {
        /// Client index.
        client: u32,
        /// Sender named in the payload.
        sender: String,
        /// Index named in the payload, from 1.
        index: u32,
        /// Attempt named in the payload; absent from the Nim tester's messages.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
        /// Message hash, computed from what arrived.
        hash: MessageHash,
        /// Payload size, bytes.
        size_bytes: u64,
        /// Peer id of the service node that pushed it.
        service_node: String,
        /// How the service node is spoken to; absent from older logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transport: Option<Transport>,
        /// Content topic.
        content_topic: String,
        /// Run named in the payload, when it is not this receiver's own run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<String>,
        /// Intended send time named in the payload.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        intended: Option<Timestamp>,
        /// Actual send time named in the payload.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sent: Option<Timestamp>,
    }

    /// A numbered message arrived whose payload contradicts itself.
    CorruptReceived = "corrupt_received" {
        /// Client index.
        client: u32,
        /// Sender named in the payload.
        sender: String,
        /// Index named in the payload.
        index: u32,
        /// Message hash, computed from what arrived.
        hash: MessageHash,
        /// Payload size, bytes.
        size_bytes: u64,
        /// Peer id of the service node that pushed it.
        service_node: String,
        /// How the service node is spoken to; absent from older logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transport: Option<Transport>,
        /// What is wrong with it.
        reason: String,
    }

    /// Something on the topic that is not a numbered message.
    ForeignReceived = "foreign_received" {
        /// Client index.
        client: u32,
        /// Message hash, computed from what arrived.
        hash: MessageHash,
        /// Payload size, bytes.
        size_bytes: u64,
        /// Peer id of the service node that pushed it.
        service_node: String,
        /// How the service node is spoken to; absent from older logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transport: Option<Transport>,
        /// Content topic.
        content_topic: String,
        /// Why it is foreign.
        reason: String,
    }

    /// A frame from a peer that could not be decoded.
    MalformedFrame = "malformed_frame" {
        /// Client index; absent in a service node's log.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client: Option<u32>,
        /// Peer it came from.
        peer: String,
        /// How that peer is spoken to; absent in a service node's log and from older logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transport: Option<Transport>,
        /// Protocol id.
        protocol: String,
        /// What was wrong.
        error: String,
    }

    /// Messages may have been lost on the way from a REST service node's mailbox to the receiver: `time` ends the
    /// stretch in which that may have happened, the poll before begins it.
    MessagesAtRisk = "messages_at_risk" {
        /// Client index.
        client: u32,
        /// Peer id of the service node.
        service_node: String,
        /// How the service node is spoken to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transport: Option<Transport>,
        /// Content topic polled; absent when all of them share the mailbox's cache, as at nwaku.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content_topic: Option<String>,
        /// How they may have been lost.
        cause: RiskCause,
        /// Messages that were in the mailbox, when it was full.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        messages: Option<u64>,
        /// What the mailbox holds, when it was full.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        capacity: Option<u64>,
        /// Why there was no answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    }

    /// A filter ping was not answered with success.
    PingFailed = "ping_failed" {
        /// Client index.
        client: u32,
        /// Peer id of the service node.
        service_node: String,
        /// How the service node is spoken to; absent from older logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transport: Option<Transport>,
        /// Status code, when it answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u32>,
        /// Status text or local error.
        error: String,
        /// Failures in a row.
        failures: u32,
    }

    /// The service node listens.
    Listening = "listening" {
        /// Full multiaddr with peer id.
        address: String,
    }

    /// A peer connected to the service node.
    PeerConnected = "peer_connected" {
        /// Peer id.
        peer: String,
        /// Its address.
        address: String,
        /// Whether the peer dialled us.
        inbound: bool,
    }

    /// A peer left the service node, or was sent away.
    PeerDisconnected = "peer_disconnected" {
        /// Peer id.
        peer: String,
        /// Why.
        reason: String,
    }

    /// The number of mesh peers of a pubsub topic changed.
    MeshChanged = "mesh_changed" {
        /// Pubsub topic.
        pubsub_topic: String,
        /// Mesh peers now.
        peers: u32,
    }

    /// The service node answered a lightpush request. `time` is when the answer was ready.
    LightpushHandled = "lightpush_handled" {
        /// Peer that asked.
        peer: String,
        /// `v2` or `v3`.
        protocol: String,
        /// Its request id.
        request_id: String,
        /// Hash of the message; absent when there was none to hash.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hash: Option<MessageHash>,
        /// Pubsub topic, asked for or derived.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pubsub_topic: Option<String>,
        /// Content topic.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content_topic: Option<String>,
        /// Payload size, bytes.
        size_bytes: u64,
        /// When the request had been read.
        received: Timestamp,
        /// Status code answered.
        status: u32,
        /// Status text answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status_text: Option<String>,
        /// Relay peers it was sent to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relay_peers: Option<u32>,
    }

    /// A relay peer delivered a message that is new and valid.
    RelayReceived = "relay_received" {
        /// Message hash.
        hash: MessageHash,
        /// Peer id it came from.
        from_peer: String,
        /// Pubsub topic.
        pubsub_topic: String,
        /// Content topic.
        content_topic: String,
        /// Payload size, bytes.
        size_bytes: u64,
    }

    /// A message was handed to relay peers.
    RelaySent = "relay_sent" {
        /// Message hash.
        hash: MessageHash,
        /// Peer ids it was queued to.
        to_peers: Vec<String>,
        /// Pubsub topic.
        pubsub_topic: String,
        /// Pushed here, or forwarded.
        origin: RelayOrigin,
    }

    /// A relayed message was refused and not forwarded.
    RelayRejected = "relay_rejected" {
        /// Peer id it came from.
        from_peer: String,
        /// Pubsub topic.
        pubsub_topic: String,
        /// Why.
        reason: String,
    }

    /// The service node answered a filter request (subscribe, unsubscribe, ping).
    FilterHandled = "filter_handled" {
        /// Peer that asked.
        peer: String,
        /// `ping`, `subscribe`, `unsubscribe` or `unsubscribe_all`.
        request: String,
        /// Pubsub topic.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pubsub_topic: Option<String>,
        /// Number of content topics in the request.
        content_topics: u32,
        /// Status code answered.
        status: u32,
        /// Status text answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status_text: Option<String>,
    }

    /// A filter subscriber was removed without asking for it.
    FilterExpired = "filter_expired" {
        /// Peer id.
        peer: String,
        /// Why.
        reason: String,
    }

    /// One push of one message to one subscriber ended.
    FilterPushed = "filter_pushed" {
        /// Message hash.
        hash: MessageHash,
        /// Subscriber.
        peer: String,
        /// What became of it.
        outcome: PushOutcome,
        /// The error, when it did not go well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    }

    /// A message is in the store.
    Stored = "stored" {
        /// Message hash.
        hash: MessageHash,
        /// Pubsub topic.
        pubsub_topic: String,
    }

    /// A message was deliberately not stored.
    StoreSkipped = "store_skipped" {
        /// Message hash.
        hash: MessageHash,
        /// `ephemeral`, `timestamp …` or an error.
        reason: String,
    }
}
