//! Lightpush version 3: one request, one response with a status code.

use super::message::WakuMessage;
use crate::status::{Status, code};

/// The request id nwaku answers with when it never read the request: rate limited, or not decodable.
pub const REQUEST_ID_UNKNOWN: &str = "N/A";

/// "Please relay this message" (lightpush v3). nwaku requires fields 1 and 21 to be present.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct LightpushRequest {
    /// Any non-empty text; echoed in the response.
    #[prost(string, optional, tag = "1")]
    pub request_id: Option<String>,
    /// Where to publish. Optional in the protocol; absent, a server with static sharding answers 420.
    #[prost(string, optional, tag = "20")]
    pub pubsub_topic: Option<String>,
    /// What to publish.
    #[prost(message, optional, tag = "21")]
    pub message: Option<WakuMessage>,
}

impl LightpushRequest {
    /// A request that every server understands: the pubsub topic is always named.
    pub fn new(request_id: impl Into<String>, pubsub_topic: impl Into<String>, message: WakuMessage) -> Self {
        Self {
            request_id: Some(request_id.into()),
            pubsub_topic: Some(pubsub_topic.into()),
            message: Some(message),
        }
    }
}

/// What became of a [`LightpushRequest`]. nwaku requires fields 1 and 10 to be present.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct LightpushResponse {
    /// The id of the request, or [`REQUEST_ID_UNKNOWN`].
    #[prost(string, optional, tag = "1")]
    pub request_id: Option<String>,
    /// See [`crate::status`].
    #[prost(uint32, optional, tag = "10")]
    pub status_code: Option<u32>,
    /// For people; nwaku leaves it out on success.
    #[prost(string, optional, tag = "11")]
    pub status_desc: Option<String>,
    /// To how many relay peers the message was queued.
    #[prost(uint32, optional, tag = "12")]
    pub relay_peer_count: Option<u32>,
}

impl LightpushResponse {
    /// Success. A nwaku client takes a count of 0 for a failure, so a server answers 505 rather than `ok(.., 0)`.
    pub fn ok(request_id: impl Into<String>, relay_peer_count: u32) -> Self {
        Self {
            request_id: Some(request_id.into()),
            status_code: Some(code::OK),
            status_desc: None,
            relay_peer_count: Some(relay_peer_count),
        }
    }

    /// Anything but success, with a text that says why.
    pub fn refused(request_id: impl Into<String>, status_code: u32, text: impl Into<String>) -> Self {
        Self {
            request_id: Some(request_id.into()),
            status_code: Some(status_code),
            status_desc: Some(text.into()),
            relay_peer_count: None,
        }
    }

    /// The status as sent; a response without a code has [`code::MISSING`].
    pub fn status(&self) -> Status {
        Status::new(self.status_code.unwrap_or(code::MISSING), self.status_desc.clone())
    }

    /// The status as a nwaku client understands it: success with no relay peer, or without saying how many, is 505.
    pub fn status_as_nwaku_client(&self) -> Status {
        let status = self.status();
        if status.code == code::OK && self.relay_peer_count() == 0 {
            return Status::new(
                code::NO_PEERS_TO_RELAY,
                Some("status 200, but relayed to no peer".to_owned()),
            );
        }
        status
    }

    /// True if this answers `request_id`. Only a success has to: refusals carry `N/A` when the request was never read.
    pub fn answers(&self, request_id: &str) -> bool {
        self.status_code != Some(code::OK) || self.request_id() == request_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;

    #[test]
    fn an_empty_request_id_is_written() {
        let bytes = LightpushResponse::refused("", 0, "").encode_to_vec();
        assert_eq!(hex::encode(bytes), "0a0050005a00");
    }

    #[test]
    fn a_success_names_the_peer_count_even_when_zero() {
        let response = LightpushResponse::ok("r", 0);
        assert_eq!(hex::encode(response.encode_to_vec()), "0a017250c8016000");
        assert_eq!(response.status().code, 200);
        assert_eq!(response.status_as_nwaku_client().code, 505);
        assert_eq!(LightpushResponse::ok("r", 1).status_as_nwaku_client().code, 200);
    }

    #[test]
    fn a_response_without_a_code_is_not_a_success() {
        let response = LightpushResponse::decode(&[][..]).unwrap();
        assert_eq!(response.status().code, code::MISSING);
        assert_eq!(response.request_id(), "");
    }

    #[test]
    fn a_rate_limited_answer_with_foreign_request_id_is_accepted() {
        assert!(LightpushResponse::refused(REQUEST_ID_UNKNOWN, 429, "x").answers("r1"));
        assert!(LightpushResponse::ok("r1", 1).answers("r1"));
        assert!(!LightpushResponse::ok("r2", 1).answers("r1"));
    }
}
