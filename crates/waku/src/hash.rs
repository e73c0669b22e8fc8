//! The deterministic message hash (RFC 14) and the gossip id (RFC 11).

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::wire::WakuMessage;

/// Length of a hash.
pub const HASH_BYTES: usize = 32;

/// What a message *is*, whoever encodes it: the identity under which stores, filters and reports know it.
///
/// Displayed and parsed as `0x` and 64 hexadecimal digits; the prefix is optional on parsing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageHash([u8; HASH_BYTES]);

impl MessageHash {
    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }

    /// The raw bytes, for a protobuf field.
    pub fn to_bytes(&self) -> Bytes {
        Bytes::copy_from_slice(&self.0)
    }

    /// A form for people, `0xab12…cd34`: first and last two bytes. Not an identity.
    pub fn short(&self) -> String {
        let head = hex::encode(&self.0[..2]);
        let tail = hex::encode(&self.0[HASH_BYTES - 2..]);
        format!("0x{head}…{tail}")
    }
}

impl From<[u8; HASH_BYTES]> for MessageHash {
    fn from(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }
}

impl From<MessageHash> for [u8; HASH_BYTES] {
    fn from(hash: MessageHash) -> Self {
        hash.0
    }
}

impl AsRef<[u8]> for MessageHash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for MessageHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(self.0))
    }
}

impl fmt::Debug for MessageHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageHash({self})")
    }
}

/// Bytes or text that are no message hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Not 32 bytes.
    #[error("message hash has {got_bytes} bytes, expected 32")]
    Length {
        /// What it has.
        got_bytes: usize,
    },
    /// Not 64 digits.
    #[error("message hash has {got} characters after the optional 0x, expected 64 hexadecimal digits")]
    Digits {
        /// What it has.
        got: usize,
    },
    /// A character that is no hexadecimal digit.
    #[error("message hash has {character:?} at position {position}, expected a hexadecimal digit")]
    NotHex {
        /// The character.
        character: char,
        /// Its position after the optional prefix, from 0.
        position: usize,
    },
}

impl TryFrom<&[u8]> for MessageHash {
    type Error = HashError;

    fn try_from(bytes: &[u8]) -> Result<Self, HashError> {
        let got_bytes = bytes.len();
        bytes.try_into().map(Self).map_err(|_| HashError::Length { got_bytes })
    }
}

impl FromStr for MessageHash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let wrong = digits.chars().enumerate().find(|(_, c)| !c.is_ascii_hexdigit());
        if let Some((position, character)) = wrong {
            return Err(HashError::NotHex { character, position });
        }
        let mut bytes = [0; HASH_BYTES];
        // Every digit is ASCII here, so the only failure left is the length.
        hex::decode_to_slice(digits, &mut bytes)
            .map(|()| Self(bytes))
            .map_err(|_| HashError::Digits { got: digits.len() })
    }
}

/// The hash of `message` on `pubsub_topic`:
/// `sha256(pubsub_topic || payload || content_topic || meta || timestamp)`, no separators.
///
/// The time stamp enters as 8 big-endian bytes of the signed nanoseconds. Absent, it is 8 zero bytes, as in nwaku and
/// go-waku; js-waku appends *nothing* then, so messages without a time stamp have two hashes: never send one.
/// `version`, `ephemeral` and the proof do not enter.
pub fn message_hash(pubsub_topic: &str, message: &WakuMessage) -> MessageHash {
    let digest = Sha256::new()
        .chain_update(pubsub_topic)
        .chain_update(message.payload())
        .chain_update(message.content_topic())
        .chain_update(message.meta())
        .chain_update(message.timestamp().to_be_bytes())
        .finalize();
    MessageHash(digest.into())
}

