//! The bodies of requests and answers.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use serde::{Deserialize, Serialize};
use waku::WakuMessage;

/// How much of a text that is not what it should be is quoted.
const QUOTED_CHARS_MAX: usize = 200;

/// nwaku takes and writes standard base64 with padding only (LD `common/base64.nim`); go-waku writes the same and takes
/// the URL alphabet and missing padding too (GO `cmd/waku/server/utils.go`). Reading is as lenient as go-waku.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const READ_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const READ_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Why a body does not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON, or of another shape.
    #[error("{reason}: {text:?}")]
    Json {
        /// What the parser says.
        reason: String,
        /// The beginning of the text.
        text: String,
    },
    /// Bytes that are not base64.
    #[error("{field} is not base64: {reason}")]
    Base64 {
        /// Which.
        field: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Something that must be there is not.
    #[error("message without {field}")]
    Missing {
        /// What.
        field: &'static str,
    },
}

/// A message as JSON: `RelayWakuMessage` and `FilterWakuMessage` of nwaku (LD `relay/types.nim`, `filter/types.nim`),
/// `RestWakuMessage` of go-waku (GO `message.go`). An RLN proof is not carried.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestMessage {
    /// Base64.
    #[serde(default)]
    pub payload: Option<String>,
    /// Content topic.
    #[serde(default)]
    pub content_topic: Option<String>,
    /// Encryption scheme version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Unix time, nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
    /// Base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<String>,
    /// Whether stores are asked not to keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral: Option<bool>,
}

impl From<&WakuMessage> for RestMessage {
    fn from(message: &WakuMessage) -> Self {
        Self {
            payload: Some(STANDARD.encode(message.payload())),
            content_topic: Some(message.content_topic().to_owned()),
            version: message.version,
            timestamp: message.timestamp,
            meta: message
                .meta
                .as_ref()
                .filter(|meta| !meta.is_empty())
                .map(|meta| STANDARD.encode(meta)),
            ephemeral: message.ephemeral,
        }
    }
}

impl TryFrom<RestMessage> for WakuMessage {
    type Error = JsonError;

    fn try_from(rest: RestMessage) -> Result<Self, JsonError> {
        let payload = rest.payload.ok_or(JsonError::Missing { field: "payload" })?;
        let content_topic = rest.content_topic.ok_or(JsonError::Missing { field: "contentTopic" })?;
        let meta = rest.meta.filter(|meta| !meta.is_empty());
        Ok(Self {
            payload: Some(decode_base64("payload", &payload)?.into()),
            content_topic: Some(content_topic),
            version: rest.version,
            timestamp: rest.timestamp,
            meta: meta
                .map(|meta| decode_base64("meta", &meta))
                .transpose()?
                .map(Into::into),
            rate_limit_proof: None,
            ephemeral: rest.ephemeral,
        })
    }
}

fn decode_base64(field: &'static str, text: &str) -> Result<Vec<u8>, JsonError> {
    let engine = if text.contains(['-', '_']) {
        &READ_URL
    } else {
        &READ_STANDARD
    };
    engine.decode(text).map_err(|error| JsonError::Base64 {
        field,
        reason: error.to_string(),
    })
}

/// Body of a push, of either version.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushRequest {
    /// Pubsub topic; autosharding derives it where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pubsub_topic: Option<String>,
    /// The message.
    pub message: RestMessage,
}

/// Answer to a version 3 push (LD `lightpush/types.nim`).
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushResponse {
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_desc: Option<String>,
    /// To how many relay peers it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_peer_count: Option<u32>,
}

/// Body of subscribe and unsubscribe (LD `filter/types.nim`).
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FilterRequest {
    /// Echoed in the answer.
    pub request_id: String,
    /// Pubsub topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pubsub_topic: Option<String>,
    /// Content topics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content_filters: Vec<String>,
}

/// Answer to subscribe, unsubscribe and ping (LD `filter/types.nim`).
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FilterResponse {
    /// That of the request.
    pub request_id: String,
    /// `OK`, or what went wrong.
    #[serde(default)]
    pub status_desc: String,
}

/// Answer to info (LD `debug/types.nim`, GO `debug.go`).
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Info {
    /// Multiaddrs with the peer id.
    #[serde(default)]
    pub listen_addresses: Vec<String>,
    /// Node record.
    #[serde(default)]
    pub enr_uri: Option<String>,
}

/// The *first* JSON value of a body: go-waku writes two, one behind the other, when a part of a subscription failed.
pub(crate) fn first<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, JsonError> {
    let value = serde_json::Deserializer::from_slice(body).into_iter().next();
    value
        .unwrap_or_else(|| Err(serde::de::Error::custom("empty answer")))
        .map_err(|error| JsonError::Json {
            reason: error.to_string(),
            text: text(body),
        })
}

/// The entries of a poll, each read by itself, so that a broken one does not cost the others.
pub(crate) fn messages(body: &[u8]) -> Result<Vec<Result<WakuMessage, JsonError>>, JsonError> {
    let entries: Option<Vec<serde_json::Value>> = first(body)?;
    let read = |entry: serde_json::Value| {
        serde_json::from_value::<RestMessage>(entry)
            .map_err(|error| JsonError::Json {
                reason: error.to_string(),
                text: String::new(),
            })
            .and_then(WakuMessage::try_from)
    };
    Ok(entries.unwrap_or_default().into_iter().map(read).collect())
}

