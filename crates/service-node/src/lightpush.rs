//! The lightpush service, versions 2 and 3: takes a message from a light client and hands it to relay.
//!
//! Status codes are nwaku's (`waku_lightpush/common.nim`), except that a shard this node does not relay is answered
//! with 421, as the specification has it, where nwaku publishes into the void and answers 505. The answer never waits
//! for this node's own filter subscribers.

use std::{error::Error, sync::Arc};

use bytes::Bytes;
use event_log::{Timestamp, event::LightpushHandled};
use libp2p::PeerId;
use prost::Message;
use tokio::time::Instant;
use waku::{
    ContentTopic, FrameError, PubsubTopic, Status, WakuMessage, autoshard,
    status::code,
    wire::{LightpushRequest, LightpushResponse, PushRpc, frame_cap, lightpush::REQUEST_ID_UNKNOWN, protocol_id},
};

use crate::{
    delivery::{Delivery, PublishOutcome, log_hash, log_text},
    inbound::{Answer, check_request_id},
    metrics::StatusLabel,
    relay::max_message_bytes,
    services::Services,
};

/// A request of either version.
struct Push {
    version: &'static str,
    request_id: String,
    pubsub_topic: Option<String>,
    message: Option<WakuMessage>,
    received: Timestamp,
}

/// How a push ended.
struct Outcome {
    status: u32,
    text: Option<String>,
    relay_peers: Option<u32>,
    delivery: Option<Arc<Delivery>>,
}

impl Outcome {
    fn refused(status: u32, text: impl Into<String>) -> Self {
        Self {
            status,
            // Some texts quote the request, and an answer has a limit.
            text: Status::new(status, Some(text.into())).text,
            relay_peers: None,
            delivery: None,
        }
    }
}

/// Answers a version 3 request.
pub(crate) async fn answer_v3(services: &Arc<Services>, peer: PeerId, frame: Bytes) -> Answer {
    let received = Timestamp::now();
    let response = match decode(frame, LightpushRequest::request_id) {
        Ok(request) => {
            let request_id = request.request_id().to_owned();
            let push = Push {
                version: "v3",
                request_id: request_id.clone(),
                pubsub_topic: request.pubsub_topic,
                message: request.message,
                received,
            };
            let outcome = handle(services, peer, push).await;
            match (outcome.status, outcome.relay_peers, outcome.text) {
                (code::OK, relay_peers, _) => LightpushResponse::ok(request_id, relay_peers.unwrap_or(0)),
                (status, _, text) => LightpushResponse::refused(request_id, status, text.unwrap_or_default()),
            }
        }
        Err(error) => {
            services.note_malformed(peer, protocol_id::LIGHTPUSH_V3, &*error);
            undecodable_v3(&*error)
        }
    };
    must_fit(Answer::new(&response, frame_cap::LIGHTPUSH_RESPONSE_BYTES))
}

/// Answers a version 2 request.
pub(crate) async fn answer_v2(services: &Arc<Services>, peer: PeerId, frame: Bytes) -> Answer {
    let received = Timestamp::now();
    let response = match decode(frame, PushRpc::request_id) {
        Ok(rpc) => {
            let request_id = rpc.request_id().to_owned();
            let request = rpc.request.unwrap_or_default();
            let push = Push {
                version: "v2",
                request_id: request_id.clone(),
                // Version 2 has no autosharding: the topic must be there.
                pubsub_topic: Some(request.pubsub_topic.unwrap_or_default()),
                message: request.message,
                received,
            };
            let outcome = handle(services, peer, push).await;
            match (outcome.status, outcome.text) {
                (code::OK, _) => PushRpc::ok(request_id),
                (code::TOO_MANY_REQUESTS, _) => PushRpc::refused(request_id, "TOO_MANY_REQUESTS"),
                (code::NO_PEERS_TO_RELAY, _) => PushRpc::refused(request_id, "not_published_to_any_peer"),
                (_, text) => PushRpc::refused(request_id, text.unwrap_or_default()),
            }
        }
        Err(error) => {
            services.note_malformed(peer, protocol_id::LIGHTPUSH_V2, &*error);
            undecodable_v2(&*error)
        }
    };
    must_fit(Answer::new(&response, frame_cap::LIGHTPUSH_RESPONSE_BYTES))
}

