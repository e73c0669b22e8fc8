//! Lightpush version 2 ("legacy"): one envelope for both directions, a flag and a text instead of a code.

use super::message::WakuMessage;
use crate::status::{Status, lightpush_v2_status};

/// The envelope of both directions (RFC 19).
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct PushRpc {
    /// Any non-empty text, echoed in the answer; go-waku rejects an empty one.
    #[prost(string, optional, tag = "1")]
    pub request_id: Option<String>,
    /// Present in requests.
    #[prost(message, optional, tag = "2")]
    pub request: Option<PushRequest>,
    /// Present in answers.
    #[prost(message, optional, tag = "3")]
    pub response: Option<PushResponse>,
}

/// "Please relay this message." Both fields are required.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct PushRequest {
    /// Where to publish; version 2 derives nothing from the content topic.
    #[prost(string, optional, tag = "1")]
    pub pubsub_topic: Option<String>,
    /// What to publish.
    #[prost(message, optional, tag = "2")]
    pub message: Option<WakuMessage>,
}

/// What became of it.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct PushResponse {
    /// nwaku requires presence; go-waku drops it when false, so absent reads as false.
    #[prost(bool, optional, tag = "1")]
    pub is_success: Option<bool>,
    /// The text that takes the place of a status code.
    #[prost(string, optional, tag = "2")]
    pub info: Option<String>,
}

impl PushRpc {
    /// A request envelope.
    pub fn request(request_id: impl Into<String>, pubsub_topic: impl Into<String>, message: WakuMessage) -> Self {
        Self {
            request_id: Some(request_id.into()),
            request: Some(PushRequest {
                pubsub_topic: Some(pubsub_topic.into()),
                message: Some(message),
            }),
            response: None,
        }
    }

    /// A success answer, with the text nwaku gives.
    pub fn ok(request_id: impl Into<String>) -> Self {
        Self::answer(request_id, true, "OK")
    }

    /// A refusal; `is_success = false` is written, not left out.
    pub fn refused(request_id: impl Into<String>, info: impl Into<String>) -> Self {
        Self::answer(request_id, false, info)
    }

    fn answer(request_id: impl Into<String>, is_success: bool, info: impl Into<String>) -> Self {
        Self {
            request_id: Some(request_id.into()),
            request: None,
            response: Some(PushResponse {
                is_success: Some(is_success),
                info: Some(info.into()),
            }),
        }
    }

    /// The answer as a status with the numbers of version 3, or `None` if this envelope is no answer.
    pub fn status(&self) -> Option<Status> {
        self.response
            .as_ref()
            .map(|response| lightpush_v2_status(response.is_success(), response.info()))
    }

    /// True if this answers `request_id`; refusals may carry `N/A`.
    pub fn answers(&self, request_id: &str) -> bool {
        let success = self.response.as_ref().is_some_and(PushResponse::is_success);
        !success || self.request_id() == request_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;

    #[test]
    fn a_refusal_writes_is_success_false() {
        let bytes = PushRpc::refused("r", "no").encode_to_vec();
        assert_eq!(hex::encode(bytes), "0a01721a0608001202".to_owned() + "6e6f");
    }

    #[test]
    fn a_go_refusal_without_is_success_reads_as_failure() {
        // request_id "N/A", response { info: "exceeds the rate limit" }.
        let mut bytes = hex::decode("0a034e2f411a18").unwrap();
        bytes.extend_from_slice(&[0x12, 22]);
        bytes.extend_from_slice(b"exceeds the rate limit");
        let rpc = PushRpc::decode(&bytes[..]).unwrap();
        let status = rpc.status().unwrap();
        assert_eq!(status.code, 429);
        assert!(rpc.answers("another"));
    }

    #[test]
    fn an_envelope_without_answer_has_no_status() {
        let rpc = PushRpc::request("r", "/waku/2/rs/1/0", WakuMessage::new("x", "/a/1/b/c", 1));
        assert_eq!(rpc.status(), None);
        assert_eq!(PushRpc::ok("r").status().unwrap().code, 200);
        assert!(!PushRpc::ok("r").answers("s"));
    }
}
