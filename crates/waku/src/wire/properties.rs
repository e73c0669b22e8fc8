//! Properties of the codecs: what is written reads back, in memory and through a frame, and arbitrary bytes never
//! panic.

use bytes::Bytes;
use futures::executor::block_on;
use futures::io::Cursor;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::frame::{FrameError, encode_frame, read_frame};

/// Above any message the strategies here can make.
const CAP_BYTES: usize = 64 * 1024;

fn blob() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..80).prop_map(Bytes::from)
}

fn text() -> impl Strategy<Value = String> {
    ".{0,24}"
}

prop_compose! {
    fn waku_message()(
        payload in of(blob()),
        content_topic in of(text()),
        version in of(any::<u32>()),
        timestamp in of(any::<i64>()),
        meta in of(blob()),
        rate_limit_proof in of(blob()),
        ephemeral in of(any::<bool>()),
    ) -> WakuMessage {
        WakuMessage { payload, content_topic, version, timestamp, meta, rate_limit_proof, ephemeral }
    }
}

prop_compose! {
    fn lightpush_request()(
        request_id in of(text()),
        pubsub_topic in of(text()),
        message in of(waku_message()),
    ) -> LightpushRequest {
        LightpushRequest { request_id, pubsub_topic, message }
    }
}

prop_compose! {
    fn lightpush_response()(
        request_id in of(text()),
        status_code in of(any::<u32>()),
        status_desc in of(text()),
        relay_peer_count in of(any::<u32>()),
    ) -> LightpushResponse {
        LightpushResponse { request_id, status_code, status_desc, relay_peer_count }
    }
}

prop_compose! {
    fn push_rpc()(
        request_id in of(text()),
        request in of((of(text()), of(waku_message()))),
        response in of((of(any::<bool>()), of(text()))),
    ) -> PushRpc {
        let request = request.map(|(pubsub_topic, message)| PushRequest { pubsub_topic, message });
        let response = response.map(|(is_success, info)| PushResponse { is_success, info });
        PushRpc { request_id, request, response }
    }
}

prop_compose! {
    fn filter_request()(
        request_id in of(text()),
        filter_subscribe_type in of(any::<u32>()),
        pubsub_topic in of(text()),
        content_topics in vec(text(), 0..5),
    ) -> FilterSubscribeRequest {
        FilterSubscribeRequest { request_id, filter_subscribe_type, pubsub_topic, content_topics }
    }
}

prop_compose! {
    fn filter_response()(
        request_id in of(text()),
        status_code in of(any::<u32>()),
        status_desc in of(text()),
    ) -> FilterSubscribeResponse {
        FilterSubscribeResponse { request_id, status_code, status_desc }
    }
}

prop_compose! {
    fn message_push()(waku_message in of(waku_message()), pubsub_topic in of(text())) -> MessagePush {
        MessagePush { waku_message, pubsub_topic }
    }
}

prop_compose! {
    fn store_request()(
        (request_id, include_data, pubsub_topic) in (of(text()), of(any::<bool>()), of(text())),
        content_topics in vec(text(), 0..5),
        time_start in of(any::<i64>()),
        time_end in of(any::<i64>()),
        message_hashes in vec(blob(), 0..5),
        pagination_cursor in of(blob()),
        pagination_forward in of(any::<bool>()),
        pagination_limit in of(any::<u64>()),
    ) -> StoreQueryRequest {
        StoreQueryRequest {
            request_id, include_data, pubsub_topic, content_topics, time_start, time_end, message_hashes,
            pagination_cursor, pagination_forward, pagination_limit,
        }
    }
}

prop_compose! {
    fn key_value()(
        message_hash in of(blob()),
        message in of(waku_message()),
        pubsub_topic in of(text()),
    ) -> WakuMessageKeyValue {
        WakuMessageKeyValue { message_hash, message, pubsub_topic }
    }
}

prop_compose! {
    fn store_response()(
        request_id in of(text()),
        status_code in of(any::<u32>()),
        status_desc in of(text()),
        messages in vec(key_value(), 0..4),
        pagination_cursor in of(blob()),
    ) -> StoreQueryResponse {
        StoreQueryResponse { request_id, status_code, status_desc, messages, pagination_cursor }
    }
}

