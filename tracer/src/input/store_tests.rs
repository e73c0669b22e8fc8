//! Log stores as they answer and fail, over real sockets.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::Duration,
};

use event_log::Timestamp;
use reqwest::Url;
use serde_json::json;

use super::{
    InputError, SourceArgs, Spool,
    http::{Http, MAX_ATTEMPTS},
    loki::PAGE_LINES,
    resolve,
    source::{Source, SourceError, StoreKind},
    spool::{NAMES_FILE, logs_in},
    victorialogs::MAX_ANSWER_LINE_BYTES,
};

type Form = HashMap<String, String>;

/// A server of one answer a connection; it keeps the path and the form of each request.
struct Store {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<(String, Form)>>>,
    thread: Option<JoinHandle<()>>,
}

impl Store {
    /// `answer` gets the number of the request, from 0, and its form, and gives the bytes of the whole answer.
    fn start(mut answer: impl FnMut(usize, &Form) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let thread = thread::spawn(move || {
            for number in 0.. {
                let (mut stream, _) = listener.accept().unwrap();
                let Some((path, form)) = read_request(&stream) else {
                    return;
                };
                kept.lock().unwrap().push((path, form.clone()));
                // A client that has seen enough hangs up.
                let _ = stream.write_all(&answer(number, &form));
            }
        });
        Self {
            address,
            requests,
            thread: Some(thread),
        }
    }

    fn source(&self, kind: StoreKind) -> Source {
        Source {
            endpoint: format!("{}=http://{}/base/", kind.name(), self.address)
                .parse()
                .unwrap(),
            query: "{app=\"waku\"}".to_owned(),
            start: Some(Timestamp::from_unix_ns(1_000)),
            end: Some(END.parse().unwrap()),
        }
    }

    fn fetch(&self, kind: StoreKind) -> Result<Vec<(String, String)>, InputError> {
        fetch(&[self.source(kind)])
    }

    fn requests(&self) -> Vec<(String, Form)> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // A connection without a request ends it.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read_request(stream: &TcpStream) -> Option<(String, Form)> {
    let mut reader = BufReader::new(stream);
    let (mut path, mut length) = (String::new(), 0);
    for number in 0.. {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if number == 0 {
            path = line.split(' ').nth(1)?.to_owned();
        } else if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        } else if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let url = Url::parse(&format!("http://form/?{}", String::from_utf8(body).ok()?)).ok()?;
    Some((path, url.query_pairs().into_owned().collect()))
}

fn http() -> Http {
    Http::with_limits(Duration::from_secs(10), Duration::from_millis(1)).unwrap()
}

/// Name and text of each log.
fn fetch(sources: &[Source]) -> Result<Vec<(String, String)>, InputError> {
    let spool = Spool::fetch_with(&http(), sources)?;
    let inputs = resolve(&spool.inputs(&[]))?;
    let logs: Vec<_> = inputs
        .iter()
        .map(|input| (input.shown(), fs::read_to_string(&input.path).unwrap()))
        .collect();
    let paths: Vec<_> = inputs.into_iter().map(|input| input.path).collect();
    drop(spool);
    assert!(paths.iter().all(|path| !path.exists()), "the files are removed");
    Ok(logs)
}

fn error(result: Result<Vec<(String, String)>, InputError>) -> SourceError {
    match result {
        Err(InputError::Source { error, .. }) => error,
        other => panic!("{other:?}"),
    }
}

fn ok(body: &str) -> Vec<u8> {
    status("200 OK", body)
}

fn status(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").into_bytes()
}

/// A chunked answer; without `end` it lacks the last chunk.
fn chunked(body: &str, end: bool) -> Vec<u8> {
    let end = if end { "0\r\n\r\n" } else { "" };
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    format!("{head}{:x}\r\n{body}\r\n{end}", body.len()).into_bytes()
}

fn line(stream: &str, ms: u32, text: &str) -> String {
    let time = format!("2026-01-01T00:00:00.{ms:03}Z");
    json!({"_msg": text, "_time": time, "_stream": stream}).to_string() + "\n"
}

fn loki_answer(streams: &[(&str, Vec<(i64, String)>)]) -> String {
    let result: Vec<_> = streams
        .iter()
        .map(|(pod, lines)| {
            let values: Vec<_> = lines
                .iter()
                .map(|(time, text)| json!([time.to_string(), text, {"structuredMetadata": {"a": "b"}}]))
                .collect();
            json!({"stream": {"pod": pod, "app": "waku"}, "values": values})
        })
        .collect();
    json!({"status": "success", "data": {"resultType": "streams", "result": result, "stats": {}}}).to_string()
}

const END: &str = "2026-06-01T00:00:00Z";

const EVENT: &str = r#"{"v":1,"event":"run_ended"}"#;

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
    let (path, form) = store.requests().remove(0);
    assert_eq!(path, "/base/select/logsql/query");
    assert_eq!(form["query"], "{app=\"waku\"}");
    assert_eq!(form["start"], "1970-01-01T00:00:00.000001000Z");
    assert_eq!(form["end"], "2026-06-01T00:00:00.000000000Z");
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
fn a_lasting_server_error_ends() {
    let store = Store::start(|_, _| status("500 Oops", "broken"));
    let error = error(store.fetch(StoreKind::Loki));
    assert!(
        matches!(&error, SourceError::Status { status: 500, text } if text == "broken"),
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
    let http = Http::with_limits(Duration::from_millis(20), Duration::from_millis(1)).unwrap();
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
    assert_eq!(requests[0].0, "/base/loki/api/v1/query_range");
    assert_eq!(requests[0].1["direction"], "forward");
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

#[test]
fn names_in_a_foreign_folder_do_not_lead_out_of_it() {
    let folder = tempfile::tempdir().unwrap();
    for (file, is_taken) in [("1/0.log", true), ("../x", false), ("/etc/passwd", false)] {
        fs::write(folder.path().join(NAMES_FILE), json!({file: "name"}).to_string()).unwrap();
        assert_eq!(logs_in(folder.path()).is_some(), is_taken, "{file}");
    }
}

#[test]
fn without_sources_nothing_is_asked() {
    let spool = Spool::fetch(&SourceArgs::default()).unwrap();
    assert_eq!(spool.inputs(&["a".into()]), [std::path::PathBuf::from("a")]);
}
