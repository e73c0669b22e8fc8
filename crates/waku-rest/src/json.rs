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
mod tests;
