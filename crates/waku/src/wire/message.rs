//! `WakuMessage`, the unit everything else carries.

use bytes::Bytes;

/// A Waku message (RFC 14).
///
/// All fields are `optional` on purpose. proto3 encoders drop default values, but nwaku's decoder wants `payload` and
/// `content_topic` to be *present*, even when empty; and a message that keeps its presence bits re-encodes to the very
/// bytes it came from, so that a service node forwarding it does not change its gossip id. [`WakuMessage::new`] sets
/// what must be set. Reading goes through the generated getters (`payload()`, `timestamp()`, …), which answer with the
/// default for an absent field.
///
/// Byte fields are [`Bytes`]: decoding from `Bytes` shares the frame instead of copying it, so one field that is kept
/// keeps its whole frame. Copy what outlives a page of a store.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct WakuMessage {
    /// Application data. Must be present for nwaku and non-empty for go-waku and js-waku.
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub payload: Option<Bytes>,
    /// What the message is about, `/application/version/name/encoding`. Must be present.
    #[prost(string, optional, tag = "2")]
    pub content_topic: Option<String>,
    /// Encryption scheme of the payload: 0 none, 1 RFC 26, 2 noise.
    #[prost(uint32, optional, tag = "3")]
    pub version: Option<u32>,
    /// When the sender made it: Unix time in nanoseconds.
    #[prost(sint64, optional, tag = "10")]
    pub timestamp: Option<i64>,
    /// Application data that enters the hash; at most 64 bytes.
    #[prost(bytes = "bytes", optional, tag = "11")]
    pub meta: Option<Bytes>,
    /// RLN proof as raw bytes. js-waku declares a submessage here; the bytes on the wire are the same.
    #[prost(bytes = "bytes", optional, tag = "21")]
    pub rate_limit_proof: Option<Bytes>,
    /// True asks stores not to keep the message.
    #[prost(bool, optional, tag = "31")]
    pub ephemeral: Option<bool>,
}

impl WakuMessage {
    /// A message with the fields every peer requires and the time stamp, in Unix nanoseconds, that fixes its hash.
    ///
    /// There is no way to leave out the time: a nwaku lightpush server would fill in its own, and the hash computed
    /// here would then name no message at all.
    pub fn new(payload: impl Into<Bytes>, content_topic: impl Into<String>, timestamp_ns: i64) -> Self {
        Self {
            payload: Some(payload.into()),
            content_topic: Some(content_topic.into()),
            timestamp: Some(timestamp_ns),
            ..Self::default()
        }
    }

    /// The same message with the ephemeral flag set or cleared. Both are written.
    #[must_use]
    pub fn with_ephemeral(mut self, ephemeral: bool) -> Self {
        self.ephemeral = Some(ephemeral);
        self
    }

    /// The same message with `meta`; [`crate::message::check`] refuses more than 64 bytes.
    #[must_use]
    pub fn with_meta(mut self, meta: impl Into<Bytes>) -> Self {
        self.meta = Some(meta.into());
        self
    }

    /// The same message with an encryption scheme version.
    #[must_use]
    pub fn with_version(mut self, version: u32) -> Self {
        self.version = Some(version);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;

    #[test]
    fn required_fields_are_written_even_when_empty() {
        let bytes = WakuMessage::new(Bytes::new(), "", 0).encode_to_vec();
        // Tag 1 length 0, tag 2 length 0, tag 10 zigzag 0.
        assert_eq!(hex::encode(bytes), "0a0012005000");
    }

    #[test]
    fn the_timestamp_is_zigzag() {
        let message = WakuMessage {
            timestamp: Some(-1),
            ..WakuMessage::default()
        };
        assert_eq!(message.encode_to_vec(), [0x50, 0x01]);
    }

    #[test]
    fn a_message_as_nim_writes_it_re_encodes_to_the_same_bytes() {
        // Every field present, defaults included, in tag order.
        let nim = hex::decode("0a01ff12022f61180050005a00aa0100f80100").unwrap();
        let message = WakuMessage::decode(Bytes::from(nim.clone())).unwrap();
        assert_eq!(message.payload(), [0xff]);
        assert_eq!(message.content_topic(), "/a");
        assert_eq!(message.ephemeral, Some(false));
        assert_eq!(message.encode_to_vec(), nim);
    }

    #[test]
    fn a_proof_submessage_as_js_writes_it_is_kept_as_bytes() {
        let js = hex::decode("0a01ff12022f61aa01030a01aa").unwrap();
        let message = WakuMessage::decode(Bytes::from(js.clone())).unwrap();
        assert_eq!(message.rate_limit_proof(), [0x0a, 0x01, 0xaa]);
        assert_eq!(message.encode_to_vec(), js);
    }

    #[test]
    fn decoding_shares_the_frame_instead_of_copying() {
        let frame = Bytes::from(WakuMessage::new(vec![7_u8; 4096], "/a/1/b/proto", 1).encode_to_vec());
        let message = WakuMessage::decode(frame.clone()).unwrap();
        let payload = message.payload.unwrap();
        let range = frame.as_ptr_range();
        assert!(range.contains(&payload.as_ptr()));
    }
}