/// The id gossipsub knows a message by: `sha256` of the encoded message, without the topic.
///
/// A nwaku lightpush server re-encodes, so this id cannot be predicted from what a client sent.
pub fn gossip_id(data: &[u8]) -> [u8; HASH_BYTES] {
    Sha256::digest(data).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DEFAULT_WAKU: &str = "/waku/2/default-waku/proto";
    const STATIC_SHARD: &str = "/waku/2/rs/0/0";
    const META12: &str = "73757065722d736563726574";

    fn vector(payload: &str, meta: &str, timestamp: Option<i64>) -> WakuMessage {
        let mut message = WakuMessage::new(hex::decode(payload).unwrap(), "/waku/2/default-content/proto", 0)
            .with_meta(hex::decode(meta).unwrap());
        message.timestamp = timestamp;
        message
    }

    #[test]
    fn vectors_of_rfc_14_and_nwaku() {
        const PAYLOAD: &str = "010203045445535405060708";
        let meta64 = hex::encode((0_u8..64).collect::<Vec<_>>());
        let cases = [
            (
                DEFAULT_WAKU,
                PAYLOAD,
                META12,
                "64cce733fed134e83da02b02c6f689814872b1a0ac97ea56b76095c3c72bfe05",
            ),
            (
                DEFAULT_WAKU,
                PAYLOAD,
                &meta64,
                "7158b6498753313368b9af8f6e0a0a05104f68f972981da42a43bc53fb0c1b27",
            ),
            (
                DEFAULT_WAKU,
                PAYLOAD,
                "",
                "a2554498b31f5bcdfcbf7fa58ad1c2d45f0254f3f8110a85588ec3cf10720fd8",
            ),
            (
                DEFAULT_WAKU,
                "",
                META12,
                "483ea950cb63f9b9d6926b262bb36194d3f40a0463ce8446228350bd44e96de4",
            ),
            (
                STATIC_SHARD,
                PAYLOAD,
                "",
                "cccab07fed94181c83937c8ca8340c9108492b7ede354a6d95421ad34141fd37",
            ),
            (
                STATIC_SHARD,
                PAYLOAD,
                META12,
                "b9b4852f9d8c489846e8bfc6c5ca6a1a8d460a40d28832a966e029eb39619199",
            ),
            (
                STATIC_SHARD,
                PAYLOAD,
                &meta64,
                "653460d04f66c5b11814d235152f4f246e6f03ef80a305a825913636fbafd0ba",
            ),
            (
                STATIC_SHARD,
                "",
                META12,
                "0f6448cc23b2db6c696aa6ab4b693eff4cf3549ff346fe1dbeb281697396a09f",
            ),
        ];
        for (topic, payload, meta, expected) in cases {
            let message = vector(payload, meta, Some(0x1757_89bf_a23f_8400));
            let hash = message_hash(topic, &message);
            assert_eq!(hash.to_string(), format!("0x{expected}"), "{topic} {payload} {meta}");
        }
    }

    #[test]
    fn an_absent_timestamp_is_eight_zero_bytes() {
        let cases = [
            (
                DEFAULT_WAKU,
                "c48c6ee8b33803e846aa47eff1fca3dce7ec15720aad77d0a1a1cbb41b005651",
            ),
            (
                STATIC_SHARD,
                "6fe5538bfc2ff4cef53d77cf89bde100b2e33ed6f75f35f0039ccc9f81c89c59",
            ),
        ];
        for (topic, expected) in cases {
            for timestamp in [None, Some(0)] {
                let message = vector("010203045445535405060708", "", timestamp);
                assert_eq!(message_hash(topic, &message), expected.parse().unwrap());
            }
        }
    }

    #[test]
    fn version_ephemeral_and_proof_do_not_enter() {
        let plain = vector("01", "", Some(5));
        let mut other = plain.clone().with_ephemeral(true).with_version(1);
        other.rate_limit_proof = Some(Bytes::from_static(b"proof"));
        assert_eq!(message_hash("t", &plain), message_hash("t", &other));
    }

    #[test]
    fn the_gossip_id_is_plain_sha256() {
        assert_eq!(
            hex::encode(gossip_id(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn parsing_accepts_both_forms_and_names_the_fault() {
        let digits = "ab".repeat(32);
        let hash: MessageHash = digits.parse().unwrap();
        assert_eq!(format!("0x{digits}").parse(), Ok(hash));
        assert_eq!(digits.to_uppercase().parse(), Ok(hash));
        let parse = str::parse::<MessageHash>;
        assert_eq!(parse("0xab"), Err(HashError::Digits { got: 2 }));
        assert_eq!(parse(""), Err(HashError::Digits { got: 0 }));
        let not_hex = HashError::NotHex {
            character: 'é',
            position: 1,
        };
        assert_eq!(parse("0xaé"), Err(not_hex));
        assert_eq!(
            MessageHash::try_from(&[0_u8; 33][..]),
            Err(HashError::Length { got_bytes: 33 })
        );
    }

    #[test]
    fn the_short_form_shows_both_ends() {
        let hash: MessageHash = format!("ab12{}cd34", "00".repeat(28)).parse().unwrap();
        assert_eq!(hash.short(), "0xab12…cd34");
    }

    proptest! {
        #[test]
        fn display_parses_back(bytes: [u8; 32]) {
            let hash = MessageHash::from(bytes);
            prop_assert_eq!(hash.to_string().parse(), Ok(hash));
        }

        #[test]
        fn any_text_parses_or_fails_without_panic(text in ".{0,80}") {
            let _ = text.parse::<MessageHash>();
        }
    }
}
