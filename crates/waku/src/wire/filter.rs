//! Filter version 2: subscribing at a service node, and what it pushes (RFC 12).

use super::message::WakuMessage;
use crate::status::{Status, code};

/// Most content topics nwaku and go-waku accept in one request (`waku_filter_v2/protocol.nim`); more is a 400.
pub const CONTENT_TOPICS_PER_REQUEST_MAX: usize = 100;

/// Most (pubsub topic, content topic) pairs one peer may hold (`waku_filter_v2/subscriptions.nim`).
pub const CRITERIA_PER_PEER_MAX: usize = 1000;

/// What a [`FilterSubscribeRequest`] wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilterSubscribeType {
    /// "Am I still subscribed?" Also renews the subscription's lifetime of 5 minutes.
    Ping,
    /// Add the content topics.
    Subscribe,
    /// Remove the content topics.
    Unsubscribe,
    /// Remove everything.
    UnsubscribeAll,
}

impl FilterSubscribeType {
    const fn wire(self) -> u32 {
        match self {
            Self::Ping => 0,
            Self::Subscribe => 1,
            Self::Unsubscribe => 2,
            Self::UnsubscribeAll => 3,
        }
    }
}

/// A subscribe type this protocol version does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown filter subscribe type {0} (known: 0 ping, 1 subscribe, 2 unsubscribe, 3 unsubscribe all)")]
pub struct UnknownSubscribeType(pub u32);

/// A client's request. nwaku requires field 1 to be present.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FilterSubscribeRequest {
    /// Any non-empty text; echoed in the response.
    #[prost(string, optional, tag = "1")]
    pub request_id: Option<String>,
    /// A number of [`FilterSubscribeType`]; absent is a ping. Read it through [`Self::kind`].
    #[prost(uint32, optional, tag = "2")]
    pub filter_subscribe_type: Option<u32>,
    /// Mandatory to subscribe and unsubscribe; js-waku sends an empty one in pings.
    #[prost(string, optional, tag = "10")]
    pub pubsub_topic: Option<String>,
    /// At most [`CONTENT_TOPICS_PER_REQUEST_MAX`].
    #[prost(string, repeated, tag = "11")]
    pub content_topics: Vec<String>,
}

impl FilterSubscribeRequest {
    /// Asks whether the service node still knows us.
    pub fn ping(request_id: impl Into<String>) -> Self {
        Self::of(FilterSubscribeType::Ping, request_id, None, Vec::new())
    }

    /// Subscribes to `content_topics` on one pubsub topic.
    pub fn subscribe(
        request_id: impl Into<String>,
        pubsub_topic: impl Into<String>,
        content_topics: Vec<String>,
    ) -> Self {
        let topic = Some(pubsub_topic.into());
        Self::of(FilterSubscribeType::Subscribe, request_id, topic, content_topics)
    }

    /// Takes `content_topics` back.
    pub fn unsubscribe(
        request_id: impl Into<String>,
        pubsub_topic: impl Into<String>,
        content_topics: Vec<String>,
    ) -> Self {
        let topic = Some(pubsub_topic.into());
        Self::of(FilterSubscribeType::Unsubscribe, request_id, topic, content_topics)
    }

    /// Takes every subscription back.
    pub fn unsubscribe_all(request_id: impl Into<String>) -> Self {
        Self::of(FilterSubscribeType::UnsubscribeAll, request_id, None, Vec::new())
    }

    fn of(
        kind: FilterSubscribeType,
        request_id: impl Into<String>,
        pubsub_topic: Option<String>,
        content_topics: Vec<String>,
    ) -> Self {
        Self {
            request_id: Some(request_id.into()),
            filter_subscribe_type: Some(kind.wire()),
            pubsub_topic,
            content_topics,
        }
    }

    /// What is asked; absent is a ping, as proto3 has it.
    pub fn kind(&self) -> Result<FilterSubscribeType, UnknownSubscribeType> {
        match self.filter_subscribe_type() {
            0 => Ok(FilterSubscribeType::Ping),
            1 => Ok(FilterSubscribeType::Subscribe),
            2 => Ok(FilterSubscribeType::Unsubscribe),
            3 => Ok(FilterSubscribeType::UnsubscribeAll),
            other => Err(UnknownSubscribeType(other)),
        }
    }
}

