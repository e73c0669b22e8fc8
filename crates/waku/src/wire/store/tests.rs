//! What store queries must always write, and how odd answers read.

use super::*;
use prost::Message;

fn hashes(count: usize) -> Vec<MessageHash> {
    (0..count)
        .map(|index| MessageHash::from([u8::try_from(index % 256).unwrap(); 32]))
        .collect()
}

#[test]
fn backward_is_written_because_absent_means_forward_to_nwaku() {
    let page = StorePage {
        forward: false,
        ..StorePage::default()
    };
    let request = StoreQueryRequest::page("r", StoreFilter::default(), page, false).unwrap();
    let bytes = request.encode_to_vec();
    // Field 52, varint: tag 0x01a0, value 0.
    assert!(bytes.windows(3).any(|w| w == [0xa0, 0x03, 0x00]));
    let read = StoreQueryRequest::decode(&bytes[..]).unwrap();
    assert!(!read.is_forward());
    assert!(StoreQueryRequest::default().is_forward());
}

#[test]
fn a_presence_query_limits_itself_to_99_hashes_and_names_the_count() {
    let request = StoreQueryRequest::presence("r", &hashes(99)).unwrap();
    assert_eq!(request.pagination_limit, Some(99));
    assert_eq!(request.include_data, Some(false));
    assert_eq!(
        StoreQueryRequest::presence("r", &hashes(100)),
        Err(StoreRequestError::TooManyHashes { count: 100, max: 99 })
    );
    assert_eq!(StoreQueryRequest::presence("r", &[]), Err(StoreRequestError::NoHashes));
}

#[test]
fn page_sizes_are_cut_to_the_maximum() {
    let with = |limit| StoreQueryRequest {
        pagination_limit: limit,
        ..StoreQueryRequest::default()
    };
    assert_eq!(with(None).page_size(), 20);
    assert_eq!(with(Some(0)).page_size(), 20);
    assert_eq!(with(Some(7)).page_size(), 7);
    assert_eq!(with(Some(u64::MAX)).page_size(), 100);
}

#[test]
fn too_many_content_topics_are_refused() {
    let filter = StoreFilter {
        content_topics: vec!["/a/1/b/c".to_owned(); 11],
        ..StoreFilter::default()
    };
    assert_eq!(
        StoreQueryRequest::page("r", filter, StorePage::default(), true),
        Err(StoreRequestError::TooManyContentTopics { count: 11, max: 10 })
    );
}

#[test]
fn a_response_writes_the_three_fields_nwaku_requires() {
    let bytes = StoreQueryResponse::refused("", 0, "").encode_to_vec();
    assert_eq!(hex::encode(bytes), "0a0050005a00");
}

#[test]
fn hashes_of_the_wrong_length_are_not_hashes() {
    let entry = WakuMessageKeyValue {
        message_hash: Some(Bytes::from_static(&[1; 31])),
        ..WakuMessageKeyValue::default()
    };
    assert_eq!(entry.hash(), None);
    assert_eq!(StoreQueryResponse::default().cursor(), None);
    let hash = MessageHash::from([9; 32]);
    assert_eq!(WakuMessageKeyValue::hash_only(&hash).hash(), Some(hash));
    let page = StoreQueryResponse::ok("r", Vec::new(), Some(&hash));
    assert_eq!(page.cursor(), Some(hash));
}
