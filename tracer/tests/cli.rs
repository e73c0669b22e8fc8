//! The real binary: exit codes, formats, inputs.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up fails by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{Shutdown, TcpListener},
    path::Path,
    process::{Command, Output, Stdio},
};

use event_log::{
    Event, EventLog, MessageHash, RunInfo, Timestamp,
    event::{ClientStarted, PublishAttempt, Published, Received, Role, RunEnded, Subscribed},
};

const SENDER: &str = "publisher-1/0";
const START_NS: i64 = 1_700_000_000_000_000_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ns(START_NS + ms * 1_000_000)
}

fn hash(index: u32) -> MessageHash {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&index.to_be_bytes());
    MessageHash(bytes)
}

/// A log as a role writes it, through the real writer.
struct Writer<'a> {
    log: EventLog,
    node: &'a str,
}

impl<'a> Writer<'a> {
    fn start(folder: &Path, role: Role, node: &'a str) -> Self {
        let log = EventLog::create(folder.join(format!("{node}.jsonl"))).unwrap();
        let mut started = RunInfo::of_this_process("0.1.0").started(role, "0f3c", node);
        started.clients = 1;
        started.boot = Some("boot".to_owned());
        log.log_at(at(-2000), started);
        let (name, peer_id) = (format!("{node}/0"), format!("peer of {node}"));
        log.log_at(
            at(-1900),
            ClientStarted {
                client: 0,
                name,
                peer_id,
            },
        );
        Self { log, node }
    }

    fn log(&self, ms: i64, event: impl Into<Event>) {
        self.log.log_at(at(ms), event);
    }

    fn end(self) {
        assert!(!self.node.is_empty());
        self.log
            .close(RunEnded {
                reason: "completed".to_owned(),
                counters: BTreeMap::new(),
            })
            .unwrap();
    }
}

fn publish(folder: &Path, messages: u32, whole: bool) {
    let role = Writer::start(folder, Role::Publisher, "publisher-1");
    for index in 1..=messages {
        let ms = i64::from(index) * 100;
        let (sender, service_node, topic) = (SENDER.to_owned(), "node".to_owned(), "topic".to_owned());
        role.log(
            ms,
            PublishAttempt {
                sender: sender.clone(),
                index,
                attempt: 1,
                hash: hash(index),
                size_bytes: 1024,
                service_node: service_node.clone(),
                transport: None,
                pubsub_topic: topic.clone(),
                content_topic: topic,
                intended: at(ms),
                sent: at(ms),
            },
        );
        role.log(
            ms + 5,
            Published {
                sender,
                index,
                attempt: 1,
                hash: hash(index),
                size_bytes: 1024,
                service_node,
                transport: None,
                intended: at(ms),
                sent: at(ms),
                acked: at(ms + 5),
                status: 200,
                status_text: None,
                relay_peers: None,
            },
        );
    }
    if whole {
        role.end();
    }
}

fn receive(folder: &Path, indices: impl IntoIterator<Item = u32>) {
    let role = Writer::start(folder, Role::Receiver, "receiver-1");
    let (service_node, topic) = ("node".to_owned(), "topic".to_owned());
    role.log(
        -500,
        Subscribed {
            client: 0,
            service_node: service_node.clone(),
            transport: None,
            pubsub_topic: topic.clone(),
            content_topics: 1,
            renewed: false,
        },
    );
    for index in indices {
        role.log(
            i64::from(index) * 100 + 20,
            Received {
                client: 0,
                sender: SENDER.to_owned(),
                index,
                attempt: Some(1),
                hash: hash(index),
                size_bytes: 1024,
                service_node: service_node.clone(),
                transport: None,
                content_topic: topic.clone(),
                run: None,
                intended: None,
                sent: None,
            },
        );
    }
    // `close` stamps the present, which is long after the run: nothing is cut off by the receiver's end.
    role.end();
}

