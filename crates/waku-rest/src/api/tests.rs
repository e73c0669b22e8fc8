//! Answers as nwaku and go-waku write them, and what they mean.

use super::*;

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        what: "GET /x".into(),
        status,
        body: body.as_bytes().to_vec(),
    }
}

fn status(code: u32, text: Option<&str>) -> Status {
    Status::new(code, text.map(str::to_owned))
}

/// Answers of nwaku's `lightpush/handlers.nim`, texts of `tests/wakunode_rest/test_rest_lightpush.nim`.
#[test]
fn version_3_answers_of_nwaku() {
    let push = |code, body| push_answer(LightpushVersion::V3, &answer(code, body)).expect("an answer");
    let ok = push(200, r#"{"relayPeerCount":1}"#);
    assert_eq!((ok.status, ok.relay_peers), (status(200, None), Some(1)));
    let none = push(505, r#"{"statusDesc":"No peers for topic, skipping publish"}"#);
    assert_eq!(none.status, status(505, Some("No peers for topic, skipping publish")));
    let limited = push(429, r#"{"statusDesc":"Request rejected due to too many requests"}"#);
    assert_eq!(limited.status.code, 429);
    let missing = push(404, "/lightpush endpoints are not available.");
    assert_eq!(
        missing.status,
        status(404, Some("/lightpush endpoints are not available."))
    );
    assert!(matches!(
        push_answer(LightpushVersion::V3, &answer(200, "hello")),
        Err(RestError::Unreadable { .. })
    ));
}

/// nwaku's `legacy_lightpush/handlers.nim` answers "OK", go-waku's `lightpush_rest_test.go` expects "true".
#[test]
fn version_1_answers_of_both() {
    let push = |code, body| push_answer(LightpushVersion::V2, &answer(code, body)).expect("an answer");
    assert_eq!(push(200, "OK").status, status(200, None));
    assert_eq!(push(200, "true").status, status(200, None));
    let refused = push(503, "Failed to request a message push: not_published_to_any_peer");
    assert_eq!(
        refused.status,
        status(503, Some("Failed to request a message push: not_published_to_any_peer"))
    );
    assert_eq!(push(400, "").status, status(400, None));
}

/// Texts of nwaku's `test_rest_filter.nim` and go-waku's `filter_test.go`.
#[test]
fn filter_answers_of_both() {
    let ok = filter_status(answer(200, r#"{"requestId":"1234","statusDesc":"OK"}"#));
    assert_eq!(ok.expect("status"), status(200, Some("OK")));
    for text in ["NOT_FOUND: peer has no subscriptions", "peer has no subscription"] {
        let body = format!(r#"{{"requestId":"9977","statusDesc":"{text}"}}"#);
        let gone = filter_status(answer(404, &body)).expect("status");
        assert!(gone.is_not_subscribed() && gone.text.as_deref() == Some(text));
    }
}

#[test]
fn a_404_of_the_server_is_no_lost_subscription() {
    for (code, body) in [
        (404, "/filter endpoints are not available."),
        (404, "404 page not found\n"),
        (400, "Bad request initiated. Invalid path or method used."),
    ] {
        assert!(
            matches!(filter_status(answer(code, body)), Err(RestError::NotServed { .. })),
            "{body}"
        );
    }
    assert_eq!(
        filter_status(answer(500, "broken")).expect("status"),
        status(500, Some("broken"))
    );
}

#[test]
fn a_200_that_tells_an_error_is_no_success() {
    for body in [
        r#"{"requestId":"1","statusDesc":"UNKNOWN"}"#,
        r#"{"requestId":"1","statusDesc":"subscriptions failed for a"}{"requestId":"1","statusDesc":"subscription failed"}"#,
    ] {
        let error = filter_status(answer(200, body)).expect_err(body);
        assert!(matches!(error, RestError::Contradiction { status: 200, .. }), "{error}");
    }
}

#[test]
fn topics_stand_in_one_path_segment() {
    let segment = utf8_percent_encode("/a b/1/c+d%/proto", SEGMENT).to_string();
    assert_eq!(segment, "%2Fa%20b%2F1%2Fc%2Bd%25%2Fproto");
    assert!(is_not_subscribed("Not subscribed to topic: /a"));
    assert!(is_not_subscribed("not subscribed to pubsubTopic:/a contentTopic: /b"));
}
