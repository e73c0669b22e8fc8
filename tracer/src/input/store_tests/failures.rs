//! Stores that fail, stay silent, break off, or answer nonsense.

use std::{net::TcpListener, thread, time::Duration};

use super::server::*;
use crate::input::{
    MAX_RETRY_AFTER, Spool,
    http::{FIRST_PAUSE, Http, MAX_ATTEMPTS, Settings},
    source::{Source, SourceError, StoreKind},
    victorialogs::MAX_ANSWER_LINE_BYTES,
};

#[test]
fn a_server_error_is_tried_again() {
    for first in ["500 Oops", "503 Busy", "429 Slow down"] {
        let store = Store::start(move |number, _| match number {
            0 => status(first, "x"),
            _ => ok(&line("{}", 1, "x")),
        });
        assert_eq!(store.fetch(StoreKind::VictoriaLogs).unwrap().len(), 1);
        assert_eq!(store.requests().len(), 2);
    }
}

#[test]
fn a_store_is_left_alone_for_as_long_as_it_asks() {
    let busy = |status: &str, header: &str| {
        format!("HTTP/1.1 {status}\r\n{header}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
    };
    let store = Store::start(move |number, _| match number {
        0 => busy("429 Slow down", "Retry-After: 7"),
        1 => busy(
            "503 Busy",
            "Date: Sat, 31 Jan 2026 12:00:00 GMT\r\nRetry-After: Sat, 31 Jan 2026 12:00:09 GMT",
        ),
        2 => busy("503 Busy", "Retry-After: 0"),
        3 => busy("429 Slow down", "Retry-After: 86400"),
        _ => ok(&line("{}", 1, "x")),
    });
    assert_eq!(store.fetch(StoreKind::VictoriaLogs).unwrap().len(), 1);
    let asked = [7, 9].map(Duration::from_secs);
    assert_eq!(pauses(), [asked[0], asked[1], 4 * FIRST_PAUSE, MAX_RETRY_AFTER]);
}

#[test]
fn a_lasting_server_error_ends() {
    let store = Store::start(|_, _| status("500 Oops", "broken"));
    let error = error(store.fetch(StoreKind::Loki));
    assert!(
        matches!(&error, SourceError::Status { status: 500, text, .. } if text == "broken"),
        "{error}"
    );
    assert_eq!(store.requests().len(), MAX_ATTEMPTS as usize);
}

#[test]
fn a_refused_query_is_not_tried_again() {
    for kind in [StoreKind::VictoriaLogs, StoreKind::Loki] {
        let store = Store::start(|_, _| status("400 Bad Request", "parse error"));
        let error = error(store.fetch(kind));
        assert_eq!(error.to_string(), "the store answered 400: parse error");
        assert_eq!(store.requests().len(), 1);
    }
}

#[test]
fn a_redirect_is_an_error() {
    let moved = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let store = Store::start(|_, _| moved.to_vec());
    assert!(matches!(
        error(store.fetch(StoreKind::Loki)),
        SourceError::Status { status: 302, .. }
    ));
}

#[test]
fn a_cut_answer_is_read_again_from_its_beginning() {
    let store = Store::start(|number, _| match number {
        0 => chunked(&line("{}", 1, "first"), false),
        _ => chunked(&(line("{}", 1, "first") + &line("{}", 2, "second")), true),
    });
    let logs = store.fetch(StoreKind::VictoriaLogs).unwrap();
    assert_eq!(logs[0].1.matches("first").count(), 1);
    assert_eq!(logs[0].1.matches("second").count(), 1);
}

#[test]
fn an_answer_that_is_always_cut_is_an_error() {
    let whole = ok(&line("{}", 1, "x"));
    for cut in [
        chunked(&line("{}", 1, "x"), false),
        whole[..whole.len() - 1].to_vec(),
        Vec::new(),
    ] {
        let store = Store::start(move |_, _| cut.clone());
        assert!(matches!(
            error(store.fetch(StoreKind::VictoriaLogs)),
            SourceError::Connection(_)
        ));
        assert_eq!(store.requests().len(), MAX_ATTEMPTS as usize);
    }
}

#[test]
fn an_answer_without_length_is_an_error() {
    let body = line("{}", 1, "x");
    let store = Store::start(move |_, _| format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}").into_bytes());
    assert!(matches!(
        error(store.fetch(StoreKind::VictoriaLogs)),
        SourceError::NoLength
    ));
}

#[test]
fn nobody_there_is_an_error_without_the_password() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let source = Source {
        endpoint: format!("victorialogs=http://user:secret@{address}").parse().unwrap(),
        query: "*".to_owned(),
        start: None,
        end: None,
    };
    let error = fetch(&[source]).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot read victorialogs:*: cannot connect"),
        "{error}"
    );
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn a_silent_store_is_given_up() {
    let store = Store::start(|_, _| {
        thread::sleep(Duration::from_millis(200));
        Vec::new()
    });
    let http = Http::new(Settings {
        read_timeout: Duration::from_millis(20),
        ..settings()
    })
    .unwrap();
    let fetched = Spool::fetch_with(&http, &[store.source(StoreKind::Loki)]).unwrap_err();
    assert!(fetched.to_string().contains("no answer in time"), "{fetched}");
}