fn run(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tracer"))
        .current_dir(folder)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[track_caller]
fn expect(output: &Output, code: i32, first_line: &str) {
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
    assert!(
        out.lines().next().unwrap_or_default().starts_with(first_line),
        "{out}\n{err}"
    );
}

#[track_caller]
fn expect_complaint(output: &Output, code: i32, words: &str) {
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{err}");
    assert!(err.contains(words), "{err}");
    assert!(
        output.stdout.is_empty(),
        "no half report: {}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn verdicts_have_codes_0_1_2() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), 3, true);
    receive(folder.path(), 1..=3);
    expect(&run(folder.path(), &["report", "."]), 0, "PASS: 3 of 3 messages acked");
    fs::remove_file(folder.path().join("receiver-1.jsonl")).unwrap();
    receive(folder.path(), 1..=2);
    expect(
        &run(folder.path(), &["report", "."]),
        1,
        "FAIL: receiver-1/0: 1 of 3 messages lost",
    );
    expect(&run(folder.path(), &["report", ".", "--max-loss", "50"]), 0, "PASS");
    fs::remove_file(folder.path().join("publisher-1.jsonl")).unwrap();
    publish(folder.path(), 2, false);
    expect(
        &run(folder.path(), &["report", "."]),
        2,
        "UNKNOWN: ./publisher-1.jsonl is torn",
    );
    expect(
        &run(folder.path(), &["report", "receiver-1.jsonl"]),
        2,
        "UNKNOWN: there is no publisher log",
    );
}

#[test]
fn expectations_and_runs_are_flags() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), 3, true);
    receive(folder.path(), 1..=3);
    expect(
        &run(folder.path(), &["report", ".", "--expect", "publishers=1,receivers=1"]),
        0,
        "PASS",
    );
    expect(
        &run(folder.path(), &["report", ".", "--expect", "receivers=2"]),
        2,
        "UNKNOWN: found 1 of 2 receiver logs",
    );
    expect(&run(folder.path(), &["report", ".", "--run", "0f3c"]), 0, "PASS");
    expect(
        &run(folder.path(), &["report", ".", "--run", "beef"]),
        2,
        "UNKNOWN: no log is of run beef",
    );
}

#[test]
fn a_wrong_command_line_is_64() {
    let folder = tempfile::tempdir().unwrap();
    expect_complaint(&run(folder.path(), &[]), 64, "Usage");
    expect_complaint(&run(folder.path(), &["report"]), 64, "<LOG>");
    expect_complaint(
        &run(folder.path(), &["report", "x", "--max-loss", "101"]),
        64,
        "between 0 and 100",
    );
    expect_complaint(&run(folder.path(), &["report", "x", "--late-after", "5"]), 64, "250ms");
    expect_complaint(&run(folder.path(), &["report", "x", "--nonsense"]), 64, "--nonsense");
    expect_complaint(&run(folder.path(), &["report", "[x"]), 64, "bad pattern");
}

#[test]
fn a_missing_input_is_66() {
    let folder = tempfile::tempdir().unwrap();
    expect_complaint(&run(folder.path(), &["report", "none.jsonl"]), 66, "none.jsonl");
    expect_complaint(&run(folder.path(), &["report", "*.jsonl"]), 66, "*.jsonl");
    expect_complaint(&run(folder.path(), &["report", "."]), 66, "no *.jsonl or *.log below .");
}

#[test]
fn an_unwritable_report_is_74() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), 1, true);
    expect_complaint(
        &run(folder.path(), &["report", ".", "-o", "no/such/report.txt"]),
        74,
        "no/such/report.txt",
    );
    #[cfg(target_os = "linux")]
    {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tracer"));
        let output = command
            .current_dir(folder.path())
            .args(["report", "."])
            .stdout(full)
            .output()
            .unwrap();
        expect_complaint(&output, 74, "standard output");
    }
}

#[test]
fn help_shows_the_codes() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["--help"][..], &["report", "--help"], &["report", "-h"]] {
        let output = run(folder.path(), args);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0));
        assert!(text.contains(tracer::ExitCode::HELP), "{text}");
    }
    expect(&run(folder.path(), &["--version"]), 0, "tracer ");
}

