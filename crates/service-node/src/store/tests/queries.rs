//! Single queries: what is returned, and what is refused how.

use bytes::Bytes;
use waku::wire::frame_cap::STORE_RESPONSE_BYTES;

use super::*;
use crate::store::query;

fn answer(connection: &Connection, request: &StoreQueryRequest) -> StoreQueryResponse {
    query::answer(connection, request, STORE_RESPONSE_BYTES)
}

/// Messages at 0, 1, 2, … ns on one topic.
fn numbered(count: i64) -> Vec<StoreEntry> {
    (0..count)
        .map(|number| entry(PUBSUB, "/a/1/b/c", number, number.to_be_bytes()))
        .collect()
}

fn refused(response: &StoreQueryResponse) -> (u32, &str, &str) {
    assert!(response.messages.is_empty() && response.pagination_cursor.is_none());
    (response.status_code(), response.status_desc(), response.request_id())
}

#[test]
fn page_sizes_default_to_20_and_end_at_100() {
    let connection = filled(&numbered(150));
    for (limit, size) in [
        (None, 20),
        (Some(0), 20),
        (Some(7), 7),
        (Some(100), 100),
        (Some(u64::MAX), 100),
    ] {
        let response = answer(
            &connection,
            &StoreQueryRequest {
                pagination_limit: limit,
                ..request()
            },
        );
        assert_eq!(response.messages.len(), size, "{limit:?}");
    }
}

#[test]
fn direction_is_forward_when_absent_and_a_backward_page_ascends() {
    let entries = numbered(5);
    let connection = filled(&entries);
    let order = in_order(&entries);
    for (forward, expected) in [
        (None, &order[..2]),
        (Some(true), &order[..2]),
        (Some(false), &order[3..]),
    ] {
        let request = StoreQueryRequest {
            pagination_forward: forward,
            pagination_limit: Some(2),
            ..request()
        };
        assert_eq!(hashes(&answer(&connection, &request)), expected);
    }
}

#[test]
fn a_cursor_is_returned_only_when_more_exists() {
    let connection = filled(&numbered(20));
    assert_eq!(answer(&connection, &request()).pagination_cursor, None);
    let shorter = StoreQueryRequest {
        pagination_limit: Some(19),
        ..request()
    };
    let response = answer(&connection, &shorter);
    assert_eq!(response.cursor().as_ref(), hashes(&response).last());
    assert_eq!(
        answer(&filled(&[]), &request()),
        StoreQueryResponse::ok("id", Vec::new(), None)
    );
}

#[test]
fn hashes_only_unless_data_is_asked_for() {
    let mut message = WakuMessage::new("payload", "/a/1/b/c", 7)
        .with_meta("meta")
        .with_version(2);
    message.rate_limit_proof = Some(Bytes::from_static(b"proof"));
    message.ephemeral = Some(false);
    let hash = message_hash(PUBSUB, &message);
    let stored = StoreEntry {
        hash,
        pubsub_topic: Arc::from(PUBSUB),
        message: message.clone(),
    };
    let connection = filled(&[stored]);

    let bare = answer(&connection, &request());
    assert_eq!(
        (&bare.messages[0].message, &bare.messages[0].pubsub_topic),
        (&None, &None)
    );

    let full = answer(
        &connection,
        &StoreQueryRequest {
            include_data: Some(true),
            ..request()
        },
    );
    let returned = full.messages[0].message.as_ref().unwrap();
    let kept = WakuMessage {
        rate_limit_proof: None,
        ephemeral: None,
        ..message
    };
    assert_eq!(*returned, kept);
    assert_eq!(message_hash(full.messages[0].pubsub_topic(), returned), hash);
    assert_eq!(hashes(&full), hashes(&bare));
}

#[test]
fn time_bounds_are_inclusive() {
    let entries = numbered(10);
    let connection = filled(&entries);
    let between = |start, end| {
        let request = StoreQueryRequest {
            time_start: start,
            time_end: end,
            ..request()
        };
        hashes(&answer(&connection, &request))
    };
    let order = in_order(&entries);
    assert_eq!(between(Some(3), Some(5)), order[3..=5]);
    assert_eq!(between(Some(5), Some(5)), order[5..=5]);
    assert_eq!(between(None, Some(0)), order[..=0]);
    assert_eq!(between(Some(9), None), order[9..]);
    assert_eq!(between(Some(i64::MIN), Some(i64::MAX)), order);
    assert_eq!(between(Some(6), Some(5)), []);
}