/// What a push over REST is answered with: status, text, relay peers.
pub(crate) type RestOutcome = (u32, Option<String>, Option<u32>);

/// Handles a push that came over REST. HTTP knows no peers: this node itself counts as the one that asks.
pub(crate) async fn handle_rest(
    services: &Arc<Services>,
    version: &'static str,
    pubsub_topic: Option<String>,
    message: WakuMessage,
) -> RestOutcome {
    let push = Push {
        version,
        request_id: String::new(),
        pubsub_topic,
        message: Some(message),
        received: Timestamp::now(),
    };
    let peer = services.config.keypair.public().to_peer_id();
    let outcome = handle(services, peer, push).await;
    (outcome.status, outcome.text, outcome.relay_peers)
}

/// Decodes a request whose id an answer can carry.
fn decode<M: Message + Default>(frame: Bytes, id: impl FnOnce(&M) -> &str) -> Result<M, Box<dyn Error + Send + Sync>> {
    let request = M::decode(frame)?;
    check_request_id(id(&request))?;
    Ok(request)
}

/// The answer to a lightpush frame that could not even be read (too large, say); `None` for other protocols.
pub(crate) fn refuse_unreadable(protocol: &str, error: &FrameError) -> Option<Answer> {
    let cap_bytes = frame_cap::LIGHTPUSH_RESPONSE_BYTES;
    match protocol {
        protocol_id::LIGHTPUSH_V3 => Answer::new(&undecodable_v3(error), cap_bytes),
        protocol_id::LIGHTPUSH_V2 => Answer::new(&undecodable_v2(error), cap_bytes),
        _ => None,
    }
}

fn undecodable_v3(error: &dyn std::fmt::Display) -> LightpushResponse {
    LightpushResponse::refused(
        REQUEST_ID_UNKNOWN,
        code::BAD_REQUEST,
        format!("decode_rpc_failure: {error}"),
    )
}

fn undecodable_v2(error: &dyn std::fmt::Display) -> PushRpc {
    PushRpc::refused(REQUEST_ID_UNKNOWN, format!("decode_rpc_failure: {error}"))
}

fn must_fit(answer: Option<Answer>) -> Answer {
    answer.expect("a lightpush answer holds an id and a short text, far below its cap")
}

async fn handle(services: &Arc<Services>, peer: PeerId, push: Push) -> Outcome {
    let size_bytes = push
        .message
        .as_ref()
        .map_or(0, |message| message.payload().len() as u64);
    let content_topic = push.message.as_ref().map(|message| log_text(message.content_topic()));
    let pubsub_topic = push.pubsub_topic.as_deref().map(log_text);
    services.metrics.lightpush_payload.inc_by(size_bytes);
    let outcome = decide(services, peer, push.pubsub_topic, push.message).await;
    services
        .metrics
        .lightpush
        .get_or_create(&StatusLabel { status: outcome.status })
        .inc();
    services.log.log(LightpushHandled {
        peer: peer.to_string(),
        protocol: push.version.to_owned(),
        request_id: log_text(&push.request_id),
        hash: outcome.delivery.as_ref().map(|delivery| log_hash(delivery.hash)),
        pubsub_topic: outcome
            .delivery
            .as_ref()
            .map(|delivery| delivery.pubsub_topic.to_string())
            .or(pubsub_topic),
        content_topic,
        size_bytes,
        received: push.received,
        status: outcome.status,
        status_text: outcome.text.clone(),
        relay_peers: outcome.relay_peers,
    });
    outcome
}

