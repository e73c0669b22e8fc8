//! The largest frame we accept or send, per protocol and direction, in bytes of protobuf without the length prefix.
//!
//! | Protocol | Request | Response | nwaku's own cap |
//! |---|---|---|---|
//! | lightpush v2, v3 | 1 114 112 | 65 536 | none |
//! | filter subscribe | 1 601 536 | 65 536 | the same |
//! | filter push | 1 601 536 | - | the same |
//! | store query | 262 144 | 15 476 736 (see [`store_response_bytes`]) | none |
//! | peer exchange | 1 601 536 | 1 601 536 | the same |
//! | metadata | 1 024 | 1 024 | the same |
//!
//! Where nwaku has a cap we take it, so that neither side sends what the other refuses; where it has none the number
//! is ours and its reason stands beside it. Relay frames are capped by gossipsub itself. The reader grows its buffer
//! as bytes arrive, so a cap bounds what a peer can make us hold, not what it can make us allocate by one prefix.

/// Default maximum of an encoded message: 150 KiB (`waku_core/message/default_values.nim`).
pub const MESSAGE_BYTES: usize = 150 * 1024;

/// Largest maximum of any preset: 1024 KiB on `status.prod` (`factory/networks_config.nim`).
pub const LARGEST_MESSAGE_BYTES: usize = 1024 * 1024;

/// Room for everything around the messages: request id, topics, texts, tags. The same 64 KiB nwaku adds.
pub const ENVELOPE_BYTES: usize = 64 * 1024;

/// Lightpush request: one message of the most generous preset and its envelope.
pub const LIGHTPUSH_REQUEST_BYTES: usize = LARGEST_MESSAGE_BYTES + ENVELOPE_BYTES;

/// Lightpush response: it carries no message, only an id, a code and a text.
pub const LIGHTPUSH_RESPONSE_BYTES: usize = ENVELOPE_BYTES;

/// Filter subscribe request: ten messages and an envelope, `waku_filter_v2/rpc_codec.nim`.
pub const FILTER_SUBSCRIBE_REQUEST_BYTES: usize = 10 * MESSAGE_BYTES + ENVELOPE_BYTES;

/// Filter subscribe response, `waku_filter_v2/rpc_codec.nim`.
pub const FILTER_SUBSCRIBE_RESPONSE_BYTES: usize = ENVELOPE_BYTES;

/// Filter push, `waku_filter_v2/rpc_codec.nim`: holds a message of any preset.
pub const FILTER_PUSH_BYTES: usize = 10 * MESSAGE_BYTES + ENVELOPE_BYTES;

/// Store request: room for some 7 000 hashes, seventy times what a careful client asks at once.
pub const STORE_REQUEST_BYTES: usize = 256 * 1024;

/// Largest page a store answers with (`waku_archive/common.nim`); a larger limit is cut to it.
pub const STORE_PAGE_MAX_SIZE: usize = 100;

/// Per entry of a store page beside the message: hash (34), pubsub topic (up to 24), tags and lengths, rounded up.
pub const STORE_ENTRY_BYTES: usize = 512;

/// Store response: a full page of default-size messages. On a network with larger ones use [`store_response_bytes`].
pub const STORE_RESPONSE_BYTES: usize = store_response_bytes(STORE_PAGE_MAX_SIZE, MESSAGE_BYTES);

/// Peer exchange, both directions, `waku_peer_exchange/common.nim`.
pub const PEER_EXCHANGE_BYTES: usize = 10 * MESSAGE_BYTES + ENVELOPE_BYTES;

/// Metadata, both directions, `waku_metadata/protocol.nim`. About 200 shards fit, since each is written twice.
pub const METADATA_BYTES: usize = 1024;

/// The cap for a store response of `page_size` entries on a network whose messages have at most `message_bytes`.
///
/// Saturates instead of overflowing; `page_size` above [`STORE_PAGE_MAX_SIZE`] counts as that.
pub const fn store_response_bytes(page_size: usize, message_bytes: usize) -> usize {
    let entries = if page_size < STORE_PAGE_MAX_SIZE {
        page_size
    } else {
        STORE_PAGE_MAX_SIZE
    };
    message_bytes
        .saturating_add(STORE_ENTRY_BYTES)
        .saturating_mul(entries)
        .saturating_add(ENVELOPE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_the_table() {
        assert_eq!(LIGHTPUSH_REQUEST_BYTES, 1_114_112);
        assert_eq!(FILTER_PUSH_BYTES, 1_601_536);
        assert_eq!(PEER_EXCHANGE_BYTES, 1_601_536);
        assert_eq!(STORE_RESPONSE_BYTES, 15_476_736);
        assert_eq!(LIGHTPUSH_RESPONSE_BYTES, 65_536);
    }

    #[test]
    fn a_store_cap_saturates_and_stops_at_the_largest_page() {
        assert_eq!(store_response_bytes(1_000, 10), store_response_bytes(100, 10));
        assert_eq!(store_response_bytes(100, usize::MAX), usize::MAX);
        assert_eq!(store_response_bytes(0, usize::MAX), ENVELOPE_BYTES);
    }
}