prop_compose! {
    fn metadata()(
        cluster_id in of(any::<u32>()),
        shards_unpacked in vec(any::<u32>(), 0..9),
        shards_packed in vec(any::<u32>(), 0..9),
    ) -> WakuMetadata {
        WakuMetadata { cluster_id, shards_unpacked, shards_packed }
    }
}

prop_compose! {
    fn px_response()(
        records in vec(of(blob()), 0..4),
        status_code in of(any::<u32>()),
        status_desc in of(text()),
    ) -> PeerExchangeResponse {
        let peer_infos = records.into_iter().map(|enr| PeerInfo { enr }).collect();
        PeerExchangeResponse { peer_infos, status_code, status_desc }
    }
}

prop_compose! {
    fn px_rpc()(num_peers in of(of(any::<u64>())), response in of(px_response())) -> PeerExchangeRpc {
        let request = num_peers.map(|num_peers| PeerExchangeRequest { num_peers });
        PeerExchangeRpc { request, response }
    }
}

/// Through one frame, with more bytes behind it that must stay unread.
fn through_a_frame<M: Message + Default>(message: &M) -> Result<M, FrameError> {
    let mut stream = encode_frame(message, CAP_BYTES)?.to_vec();
    let frame_bytes = stream.len() as u64;
    stream.extend([0xff; 7]);
    let mut io = Cursor::new(stream);
    let read = block_on(read_frame(&mut io, CAP_BYTES));
    assert_eq!(io.position(), frame_bytes, "reads its own frame and no more");
    read
}

macro_rules! reads_back {
    ($($name:ident: $strategy:expr;)*) => {
        proptest! {
            $(
                #[test]
                fn $name(message in $strategy) {
                    prop_assert_eq!(&through_a_frame(&message).unwrap(), &message);
                }
            )*
        }
    };
}

reads_back! {
    a_waku_message_reads_back: waku_message();
    a_lightpush_request_reads_back: lightpush_request();
    a_lightpush_response_reads_back: lightpush_response();
    a_lightpush_v2_envelope_reads_back: push_rpc();
    a_filter_request_reads_back: filter_request();
    a_filter_response_reads_back: filter_response();
    a_message_push_reads_back: message_push();
    a_store_request_reads_back: store_request();
    a_store_response_reads_back: store_response();
    metadata_reads_back: metadata();
    a_peer_exchange_envelope_reads_back: px_rpc();
}

/// Decodes `bytes` as `M`, and if they are one, encodes that: what was read must be writable and read the same again.
fn decodes_without_panic<M: Message + Default + PartialEq + std::fmt::Debug>(bytes: &Bytes) {
    if let Ok(message) = M::decode(bytes.clone()) {
        assert_eq!(M::decode(message.encode_to_vec().as_slice()), Ok(message));
    }
}

fn decodes_as_every_message(bytes: &Bytes) {
    decodes_without_panic::<WakuMessage>(bytes);
    decodes_without_panic::<LightpushRequest>(bytes);
    decodes_without_panic::<LightpushResponse>(bytes);
    decodes_without_panic::<PushRpc>(bytes);
    decodes_without_panic::<FilterSubscribeRequest>(bytes);
    decodes_without_panic::<FilterSubscribeResponse>(bytes);
    decodes_without_panic::<MessagePush>(bytes);
    decodes_without_panic::<StoreQueryRequest>(bytes);
    decodes_without_panic::<StoreQueryResponse>(bytes);
    decodes_without_panic::<WakuMetadata>(bytes);
    decodes_without_panic::<PeerExchangeRpc>(bytes);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        decodes_as_every_message(&Bytes::from(bytes));
    }

    /// Nearly valid bytes reach deeper than random ones: one byte of a real message is changed, and the end cut off.
    #[test]
    fn damaged_messages_never_panic(
        response in store_response(),
        position: proptest::sample::Index,
        value: u8,
        end: proptest::sample::Index,
    ) {
        let mut bytes = response.encode_to_vec();
        if !bytes.is_empty() {
            let index = position.index(bytes.len());
            bytes[index] = value;
            bytes.truncate(end.index(bytes.len()) + 1);
        }
        decodes_as_every_message(&Bytes::from(bytes));
    }
}