/// The beginning of a body, for people. A JSON string, as go-waku writes for version and health, is unwrapped.
pub(crate) fn text(body: &[u8]) -> String {
    let plain = serde_json::from_slice::<String>(body);
    let plain = plain.unwrap_or_else(|_| String::from_utf8_lossy(body).trim().to_owned());
    plain.chars().take(QUOTED_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use waku::message_hash;

    use super::*;

    /// "TEST-PAYLOAD-MUST-RECEIVE" and "test-meta", as nwaku's `test_rest_filter.nim` has them, as its writer writes them.
    const NWAKU: &str = r#"[{"payload":"VEVTVC1QQVlMT0FELU1VU1QtUkVDRUlWRQ==","contentTopic":"1","version":0,
        "timestamp":2022,"meta":"dGVzdC1tZXRh","ephemeral":false}]"#;

    /// Go's encoder: absent pointers are left out, but for `ephemeral`, which is null.
    const GO_WAKU: &str =
        r#"[{"payload":"AQID","contentTopic":"abc","timestamp":1700000000000000001,"ephemeral":null}]"#;

    #[test]
    fn a_poll_of_nwaku_reads() {
        let messages = messages(NWAKU.as_bytes()).expect("valid");
        let message = WakuMessage::new("TEST-PAYLOAD-MUST-RECEIVE", "1", 2022)
            .with_meta("test-meta")
            .with_version(0)
            .with_ephemeral(false);
        assert_eq!(messages, [Ok(message)]);
    }

    #[test]
    fn a_poll_of_go_waku_reads() {
        let messages = messages(GO_WAKU.as_bytes()).expect("valid");
        let expected = WakuMessage::new(vec![1, 2, 3], "abc", 1_700_000_000_000_000_001);
        assert_eq!(messages, [Ok(expected)]);
    }

    #[test]
    fn an_empty_poll_may_be_a_list_or_null() {
        assert_eq!(messages(b"[]"), Ok(Vec::new()));
        assert_eq!(messages(b"null"), Ok(Vec::new()));
    }

    #[test]
    fn a_broken_entry_does_not_cost_the_others() {
        let body =
            br#"[{"contentTopic":"1"},7,{"payload":"%","contentTopic":"1"},{"payload":"AQID","contentTopic":"1"}]"#;
        let read = messages(body).expect("a list");
        assert_eq!(read[0], Err(JsonError::Missing { field: "payload" }));
        assert!(matches!(read[1], Err(JsonError::Json { .. })));
        assert!(matches!(read[2], Err(JsonError::Base64 { field: "payload", .. })));
        assert!(read[3].is_ok());
        assert!(messages(b"{").is_err() && messages(b"").is_err());
    }

    #[test]
    fn the_url_alphabet_and_missing_padding_are_read() {
        for text in ["+/+/AQ==", "-_-_AQ==", "-_-_AQ", "+/+/AQ"] {
            let rest = RestMessage {
                payload: Some(text.into()),
                content_topic: Some("t".into()),
                ..RestMessage::default()
            };
            let message = WakuMessage::try_from(rest).expect(text);
            assert_eq!(message.payload(), [0xfb, 0xff, 0xbf, 0x01], "{text}");
        }
    }

    #[test]
    fn of_two_answers_in_one_body_the_first_counts() {
        let body = br#"{"requestId":"1","statusDesc":"subscriptions failed for contentTopics: a"}{"requestId":"1","statusDesc":"subscription failed"}"#;
        let response: FilterResponse = first(body).expect("valid");
        assert_eq!(response.status_desc, "subscriptions failed for contentTopics: a");
    }

    #[test]
    fn what_is_sent_is_what_nwaku_reads() {
        let message = WakuMessage::new(vec![1, 2, 3], "/a/1/b/proto", 5).with_ephemeral(true);
        let request = PushRequest {
            pubsub_topic: Some("/waku/2/rs/0/0".into()),
            message: (&message).into(),
        };
        let json = serde_json::to_string(&request).expect("json");
        assert_eq!(
            json,
            r#"{"pubsubTopic":"/waku/2/rs/0/0","message":{"payload":"AQID","contentTopic":"/a/1/b/proto","timestamp":5,"ephemeral":true}}"#
        );
    }

    #[test]
    fn go_waku_wraps_texts_in_json() {
        assert_eq!(text(b"\"v0.9.0-deadbeef\""), "v0.9.0-deadbeef");
        assert_eq!(text(b" v0.38.1\n"), "v0.38.1");
    }

    proptest! {
        #[test]
        fn any_message_keeps_its_hash(payload: Vec<u8>, meta: Vec<u8>, timestamp: i64, ephemeral: Option<bool>, version: Option<u32>) {
            let mut message = WakuMessage::new(payload, "/a/1/b/proto", timestamp).with_meta(meta);
            (message.ephemeral, message.version) = (ephemeral, version);
            let json = serde_json::to_vec(&vec![RestMessage::from(&message)]).expect("json");
            let read = messages(&json).expect("list").remove(0).expect("message");
            prop_assert_eq!(message_hash("/waku/2/rs/0/0", &read), message_hash("/waku/2/rs/0/0", &message));
            prop_assert_eq!(read.payload(), message.payload());
        }

        #[test]
        fn any_body_reads_or_fails_without_panic(body: Vec<u8>) {
            let _ = messages(&body);
            let _ = text(&body);
        }
    }
}
