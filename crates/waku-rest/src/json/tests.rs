//! Bodies as nwaku and go-waku write them.

use proptest::prelude::*;
use waku::message_hash;

use super::*;

/// "TEST-PAYLOAD-MUST-RECEIVE" and "test-meta", as nwaku's `test_rest_filter.nim` has them, as its writer writes them.
const NWAKU: &str = r#"[{"payload":"VEVTVC1QQVlMT0FELU1VU1QtUkVDRUlWRQ==","contentTopic":"1","version":0,
    "timestamp":2022,"meta":"dGVzdC1tZXRh","ephemeral":false}]"#;

/// Go's encoder: absent pointers are left out, but for `ephemeral`, which is null.
const GO_WAKU: &str = r#"[{"payload":"AQID","contentTopic":"abc","timestamp":1700000000000000001,"ephemeral":null}]"#;

#[test]
fn a_poll_of_nwaku_reads() {
    let messages = messages(NWAKU.as_bytes()).expect("valid");
    let message = WakuMessage::new("TEST-PAYLOAD-MUST-RECEIVE", "1", 2022)
        .with_meta("test-meta")
        .with_version(0)
        .with_ephemeral(false);
    assert_eq!(messages, [Ok(message)]);
}

#[test]
fn a_poll_of_go_waku_reads() {
    let messages = messages(GO_WAKU.as_bytes()).expect("valid");
    let expected = WakuMessage::new(vec![1, 2, 3], "abc", 1_700_000_000_000_000_001);
    assert_eq!(messages, [Ok(expected)]);
}

#[test]
fn an_empty_poll_may_be_a_list_or_null() {
    assert_eq!(messages(b"[]"), Ok(Vec::new()));
    assert_eq!(messages(b"null"), Ok(Vec::new()));
}

#[test]
fn a_broken_entry_does_not_cost_the_others() {
    let body = br#"[{"contentTopic":"1"},7,{"payload":"%","contentTopic":"1"},{"payload":"AQID","contentTopic":"1"}]"#;
    let read = messages(body).expect("a list");
    assert_eq!(read[0], Err(JsonError::Missing { field: "payload" }));
    assert!(matches!(read[1], Err(JsonError::Json { .. })));
    assert!(matches!(read[2], Err(JsonError::Base64 { field: "payload", .. })));
    assert!(read[3].is_ok());
    assert!(messages(b"{").is_err() && messages(b"").is_err());
}

#[test]
fn the_url_alphabet_and_missing_padding_are_read() {
    for text in ["+/+/AQ==", "-_-_AQ==", "-_-_AQ", "+/+/AQ"] {
        let rest = RestMessage {
            payload: Some(text.into()),
            content_topic: Some("t".into()),
            ..RestMessage::default()
        };
        let message = WakuMessage::try_from(rest).expect(text);
        assert_eq!(message.payload(), [0xfb, 0xff, 0xbf, 0x01], "{text}");
    }
}

#[test]
fn of_two_answers_in_one_body_the_first_counts() {
    let body = br#"{"requestId":"1","statusDesc":"subscriptions failed for contentTopics: a"}{"requestId":"1","statusDesc":"subscription failed"}"#;
    let response: FilterResponse = first(body).expect("valid");
    assert_eq!(response.status_desc, "subscriptions failed for contentTopics: a");
}

#[test]
fn what_is_sent_is_what_nwaku_reads() {
    let message = WakuMessage::new(vec![1, 2, 3], "/a/1/b/proto", 5).with_ephemeral(true);
    let request = PushRequest {
        pubsub_topic: Some("/waku/2/rs/0/0".into()),
        message: (&message).into(),
    };
    let json = serde_json::to_string(&request).expect("json");
    assert_eq!(
        json,
        r#"{"pubsubTopic":"/waku/2/rs/0/0","message":{"payload":"AQID","contentTopic":"/a/1/b/proto","timestamp":5,"ephemeral":true}}"#
    );
}

#[test]
fn go_waku_wraps_texts_in_json() {
    assert_eq!(text(b"\"v0.9.0-deadbeef\""), "v0.9.0-deadbeef");
    assert_eq!(text(b" v0.38.1\n"), "v0.38.1");
}

proptest! {
    #[test]
    fn any_message_keeps_its_hash(payload: Vec<u8>, meta: Vec<u8>, timestamp: i64, ephemeral: Option<bool>, version: Option<u32>) {
        let mut message = WakuMessage::new(payload, "/a/1/b/proto", timestamp).with_meta(meta);
        (message.ephemeral, message.version) = (ephemeral, version);
        let json = serde_json::to_vec(&vec![RestMessage::from(&message)]).expect("json");
        let read = messages(&json).expect("list").remove(0).expect("message");
        prop_assert_eq!(message_hash("/waku/2/rs/0/0", &read), message_hash("/waku/2/rs/0/0", &message));
        prop_assert_eq!(read.payload(), message.payload());
    }

    #[test]
    fn any_body_reads_or_fails_without_panic(body: Vec<u8>) {
        let _ = messages(&body);
        let _ = text(&body);
    }
}