#[test]
fn hashes_and_filters_combine_by_and() {
    let entries = [entry(PUBSUB, "/a/1/b/c", 1, "x"), entry(PUBSUB, "/a/1/d/c", 2, "x")];
    let connection = filled(&entries);
    let both: Vec<Bytes> = entries.iter().map(|entry| entry.hash.to_bytes()).collect();
    let by_hash = StoreQueryRequest {
        message_hashes: both.clone(),
        ..request()
    };
    assert_eq!(hashes(&answer(&connection, &by_hash)), in_order(&entries));
    let topic = StoreQueryRequest {
        content_topics: vec!["/a/1/d/c".to_owned()],
        ..by_hash.clone()
    };
    assert_eq!(hashes(&answer(&connection, &topic)), [entries[1].hash]);
    let time = StoreQueryRequest {
        time_end: Some(1),
        ..by_hash.clone()
    };
    assert_eq!(hashes(&answer(&connection, &time)), [entries[0].hash]);
    let elsewhere = StoreQueryRequest {
        pubsub_topic: Some("/waku/2/rs/1/1".to_owned()),
        ..by_hash
    };
    assert_eq!(hashes(&answer(&connection, &elsewhere)), []);
    let repeated = StoreQueryRequest {
        message_hashes: [both.clone(), both].concat(),
        ..request()
    };
    assert_eq!(hashes(&answer(&connection, &repeated)), in_order(&entries));
}

#[test]
fn an_unknown_cursor_is_refused_without_request_id() {
    let connection = filled(&numbered(3));
    for cursor in [[9; 32], [0; 32]] {
        let request = StoreQueryRequest {
            pagination_cursor: Some(Bytes::from(cursor.to_vec())),
            ..request()
        };
        assert_eq!(refused(&answer(&connection, &request)), (300, "cursor not found", ""));
    }
}

#[test]
fn hashes_that_have_not_32_bytes_are_a_bad_request() {
    let connection = filled(&numbered(3));
    let short = StoreQueryRequest {
        message_hashes: vec![Bytes::from_static(&[1; 31])],
        ..request()
    };
    assert_eq!(
        refused(&answer(&connection, &short)),
        (400, "message hash has 31 bytes, expected 32", "")
    );
    for length in [0, 33] {
        let request = StoreQueryRequest {
            pagination_cursor: Some(Bytes::from(vec![1; length])),
            ..request()
        };
        let text = format!("pagination cursor has {length} bytes, expected 32");
        assert_eq!(refused(&answer(&connection, &request)), (400, text.as_str(), ""));
    }
}

#[test]
fn more_than_10_content_topics_are_refused_with_a_cursor_only_as_in_nwaku() {
    let entries = numbered(3);
    let connection = filled(&entries);
    let topics = |count| vec!["/a/1/b/c".to_owned(); count];
    let first = StoreQueryRequest {
        content_topics: topics(11),
        ..request()
    };
    assert_eq!(hashes(&answer(&connection, &first)), in_order(&entries));
    let cursor = Some(in_order(&entries)[0].to_bytes());
    let next = StoreQueryRequest {
        pagination_cursor: cursor,
        ..first
    };
    assert_eq!(
        refused(&answer(&connection, &next)),
        (300, "too many content topics", "")
    );
    let fewer = StoreQueryRequest {
        content_topics: topics(10),
        ..next
    };
    assert_eq!(hashes(&answer(&connection, &fewer)), in_order(&entries)[1..]);
}

#[test]
fn a_message_larger_than_the_answer_may_be_is_returned_alone_rather_than_never() {
    let entries = [
        entry(PUBSUB, "/a/1/b/c", 1, vec![1; 500]),
        entry(PUBSUB, "/a/1/b/c", 2, "x"),
    ];
    let connection = filled(&entries);
    let request = StoreQueryRequest {
        include_data: Some(true),
        ..request()
    };
    let response = query::answer(&connection, &request, 100);
    assert_eq!(hashes(&response), [entries[0].hash]);
    assert_eq!(response.cursor(), Some(entries[0].hash));
}

#[test]
fn a_broken_database_is_an_archive_error() {
    let connection = filled(&numbered(3));
    connection.execute_batch("DROP TABLE messages").unwrap();
    let response = answer(&connection, &request());
    let (code, text, id) = refused(&response);
    assert_eq!((code, id), (300, ""));
    assert!(text.starts_with("DRIVER_ERROR: no such"), "{text}");
}
