//! What VictoriaLogs answers becomes logs.

use serde_json::json;

use reqwest::header::{HeaderMap, HeaderValue};

use super::server::*;
use crate::input::{
    Spool,
    http::{Http, Settings},
    source::StoreKind,
};

#[test]
fn victorialogs_gives_a_log_for_each_stream() {
    let text =
        line("{pod=\"b\"}", 2, "NTC line\nof two") + &line("{pod=\"a\"}", 1, EVENT) + &line("{pod=\"a\"}", 2, EVENT);
    let store = Store::start(move |_, _| chunked(&text, true));
    let logs = store.fetch(StoreKind::VictoriaLogs).unwrap();
    assert_eq!(logs[0].0, "victorialogs:{app=\"waku\"} {pod=\"a\"}");
    assert_eq!(logs[0].1, format!("{EVENT}\n{EVENT}\n"), "what the program wrote");
    assert_eq!(logs[1].0, "victorialogs:{app=\"waku\"} {pod=\"b\"}");
    assert_eq!(logs[1].1.lines().count(), 1);
    assert!(logs[1].1.contains(r"NTC line\nof two"), "{}", logs[1].1);
    let Request { path, form, .. } = store.requests().remove(0);
    assert_eq!(path, "/base/select/logsql/query");
    assert_eq!(form["query"], "{app=\"waku\"}");
    assert_eq!(form["start"], "1970-01-01T00:00:00.000001000Z");
    assert_eq!(form["end"], "2026-06-01T00:00:00.000000000Z");
}

#[test]
fn headers_go_to_every_page() {
    let store = Store::start(|number, _| match number {
        0 => ok(&loki_answer(&[("a", vec![(2_000, "x".to_owned())])])),
        1 => status("503 Busy", ""),
        _ => ok(&loki_answer(&[])),
    });
    let mut headers = HeaderMap::new();
    headers.insert("x-scope-orgid", HeaderValue::from_static("team"));
    headers.insert("authorization", HeaderValue::from_static("Bearer secret"));
    let http = Http::new(Settings { headers, ..settings() }).unwrap();
    Spool::fetch_with(&http, &[store.source(StoreKind::Loki)]).unwrap();
    let requests = store.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        let header = |name: &str| request.headers.get(name).map(String::as_str);
        assert_eq!(header("x-scope-orgid"), Some("team"));
        assert_eq!(header("authorization"), Some("Bearer secret"));
        assert_eq!(header("x-loki-response-encoding-flags"), Some("categorize-labels"));
    }
}

#[test]
fn the_end_is_not_included() {
    let at_end = json!({"_msg": "late", "_time": END, "_stream": "{}"}).to_string();
    let text = line("{}", 1, "x") + &at_end;
    let store = Store::start(move |_, _| ok(&text));
    let logs = store.fetch(StoreKind::VictoriaLogs).unwrap();
    assert!(logs[0].1.contains("\"x\"") && !logs[0].1.contains("late"), "{logs:?}");
}

#[test]
fn fields_of_nwaku_taken_apart_stay_together() {
    let text = json!({"_msg": "{x}", "_time": "2026-01-01T00:00:00Z", "_stream": "{}", "lvl": "NTC"}).to_string();
    let whole = text.clone() + "\n";
    let store = Store::start(move |_, _| ok(&text));
    assert_eq!(store.fetch(StoreKind::VictoriaLogs).unwrap()[0].1, whole);
}

#[test]
fn equal_queries_of_two_stores_are_told_apart() {
    let stores = [1, 2].map(|_| Store::start(|_, _| ok(&line("{}", 1, "x"))));
    let logs = fetch(&stores.each_ref().map(|store| store.source(StoreKind::VictoriaLogs))).unwrap();
    let names: Vec<_> = logs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "victorialogs:{app=\"waku\"} (store 2) {}",
            "victorialogs:{app=\"waku\"} {}"
        ]
    );
}
