//! Names and addresses that people write: topics, addresses of service nodes, node records, overrides of status codes.

use waku::{ContentTopic, NodeRecord, PubsubTopic, ServiceNodeAddr, ShardCount, autoshard};

/// What is read is shown, and what is shown is read as the same.
pub(crate) fn parse(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(topic) = text.parse::<PubsubTopic>() {
        assert_eq!(topic.to_string().parse::<PubsubTopic>().as_ref(), Ok(&topic));
    }
    if let Ok(topic) = text.parse::<ContentTopic>() {
        assert_eq!(topic.to_string().parse::<ContentTopic>().as_ref(), Ok(&topic));
        let shards = ShardCount::new(8).expect("8 is a number of shards");
        assert!(autoshard(1, shards, &topic).shard() < 8);
    }
    if let Ok(address) = text.parse::<ServiceNodeAddr>() {
        assert!(!address.addresses.is_empty());
        let again: ServiceNodeAddr = address.to_string().parse().expect("what is shown is an address");
        assert_eq!(again.peer_id, address.peer_id);
    }
    if let Ok(record) = text.parse::<NodeRecord>() {
        assert_eq!(record.text().parse::<NodeRecord>().as_ref(), Ok(&record));
    }
    let _ = waku::status_class::parse_override(&text);
}