#[test]
fn json_goes_to_a_file_and_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), 3, true);
    receive(folder.path(), [1, 3]);
    let output = run(folder.path(), &["report", ".", "--format", "json", "-o", "report.json"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let text = fs::read_to_string(folder.path().join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["verdict"], "fail");
    assert_eq!(report["reasons"][0]["code"], "loss");
    assert_eq!(report["receivers"][0]["senders"][0]["lost_indices"][0]["first"], 2);
    let shown = run(folder.path(), &["report", ".", "--format", "json"]);
    assert_eq!(String::from_utf8_lossy(&shown.stdout), text);
}

#[test]
fn logs_names_the_parts_of_a_log_and_what_was_not_read() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), 3, true);
    let text = fs::read_to_string(folder.path().join("publisher-1.jsonl")).unwrap();
    let (first, rest) = text.split_at(text.find('\n').unwrap() + 1);
    fs::write(folder.path().join("publisher-1.jsonl.1"), first).unwrap();
    fs::write(folder.path().join("publisher-1.jsonl"), rest).unwrap();
    fs::write(folder.path().join("notes.txt"), "").unwrap();
    let output = run(folder.path(), &["logs", "."]);
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(
        out.contains("rotated, oldest first: ./publisher-1.jsonl.1, ./publisher-1.jsonl\n"),
        "{out}"
    );
    assert_eq!(err, "not read: the ending is of no log: ./notes.txt\n");
    let named = run(folder.path(), &["logs", "notes.txt", "publisher-1.jsonl*"]);
    assert!(!String::from_utf8_lossy(&named.stderr).contains("not read"));
}

#[test]
fn the_order_of_arguments_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), 3, true);
    receive(folder.path(), [3, 1]);
    let (one, two) = ("publisher-1.jsonl", "receiver-1.jsonl");
    let outputs: Vec<_> = [
        &["report", one, two][..],
        &["report", two, one],
        &["report", two, one, two, "*.jsonl"],
    ]
    .iter()
    .map(|args| run(folder.path(), args).stdout)
    .collect();
    assert!(!outputs[0].is_empty());
    assert!(outputs.iter().all(|output| *output == outputs[0]));
}

#[test]
fn standard_input_may_hold_several_logs() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), 3, true);
    receive(folder.path(), 1..=3);
    let mut child = Command::new(env!("CARGO_BIN_EXE_tracer"))
        .args(["report", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for name in ["publisher-1.jsonl", "receiver-1.jsonl"] {
        stdin.write_all(&fs::read(folder.path().join(name)).unwrap()).unwrap();
    }
    drop(stdin);
    expect(&child.wait_with_output().unwrap(), 0, "PASS: 3 of 3");
}

#[test]
fn a_report_to_a_pipe_has_no_colour() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), 1, true);
    receive(folder.path(), [1]);
    assert!(!run(folder.path(), &["report", "."]).stdout.contains(&0x1b));
}

#[test]
fn csv_refuses_what_it_cannot_read_twice_before_reading_it() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), 1, true);
    let csv = ["--report", "csv=tables"];
    let on = |log: &str| {
        run(
            folder.path(),
            &[&["report", log, "publisher-1.jsonl"], &csv[..]].concat(),
        )
    };
    expect_complaint(&on("-"), 64, "csv reads the logs twice, and - can be read only once");
    #[cfg(unix)]
    {
        // With nobody at its other end, a pipe that was opened would be waited for without end.
        let made = Command::new("mkfifo")
            .arg(folder.path().join("pipe.jsonl"))
            .status()
            .unwrap();
        assert!(made.success());
        expect_complaint(&on("pipe.jsonl"), 64, "pipe.jsonl can be read only once");
        expect_complaint(&on("*.jsonl"), 64, "pipe.jsonl can be read only once");
    }
    assert!(!folder.path().join("tables").exists());
}

