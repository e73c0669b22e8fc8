//! The deterministic message hash as it stands in event logs: `0x` and 64 lower-case hex digits.

use std::{fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A 32-byte message hash (RFC 14).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageHash(pub [u8; 32]);

/// Why a text is not a message hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hex digits with or without 0x, got {got_chars} characters")]
pub struct ParseHashError {
    /// Characters in the text, without `0x`.
    pub got_chars: usize,
}

impl fmt::Display for MessageHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0_u8; 64];
        hex::encode_to_slice(self.0, &mut digits).map_err(|_| fmt::Error)?;
        f.write_str("0x")?;
        f.write_str(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for MessageHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MessageHash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let mut bytes = [0_u8; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| ParseHashError {
            got_chars: digits.chars().count(),
        })?;
        Ok(Self(bytes))
    }
}

impl Serialize for MessageHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MessageHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = MessageHash;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a message hash of 64 hex digits")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<MessageHash, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for MessageHash {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MessageHash".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^0x[0-9a-f]{64}$", "description": "deterministic message hash (RFC 14)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        let hash = MessageHash([0xab; 32]);
        assert_eq!(hash.to_string(), format!("0x{}", "ab".repeat(32)));
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!("ab".repeat(32).parse(), Ok(hash));
    }

    #[test]
    fn short_text_is_refused_with_its_length() {
        assert_eq!("0xab".parse::<MessageHash>(), Err(ParseHashError { got_chars: 2 }));
    }
}