async fn decide(
    services: &Arc<Services>,
    peer: PeerId,
    pubsub_topic: Option<String>,
    message: Option<WakuMessage>,
) -> Outcome {
    if !services.lightpush_limiter.admit(peer, Instant::now().into_std()) {
        services.metrics.rate_limited.inc();
        return Outcome::refused(code::TOO_MANY_REQUESTS, "Request rejected due to too many requests");
    }
    let Some(mut message) = message else {
        return Outcome::refused(code::BAD_REQUEST, "decode_rpc_failure: missing required field message");
    };
    let topic = match topic_of(services, pubsub_topic, &message) {
        Ok(topic) => topic,
        Err(refusal) => return refusal,
    };
    if let Err(error) = waku::message::check_shape(&message) {
        return Outcome::refused(code::INVALID_MESSAGE, error.to_string());
    }
    if message.timestamp() == 0 {
        // As nwaku does. The client cannot know the hash then, which is why ours always sets the time.
        message.timestamp = Some(Timestamp::now().unix_ns());
    }
    let encoded = Bytes::from(message.encode_to_vec());
    let limit_bytes = max_message_bytes(&services.config.relay, &topic);
    if encoded.len() > limit_bytes {
        return Outcome {
            delivery: Some(Arc::new(Delivery::new(topic.into(), message, encoded))),
            ..Outcome::refused(
                code::INVALID_MESSAGE,
                format!("Message size exceeded maximum of {limit_bytes} bytes"),
            )
        };
    }
    let delivery = Arc::new(Delivery::new(topic.into(), message, encoded));
    let outcome = services.network.publish(delivery.clone()).await;
    Outcome {
        delivery: Some(delivery),
        ..published(outcome)
    }
}

/// The pubsub topic asked for, or the one the content topic belongs to.
fn topic_of(services: &Services, asked: Option<String>, message: &WakuMessage) -> Result<String, Outcome> {
    match (asked, services.config.shard_count) {
        (Some(topic), _) if topic.trim().is_empty() => {
            Err(Outcome::refused(code::BAD_REQUEST, "topic must not be empty"))
        }
        (Some(topic), _) => match topic.parse::<PubsubTopic>() {
            Ok(_) => Ok(topic),
            Err(error) => Err(Outcome::refused(code::UNSUPPORTED_PUBSUB_TOPIC, error.to_string())),
        },
        (None, None) => Err(Outcome::refused(
            code::INVALID_MESSAGE,
            "Pubsub topic must be specified when static sharding is enabled",
        )),
        (None, Some(shard_count)) => match message.content_topic().parse::<ContentTopic>() {
            Ok(content_topic) => Ok(autoshard(services.config.cluster_id, shard_count, &content_topic).to_string()),
            Err(error) => Err(Outcome::refused(
                code::INVALID_MESSAGE,
                format!("Invalid content-topic: {error}"),
            )),
        },
    }
}

fn published(outcome: PublishOutcome) -> Outcome {
    match outcome {
        PublishOutcome::Sent(peers) => Outcome {
            status: code::OK,
            text: None,
            relay_peers: Some(u32::try_from(peers.len()).unwrap_or(u32::MAX)),
            delivery: None,
        },
        PublishOutcome::NoPeers => Outcome::refused(code::NO_PEERS_TO_RELAY, "No peers for topic, skipping publish"),
        PublishOutcome::Duplicate => Outcome::refused(
            code::NO_PEERS_TO_RELAY,
            "No peers for topic: the same message was seen within 2 minutes",
        ),
        PublishOutcome::UnsupportedTopic => Outcome::refused(
            code::UNSUPPORTED_PUBSUB_TOPIC,
            "this node does not relay the pubsub topic",
        ),
        PublishOutcome::QueuesFull => {
            Outcome::refused(code::SERVICE_NOT_AVAILABLE, "the queues of all relay peers are full")
        }
        PublishOutcome::Failed(reason) => Outcome::refused(code::INTERNAL_SERVER_ERROR, reason),
    }
}
