//! A log store of a few lines, and the answers it gives.

use std::{
    cell::RefCell,
    collections::HashMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::Duration,
};

use event_log::Timestamp;
use reqwest::{Url, header::HeaderMap};
use serde_json::json;

use crate::input::{
    InputError, Spool,
    http::{Http, Settings},
    source::{Source, SourceError, StoreKind},
};

pub(super) type Form = HashMap<String, String>;

/// What came in.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) path: String,
    /// By name in lower case.
    pub(super) headers: HashMap<String, String>,
    pub(super) form: Form,
}

/// A server of one answer a connection; it keeps the path and the form of each request.
pub(super) struct Store {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    thread: Option<JoinHandle<()>>,
}

impl Store {
    /// `answer` gets the number of the request, from 0, and its form, and gives the bytes of the whole answer.
    pub(super) fn start(mut answer: impl FnMut(usize, &Form) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let thread = thread::spawn(move || {
            for number in 0.. {
                let (mut stream, _) = listener.accept().unwrap();
                let Some(request) = read_request(&stream) else {
                    return;
                };
                kept.lock().unwrap().push(request.clone());
                // A client that has seen enough hangs up.
                let _ = stream.write_all(&answer(number, &request.form));
            }
        });
        Self {
            address,
            requests,
            thread: Some(thread),
        }
    }

    pub(super) fn source(&self, kind: StoreKind) -> Source {
        Source {
            endpoint: format!("{}=http://{}/base/", kind.name(), self.address)
                .parse()
                .unwrap(),
            query: "{app=\"waku\"}".to_owned(),
            start: Some(Timestamp::from_unix_ns(1_000)),
            end: Some(END.parse().unwrap()),
        }
    }

    pub(super) fn fetch(&self, kind: StoreKind) -> Result<Vec<(String, String)>, InputError> {
        fetch(&[self.source(kind)])
    }

    pub(super) fn requests(&self) -> Vec<Request> {
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

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let (mut path, mut headers) = (String::new(), HashMap::new());
    for number in 0.. {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if number == 0 {
            path = line.split(' ').nth(1)?.to_owned();
        } else if line.trim().is_empty() {
            break;
        } else {
            let (name, value) = line.split_once(':')?;
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
    }
    let length = headers
        .get("content-length")
        .map_or(Some(0), |length| length.parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let url = Url::parse(&format!("http://form/?{}", String::from_utf8(body).ok()?)).ok()?;
    Some(Request {
        path,
        headers,
        form: url.query_pairs().into_owned().collect(),
    })
}

/// Waits for nothing, and keeps the pauses of this thread.
pub(super) fn settings() -> Settings {
    Settings {
        read_timeout: Duration::from_secs(10),
        sleep: |pause| PAUSES.with_borrow_mut(|pauses| pauses.push(pause)),
        ..Settings::new(HeaderMap::new())
    }
}

thread_local! {
    static PAUSES: RefCell<Vec<Duration>> = const { RefCell::new(Vec::new()) };
}

/// The pauses between attempts on this thread.
pub(super) fn pauses() -> Vec<Duration> {
    PAUSES.take()
}

pub(super) fn http() -> Http {
    Http::new(settings()).unwrap()
}

/// Name and text of each log.
pub(super) fn fetch(sources: &[Source]) -> Result<Vec<(String, String)>, InputError> {
    let spool = Spool::fetch_with(&http(), sources)?;
    let inputs = spool.resolve(&[])?;
    let logs: Vec<_> = inputs
        .iter()
        .map(|input| (input.shown(), fs::read_to_string(&input.path).unwrap()))
        .collect();
    let paths: Vec<_> = inputs.into_iter().map(|input| input.path).collect();
    drop(spool);
    assert!(paths.iter().all(|path| !path.exists()), "the files are removed");
    Ok(logs)
}

pub(super) fn error(result: Result<Vec<(String, String)>, InputError>) -> SourceError {
    match result {
        Err(InputError::Source { error, .. }) => error,
        other => panic!("{other:?}"),
    }
}

pub(super) fn ok(body: &str) -> Vec<u8> {
    status("200 OK", body)
}

pub(super) fn status(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").into_bytes()
}

/// A chunked answer; without `end` it lacks the last chunk.
pub(super) fn chunked(body: &str, end: bool) -> Vec<u8> {
    let end = if end { "0\r\n\r\n" } else { "" };
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    format!("{head}{:x}\r\n{body}\r\n{end}", body.len()).into_bytes()
}

pub(super) fn line(stream: &str, ms: u32, text: &str) -> String {
    let time = format!("2026-01-01T00:00:00.{ms:03}Z");
    json!({"_msg": text, "_time": time, "_stream": stream}).to_string() + "\n"
}

pub(super) fn loki_answer(streams: &[(&str, Vec<(i64, String)>)]) -> String {
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

pub(super) const END: &str = "2026-06-01T00:00:00Z";

pub(super) const EVENT: &str = r#"{"v":1,"event":"run_ended"}"#;
