//! How much the subscription table takes, and how it refuses more.

use std::time::Duration;

use waku::{
    status::code,
    wire::filter::{CONTENT_TOPICS_PER_REQUEST_MAX, CRITERIA_PER_PEER_MAX},
};

/// Longest pubsub or content topic taken, in bytes.
///
/// nwaku has no limit. Topics in use have below 100 bytes; with this the largest table, 1 000 subscribers with 1 000
/// criteria each, holds 256 MB of text instead of whatever its subscribers like.
pub(super) const TOPIC_MAX_BYTES: usize = 256;

/// How much the table takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterLimits {
    /// Most subscribers.
    pub max_subscribers: usize,
    /// Most (pubsub topic, content topic) pairs of one subscriber.
    pub max_criteria_per_peer: usize,
    /// Most content topics in one request.
    pub max_topics_per_request: usize,
    /// How long a subscription lives after its last renewal.
    pub ttl: Duration,
}

impl Default for FilterLimits {
    /// What nwaku's command line defaults to: 1 000 subscribers, 1 000 criteria each, 100 topics a request, 5 minutes.
    fn default() -> Self {
        Self {
            max_subscribers: 1000,
            max_criteria_per_peer: CRITERIA_PER_PEER_MAX,
            max_topics_per_request: CONTENT_TOPICS_PER_REQUEST_MAX,
            ttl: Duration::from_secs(5 * 60),
        }
    }
}

/// Why a request is not fulfilled; the answer's code and text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} {text}")]
pub struct Refusal {
    /// A number of [`waku::status::code`].
    pub code: u32,
    /// nwaku's text where it has one.
    pub text: String,
}

impl Refusal {
    pub(super) fn bad_request(text: impl Into<String>) -> Self {
        Self {
            code: code::BAD_REQUEST,
            text: text.into(),
        }
    }

    pub(super) fn not_found() -> Self {
        Self {
            code: code::NOT_FOUND,
            text: "peer has no subscriptions".to_owned(),
        }
    }

    pub(super) fn full(text: impl Into<String>) -> Self {
        Self {
            code: code::SERVICE_NOT_AVAILABLE,
            text: text.into(),
        }
    }
}

impl FilterLimits {
    /// Checks the topics of a request to subscribe or unsubscribe.
    pub(super) fn check_topics(&self, pubsub_topic: &str, content_topics: &[String]) -> Result<(), Refusal> {
        if pubsub_topic.is_empty() || content_topics.is_empty() {
            return Err(Refusal::bad_request("pubsubTopic and contentTopics must be specified"));
        }
        let max = self.max_topics_per_request;
        if content_topics.len() > max {
            return Err(Refusal::bad_request(format!("exceeds maximum content topics: {max}")));
        }
        let lengths = content_topics.iter().map(String::len).chain([pubsub_topic.len()]);
        match lengths.max() {
            Some(size_bytes) if size_bytes > TOPIC_MAX_BYTES => Err(Refusal::bad_request(format!(
                "topic has {size_bytes} bytes, at most {TOPIC_MAX_BYTES} are taken"
            ))),
            _ => Ok(()),
        }
    }
}
