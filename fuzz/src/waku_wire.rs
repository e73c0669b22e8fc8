//! Frames, protobuf messages and node records as peers send them.

use futures::{executor::block_on, io::Cursor};
use prost::Message;
use waku::{
    NodeRecord, encode_frame, message, message_hash, read_frame_bytes,
    wire::{
        FilterSubscribeRequest, FilterSubscribeResponse, LightpushRequest, LightpushResponse, MessagePush,
        PeerExchangeRpc, PushRpc, StoreQueryRequest, StoreQueryResponse, WakuMessage, WakuMetadata,
    },
};

/// Longest frame that is read here, bytes: above every input of the fuzzer.
const CAP_BYTES: usize = 1 << 20;

/// A frame with each message of the protocols in it: what decodes is written and decodes to the same.
pub(crate) fn frames(data: &[u8]) {
    let mut stream = Cursor::new(data);
    while let Ok(body) = block_on(read_frame_bytes(&mut stream, CAP_BYTES)) {
        bodies(&body);
    }
    bodies(data);
}

fn bodies(body: &[u8]) {
    if let Some(request) = again::<FilterSubscribeRequest>(body) {
        let _ = request.kind();
    }
    again::<FilterSubscribeResponse>(body).map(|response| response.status());
    again::<LightpushRequest>(body);
    again::<LightpushResponse>(body).map(|response| (response.status(), response.status_as_nwaku_client()));
    again::<MessagePush>(body);
    if let Some(rpc) = again::<PeerExchangeRpc>(body) {
        rpc.status();
        rpc.records().for_each(|record| records(record));
    }
    again::<PushRpc>(body);
    again::<StoreQueryRequest>(body);
    again::<StoreQueryResponse>(body);
    again::<WakuMetadata>(body).map(|metadata| metadata.shards().len());
    if let Some(whole) = again::<WakuMessage>(body) {
        let valid = message::check(&whole, CAP_BYTES);
        assert!(
            valid.is_err() || message::check_shape(&whole).is_ok(),
            "a valid message has a valid shape"
        );
        message_hash("/waku/2/rs/1/0", &whole);
    }
}

/// Decodes, writes as a frame, reads it back and compares.
fn again<M: Message + Default + PartialEq>(body: &[u8]) -> Option<M> {
    let read = M::decode(body).ok()?;
    // Fields may come in a longer form than they are written in, never in a shorter one.
    let frame = encode_frame(&read, CAP_BYTES).ok()?;
    let body = block_on(read_frame_bytes(&mut Cursor::new(&frame), CAP_BYTES)).expect("our own frame is read");
    assert!(
        M::decode(body).as_ref() == Ok(&read),
        "a message changes when it is written"
    );
    Some(read)
}

/// A node record in RLP.
pub(crate) fn records(data: &[u8]) {
    if let Ok(record) = NodeRecord::from_rlp(data) {
        let again = NodeRecord::from_rlp(record.rlp());
        assert_eq!(again.as_ref(), Ok(&record), "a record changes when it is written");
        assert_eq!(record.text().parse::<NodeRecord>().as_ref(), Ok(&record));
    }
}