#[test]
fn no_line_is_an_error() {
    let store = Store::start(|_, _| ok(""));
    assert!(matches!(
        error(store.fetch(StoreKind::VictoriaLogs)),
        SourceError::Empty
    ));
    let store = Store::start(|_, _| ok(&loki_answer(&[])));
    assert!(matches!(error(store.fetch(StoreKind::Loki)), SourceError::Empty));
}

#[test]
fn an_event_log_in_disorder_is_an_error() {
    let text = line("{}", 2, EVENT) + &line("{}", 1, EVENT);
    let store = Store::start(move |_, _| ok(&text));
    assert!(matches!(
        error(store.fetch(StoreKind::VictoriaLogs)),
        SourceError::Disorder(_)
    ));
    let native = line("{}", 2, "b") + &line("{}", 1, "a");
    let store = Store::start(move |_, _| ok(&native));
    assert!(store.fetch(StoreKind::VictoriaLogs).is_ok(), "a node's log needs none");
}

#[test]
fn hostile_answers_are_errors() {
    let deep = "[".repeat(100_000);
    let long = format!("{{\"_msg\":\"{}\"}}", "x".repeat(MAX_ANSWER_LINE_BYTES));
    let labels = line(&"l".repeat(1 << 20), 1, "x");
    let good = line("{}", 1, "x");
    for bad in [
        &deep,
        &long,
        &labels,
        "{\"error\":\"out of memory\"}",
        "{\"_msg\":1,\"_time\":\"2026-01-01T00:00:00Z\",\"_stream\":\"{}\"}",
        "{\"_msg\":\"x\",\"_time\":\"yesterday\",\"_stream\":\"{}\"}",
        "{\"_msg\":\"x\",\"_msg\":\"y\",\"_time\":\"2026-01-01T00:00:00Z\",\"_stream\":\"{}\"}",
        "<html>\0",
    ] {
        let body = good.clone() + bad;
        let store = Store::start(move |_, _| ok(&body));
        let error = error(store.fetch(StoreKind::VictoriaLogs));
        assert!(
            matches!(error, SourceError::Answer(_) | SourceError::TooMuch { .. }),
            "{error}"
        );
    }
    let range = loki_answer(&[("a", vec![(i64::MAX, "x".to_owned())])]);
    for bad in [
        deep.as_str(),
        &range,
        "{}",
        r#"{"status":"error","data":{"resultType":"streams","result":[]}}"#,
        r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#,
        r#"{"status":"success","data":{"resultType":"streams","result":[{"stream":{},"values":[["x","y"]]}]}}"#,
        r#"{"status":"success","data":{"resultType":"streams","result":[{"stream":{},"values":[["5"]]}]}}"#,
    ] {
        let body = bad.to_owned();
        let store = Store::start(move |_, _| ok(&body));
        let error = error(store.fetch(StoreKind::Loki));
        assert!(matches!(error, SourceError::Answer(_)), "{error}");
    }
}
