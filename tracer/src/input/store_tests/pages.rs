//! Loki, page by page.

use super::server::*;
use crate::input::{
    loki::PAGE_LINES,
    source::{SourceError, StoreKind},
};

/// What Loki does: the first `limit` lines of `start..end` over all streams.
fn loki_of(lines: Vec<(i64, &'static str, String)>) -> Store {
    Store::start(move |_, form| {
        let number = |key: &str| form[key].parse::<i64>().unwrap();
        let range = number("start")..number("end");
        let limit = usize::try_from(number("limit")).unwrap();
        let mut streams: Vec<(&str, Vec<(i64, String)>)> = vec![("a", Vec::new()), ("b", Vec::new())];
        for (time, pod, text) in lines.iter().filter(|(time, ..)| range.contains(time)).take(limit) {
            let stream = streams.iter_mut().find(|(name, _)| name == pod).unwrap();
            stream.1.push((*time, text.clone()));
        }
        ok(&loki_answer(&streams))
    })
}

#[test]
fn loki_is_read_page_by_page() {
    // Seven lines a nanosecond, so that pages end within one; every third line repeats the one before.
    let total = 3 * PAGE_LINES + 5;
    let lines: Vec<_> = (0..total)
        .map(|number| {
            let time = 1_000 + i64::try_from(number / 7).unwrap();
            let pod = if number % 2 == 0 { "a" } else { "b" };
            (time, pod, format!("NTC line {}", number - number % 3))
        })
        .collect();
    let expected = |pod: &str| -> String {
        let of_pod = lines.iter().filter(|line| line.1 == pod);
        of_pod.map(|line| line.2.clone() + "\n").collect()
    };
    let (a, b) = (expected("a"), expected("b"));
    let store = loki_of(lines);
    let logs = store.fetch(StoreKind::Loki).unwrap();
    assert_eq!(logs[0].0, "loki:{app=\"waku\"} {app=\"waku\",pod=\"a\"}");
    assert!(logs[0].1 == a && logs[1].1 == b, "every line once");
    let requests = store.requests();
    assert!(requests.len() > 4, "{}", requests.len());
    assert_eq!(requests[0].path, "/base/loki/api/v1/query_range");
    assert_eq!(requests[0].form["direction"], "forward");
}

#[test]
fn a_page_of_one_nanosecond_is_an_error() {
    let lines = (0..=PAGE_LINES)
        .map(|number| (2_000, "a", number.to_string()))
        .collect();
    let store = loki_of(lines);
    assert!(matches!(
        error(store.fetch(StoreKind::Loki)),
        SourceError::TooMuch { .. }
    ));
}

#[test]
fn a_cut_page_is_an_error_and_never_less_data() {
    let body = loki_answer(&[("a", vec![(2_000, "x".to_owned())])]);
    let store = Store::start(move |number, _| {
        let whole = ok(&body);
        if number == 0 {
            whole
        } else {
            whole[..whole.len() - 3].to_vec()
        }
    });
    assert!(matches!(
        error(store.fetch(StoreKind::Loki)),
        SourceError::Connection(_)
    ));
}
