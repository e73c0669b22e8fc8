//! The fields the tracer looks at, under all the names they have had.

use event_log::MessageHash;

use super::{event::PeerList, time::parse_unix_ns};

/// What the fields of one line say; raw values that borrow from it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fields<'a> {
    /// `topics` of chronicles, `logger` of zap.
    pub(super) topics: &'a [u8],
    pub(super) hash: Option<MessageHash>,
    /// What `hash` was read from.
    pub(super) hash_text: &'a [u8],
    /// Whether the message is named by a digest of other bytes, as nwaku did up to 2023.
    pub(super) old_digest: bool,
    pub(super) my_peer: &'a [u8],
    pub(super) peer: &'a [u8],
    pub(super) from_peer: &'a [u8],
    pub(super) to_peer: &'a [u8],
    pub(super) peers: &'a [u8],
    pub(super) request_id: &'a [u8],
    pub(super) pubsub_topic: &'a [u8],
    pub(super) explicit_ns: Option<i64>,
    pub(super) peers_count: Option<u64>,
    pub(super) has_index: bool,
    pub(super) reason: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Takes one field.
    pub(super) fn take(&mut self, key: &[u8], value: &'a [u8]) {
        match key {
            b"topics" | b"logger" => self.topics = value,
            b"msg_hash" | b"msgHash" | b"hash" | b"hash_hash" | b"envelopeHash" => {
                if let Some(hash) = parse_hash(value) {
                    (self.hash, self.hash_text) = (Some(hash), value);
                } else {
                    self.old_digest |= is_old_digest(value);
                }
            }
            b"my_peer_id" | b"myPeerId" | b"serverID" => self.my_peer = value,
            b"peer_id" | b"peerId" | b"peerID" | b"peer" | b"target_peer_id" => self.peer = value,
            b"from_peer_id" | b"fromPeerId" => self.from_peer = value,
            b"to_peer_id" | b"toPeerId" => self.to_peer = value,
            b"target_peer_ids" => self.peers = value,
            b"requestId" | b"requestID" | b"request_id" => self.request_id = value,
            b"pubsubTopic" | b"pubsub_topic" | b"topic" => self.pubsub_topic = value,
            b"receivedTime" | b"sentTime" | b"publishTime" => self.explicit_ns = parse_unix_ns(value),
            b"numPeers" | b"num-peers" => self.peers_count = parse_count(value),
            b"index" => self.has_index = true,
            b"error" | b"err" | b"reason" | b"info" => self.reason = value,
            _ => {}
        }
    }

    /// Subscribers of a push: the list, or the only one.
    pub(super) fn targets(&self) -> PeerList<'a> {
        PeerList(if self.peers.is_empty() { self.peer } else { self.peers })
    }

    /// Whether the list of subscribers was cut off.
    pub(super) fn is_list_cut(&self) -> bool {
        !self.peers.is_empty() && !self.peers.ends_with(b"]")
    }

    pub(super) fn reason(&self) -> Option<&'a str> {
        std::str::from_utf8(self.reason)
            .ok()
            .filter(|reason| !reason.is_empty())
    }

    pub(super) fn my_peer_id(&self) -> Option<&'a str> {
        PeerList(self.my_peer).first()
    }

    pub(super) fn request_id(&self) -> Option<&'a str> {
        (!self.request_id.is_empty())
            .then(|| std::str::from_utf8(self.request_id).ok())
            .flatten()
    }

    /// The topic in a plain or an optional value: `/waku/2/rs/2/0`, `some("/waku/2/rs/2/0")`, `ok("…")`.
    pub(super) fn pubsub_topic(&self) -> Option<&'a str> {
        let start = memchr::memchr(b'/', self.pubsub_topic)?;
        let topic = &self.pubsub_topic[start..];
        let end = topic
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | b')'))
            .unwrap_or(topic.len());
        std::str::from_utf8(&topic[..end]).ok()
    }

    pub(super) fn is_of(&self, topic: &[u8]) -> bool {
        memchr::memmem::find(self.topics, topic).is_some()
    }
}

/// Whether a field called `key` may change what an event is, whose it is, of which message, or to which subscribers:
/// all that [`Fields::take`] knows but times, relay peers, requests and pubsub topics.
pub(super) fn decides(key: &[u8]) -> bool {
    matches!(
        key,
        b"topics"
            | b"logger"
            | b"msg_hash"
            | b"msgHash"
            | b"hash"
            | b"hash_hash"
            | b"envelopeHash"
            | b"my_peer_id"
            | b"myPeerId"
            | b"serverID"
            | b"peer_id"
            | b"peerId"
            | b"peerID"
            | b"peer"
            | b"target_peer_id"
            | b"target_peer_ids"
            | b"numPeers"
            | b"num-peers"
            | b"index"
    )
}

/// Whether a key that [`decides`] may end with this byte.
#[inline]
pub(super) fn ends_deciding_key(last: u8) -> bool {
    matches!(last, b'h' | b'd' | b'D' | b'r' | b's' | b'x')
}