/// The service node's answer. nwaku requires fields 1 and 10 to be present.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FilterSubscribeResponse {
    /// The id of the request, or `N/A` when rate limited.
    #[prost(string, optional, tag = "1")]
    pub request_id: Option<String>,
    /// See [`crate::status`].
    #[prost(uint32, optional, tag = "10")]
    pub status_code: Option<u32>,
    /// For people.
    #[prost(string, optional, tag = "11")]
    pub status_desc: Option<String>,
}

impl FilterSubscribeResponse {
    /// Success, with the text nwaku gives.
    pub fn ok(request_id: impl Into<String>) -> Self {
        Self::answer(request_id, code::OK, "OK")
    }

    /// Anything but success, with a text that says why.
    pub fn refused(request_id: impl Into<String>, status_code: u32, text: impl Into<String>) -> Self {
        Self::answer(request_id, status_code, text)
    }

    fn answer(request_id: impl Into<String>, status_code: u32, text: impl Into<String>) -> Self {
        Self {
            request_id: Some(request_id.into()),
            status_code: Some(status_code),
            status_desc: Some(text.into()),
        }
    }

    /// The status as sent; a response without a code has [`code::MISSING`].
    pub fn status(&self) -> Status {
        Status::new(self.status_code.unwrap_or(code::MISSING), self.status_desc.clone())
    }

    /// True if this answers `request_id`; refusals may carry `N/A`.
    pub fn answers(&self, request_id: &str) -> bool {
        self.status_code != Some(code::OK) || self.request_id() == request_id
    }
}

/// A message for a subscriber; there is no answer to it. nwaku requires both fields to be present.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct MessagePush {
    /// The message.
    #[prost(message, optional, tag = "1")]
    pub waku_message: Option<WakuMessage>,
    /// The pubsub topic it came from; needed to compute its hash.
    #[prost(string, optional, tag = "2")]
    pub pubsub_topic: Option<String>,
}

impl MessagePush {
    /// A push with both fields.
    pub fn new(pubsub_topic: impl Into<String>, waku_message: WakuMessage) -> Self {
        Self {
            waku_message: Some(waku_message),
            pubsub_topic: Some(pubsub_topic.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;

    #[test]
    fn a_ping_writes_its_type_although_it_is_zero() {
        assert_eq!(
            hex::encode(FilterSubscribeRequest::ping("r").encode_to_vec()),
            "0a01721000"
        );
    }

    #[test]
    fn a_js_ping_with_an_empty_topic_and_no_type_is_a_ping() {
        let bytes = hex::decode("0a01725200").unwrap();
        let request = FilterSubscribeRequest::decode(&bytes[..]).unwrap();
        assert_eq!(request.kind(), Ok(FilterSubscribeType::Ping));
        assert_eq!(request.pubsub_topic.as_deref(), Some(""));
    }

    #[test]
    fn an_unknown_type_is_not_taken_for_a_ping() {
        let request = FilterSubscribeRequest {
            filter_subscribe_type: Some(7),
            ..FilterSubscribeRequest::default()
        };
        assert_eq!(request.kind(), Err(UnknownSubscribeType(7)));
    }

    #[test]
    fn every_constructor_reads_back_as_its_kind() {
        let topics = || vec!["/a/1/b/c".to_owned()];
        let cases = [
            (FilterSubscribeRequest::ping("r"), FilterSubscribeType::Ping),
            (
                FilterSubscribeRequest::subscribe("r", "t", topics()),
                FilterSubscribeType::Subscribe,
            ),
            (
                FilterSubscribeRequest::unsubscribe("r", "t", topics()),
                FilterSubscribeType::Unsubscribe,
            ),
            (
                FilterSubscribeRequest::unsubscribe_all("r"),
                FilterSubscribeType::UnsubscribeAll,
            ),
        ];
        for (request, kind) in cases {
            assert_eq!(request.kind(), Ok(kind));
        }
    }

    #[test]
    fn a_push_writes_an_empty_topic() {
        let push = MessagePush::new("", WakuMessage::default());
        assert_eq!(hex::encode(push.encode_to_vec()), "0a001200");
    }
}