#[test]
fn a_form_that_cannot_be_written_keeps_no_other_from_being_written() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), 1, true);
    receive(folder.path(), [1]);
    fs::write(folder.path().join("file"), "").unwrap();
    let args = [
        "report",
        ".",
        "--report",
        "csv=file/tables",
        "--report",
        "html=page.html",
    ];
    let output = run(folder.path(), &args);
    expect(&output, 74, "PASS: 1 of 1 messages acked");
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write the report to file/tables"));
    assert!(folder.path().join("page.html").exists());
}

/// A VictoriaLogs that answers one request with the event logs in `folder`, a stream each; it gives its address.
fn victorialogs(folder: &Path, status: &'static str) -> String {
    let mut body = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stream = format!("{{log=\"{}\"}}", path.file_stem().unwrap().to_str().unwrap());
        for line in fs::read_to_string(&path).unwrap().lines() {
            let line = serde_json::json!({"_msg": line, "_time": "2026-01-01T00:00:00Z", "_stream": stream});
            body += &format!("{line}\n");
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = BufReader::new(stream.try_clone().unwrap()).lines();
        let form: Vec<String> = request
            .by_ref()
            .map(Result::unwrap)
            .take_while(|line| !line.is_empty())
            .collect();
        assert!(form[0].starts_with("POST /select/logsql/query "), "{form:?}");
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        stream.write_all((head + &body).as_bytes()).unwrap();
        // The form is read to its end, lest the answer be lost with a reset.
        stream.shutdown(Shutdown::Write).unwrap();
        request.for_each(drop);
    });
    format!("victorialogs=http://{address}")
}

#[test]
fn a_log_store_gives_what_its_files_give() {
    let (logs, empty) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    publish(logs.path(), 3, true);
    receive(logs.path(), 1..=2);
    let ask = |command: &[&str]| {
        let source = victorialogs(logs.path(), "200 OK");
        let args = [command, &["--source", &source, "--query", "app:waku"]].concat();
        let mut tracer = Command::new(env!("CARGO_BIN_EXE_tracer"));
        tracer.current_dir(empty.path()).args(args).stdin(Stdio::null());
        tracer
            .env("TMPDIR", empty.path())
            .env("NO_PROXY", "127.0.0.1")
            .output()
            .unwrap()
    };
    let first = ask(&["report", "--report", "csv=tables"]);
    expect(&first, 1, "FAIL: receiver-1/0: 1 of 3 messages lost");
    let text = String::from_utf8_lossy(&first.stdout).into_owned();
    assert!(text.contains("victorialogs:app:waku {log=\"receiver-1\"}"), "{text}");
    assert!(
        !text.contains(empty.path().to_str().unwrap()),
        "no temporary path: {text}"
    );
    let received = fs::read_to_string(empty.path().join("tables/received.csv")).unwrap();
    assert_eq!(received.lines().count(), 1 + 2);
    assert_eq!(ask(&["report"]).stdout, first.stdout, "the same every time");
    assert_eq!(ask(&["gate", "--fail-if", "loss > 50%"]).status.code(), Some(0));
    assert_eq!(ask(&["trace", "publisher-1/0:1"]).status.code(), Some(0));
    expect(&ask(&["logs"]), 0, "");
    let left: Vec<_> = fs::read_dir(empty.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["tables"], "the temporary folders are removed");
}

#[test]
fn a_failed_query_is_66_and_a_wrong_one_64() {
    let folder = tempfile::tempdir().unwrap();
    let source = victorialogs(folder.path(), "400 Bad Request");
    let output = run(folder.path(), &["report", "--source", &source, "--query", "x"]);
    expect_complaint(&output, 66, "cannot read victorialogs:x: the store answered 400");
    let loki = "loki=http://127.0.0.1:1";
    for (args, words) in [
        (&["report", "--source", loki, "--query", "{}"][..], "--start"),
        (&["report", "--source", loki], "--query"),
        (&["report", "--query", "{}"], "--source"),
        (
            &["report", "--source", "http://127.0.0.1:1", "--query", "{}"],
            "victorialogs=URL",
        ),
        (
            &["logs", "--source", loki, "--query", "{}", "--start", "noon"],
            "RFC 3339",
        ),
    ] {
        expect_complaint(&run(folder.path(), args), 64, words);
    }
}