/// A whole message hash: 64 hex digits, with or without `0x`.
pub(super) fn parse_hash(text: &[u8]) -> Option<MessageHash> {
    let digits = text.strip_prefix(b"0x").unwrap_or(text);
    hash_of_digits(digits.try_into().ok()?)
}

/// Whether it is a multihash of SHA-256, as which nwaku named messages until it had the message hash (2023): a digest of
/// the bytes on the wire, which no publisher logs.
fn is_old_digest(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"0x1220").and_then(|digits| digits.first_chunk());
    text.len() == b"0x1220".len() + HASH_DIGITS && digits.is_some_and(|digits| hash_of_digits(digits).is_some())
}

/// The hash of its hex digits.
pub(super) fn hash_of_digits(digits: &[u8; HASH_DIGITS]) -> Option<MessageHash> {
    let (pairs, _) = digits.as_chunks::<2>();
    let mut hash = [0_u8; HASH_DIGITS / 2];
    let mut all = 0;
    for (byte, pair) in hash.iter_mut().zip(pairs) {
        let (high, low) = (NIBBLE[usize::from(pair[0])], NIBBLE[usize::from(pair[1])]);
        *byte = high << 4 | low;
        all |= high | low;
    }
    (all <= 0xf).then_some(MessageHash(hash))
}

/// Hex digits of a message hash.
pub(super) const HASH_DIGITS: usize = 64;

/// Value of a hex digit; 0xff for what is none.
const NIBBLE: [u8; 256] = {
    let mut table = [0xff; 256];
    let mut value = 0_u8;
    while value < 16 {
        table[b"0123456789abcdef"[value as usize] as usize] = value;
        table[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    table
};

/// The message hashes in a line, whatever stands around them: `0x` and their digits.
pub(crate) fn hashes_in(line: &[u8]) -> impl Iterator<Item = MessageHash> {
    memchr::memmem::find_iter(line, b"0x").filter_map(|at| hash_of_digits(line[at + 2..].first_chunk()?))
}

fn parse_count(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_all_forms_are_equal() {
        let digits = "0123456789abcdef".repeat(4);
        let expected = digits.parse().ok();
        for text in [digits.clone(), format!("0x{digits}"), digits.to_uppercase()] {
            assert_eq!(parse_hash(text.as_bytes()), expected, "{text}");
        }
        for text in [
            "",
            "0x",
            "0xab12...cd34",
            &digits[1..],
            &format!("0x1220{digits}"),
            &"g".repeat(64),
        ] {
            assert_eq!(parse_hash(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_field_that_decides_nothing_changes_nothing_that_is_kept() {
        let kept = |fields: &Fields<'_>| {
            let own = (fields.topics, fields.hash, fields.my_peer, fields.peer);
            format!(
                "{own:?} {:?} {:?} {}",
                fields.peers, fields.peers_count, fields.has_index
            )
        };
        let hash = "0".repeat(64);
        for (key, value, expected) in [
            ("topics", "t", true),
            ("logger", "t", true),
            ("msg_hash", &hash, true),
            ("msgHash", &hash, true),
            ("hash", &hash, true),
            ("hash_hash", &hash, true),
            ("envelopeHash", &hash, true),
            ("my_peer_id", "p", true),
            ("myPeerId", "p", true),
            ("serverID", "p", true),
            ("peer_id", "p", true),
            ("peerId", "p", true),
            ("peerID", "p", true),
            ("peer", "p", true),
            ("target_peer_id", "p", true),
            ("target_peer_ids", "p", true),
            ("numPeers", "7", true),
            ("num-peers", "7", true),
            ("index", "7", true),
            ("from_peer_id", "p", false),
            ("to_peer_id", "p", false),
            ("msg_id", "p", false),
            ("requestId", "r", false),
            ("pubsubTopic", "/t", false),
            ("receivedTime", "1763643976015000064", false),
            ("payloadSizeBytes", "7", false),
        ] {
            let mut fields = Fields::default();
            let before = kept(&fields);
            fields.take(key.as_bytes(), value.as_bytes());
            assert_eq!(kept(&fields) != before, expected, "{key}");
            assert_eq!(decides(key.as_bytes()), expected, "{key}");
            let last = key.bytes().last().unwrap();
            assert!(!expected || ends_deciding_key(last), "{key}");
        }
    }

    #[test]
    fn optional_topics_are_opened() {
        for value in [
            "/waku/2/rs/2/0",
            r#"some(\"/waku/2/rs/2/0\")"#,
            r#"ok("/waku/2/rs/2/0")"#,
            "some(/waku/2/rs/2/0)",
        ] {
            let fields = Fields {
                pubsub_topic: value.as_bytes(),
                ..Fields::default()
            };
            assert_eq!(fields.pubsub_topic(), Some("/waku/2/rs/2/0"), "{value}");
        }
        let none = Fields {
            pubsub_topic: b"none(string)",
            ..Fields::default()
        };
        assert_eq!(none.pubsub_topic(), None);
    }
}
