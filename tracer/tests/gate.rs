//! The real binary: `gate` and `diff`, their exit codes and complaints.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up fails by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use event_log::{
    Event, MessageHash, Record, Timestamp,
    event::{PublishAttempt, Published, Received, Role, RunEnded, RunStarted, Subscribed},
};

const MESSAGES: u32 = 40;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ns(1_700_000_000_000_000_000 + ms * 1_000_000)
}

fn line(ms: i64, event: impl Into<Event>) -> String {
    let time = at(ms);
    let event = event.into();
    format!("{}\n", Record { time, event }.to_line().unwrap())
}

fn started(role: Role, node: &str) -> String {
    let event = RunStarted {
        role,
        run: "0f3c".to_owned(),
        node: node.to_owned(),
        host: "box".to_owned(),
        boot: Some("boot-1".to_owned()),
        pid: 1,
        version: "0.1.0".to_owned(),
        clients: 1,
        peer_id: None,
        messages: None,
        interval_ns: None,
        expect_publishers: None,
        expect_receivers: None,
        clock_error_ns: None,
        config: BTreeMap::new(),
    };
    line(-2000, event)
}

fn ended() -> String {
    let (reason, counters) = ("completed".to_owned(), BTreeMap::new());
    line(100_000, RunEnded { reason, counters })
}

fn publisher() -> String {
    let mut log = started(Role::Publisher, "publisher-1");
    for index in 1..=MESSAGES {
        let ms = i64::from(index) * 1000;
        let (sender, node, topic) = ("publisher-1/0".to_owned(), "node".to_owned(), "topic".to_owned());
        let hash = MessageHash([index as u8; 32]);
        log += &line(
            ms,
            PublishAttempt {
                sender: sender.clone(),
                index,
                attempt: 1,
                hash,
                size_bytes: 100,
                service_node: node.clone(),
                transport: None,
                pubsub_topic: topic.clone(),
                content_topic: topic,
                intended: at(ms),
                sent: at(ms),
            },
        );
        log += &line(
            ms + 5,
            Published {
                sender,
                index,
                attempt: 1,
                hash,
                size_bytes: 100,
                service_node: node,
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
    log + &ended()
}

fn receiver(received: u32) -> String {
    let mut log = started(Role::Receiver, "receiver-1");
    let (service_node, content_topic) = ("node".to_owned(), "topic".to_owned());
    log += &line(
        -500,
        Subscribed {
            client: 0,
            service_node: service_node.clone(),
            transport: None,
            pubsub_topic: content_topic.clone(),
            content_topics: 1,
            renewed: false,
        },
    );
    for index in 1..=received {
        log += &line(
            i64::from(index) * 1000 + 20,
            Received {
                client: 0,
                sender: "publisher-1/0".to_owned(),
                index,
                attempt: Some(1),
                hash: MessageHash([index as u8; 32]),
                size_bytes: 100,
                service_node: service_node.clone(),
                transport: None,
                content_topic: content_topic.clone(),
                run: None,
                intended: None,
                sent: None,
            },
        );
    }
    log + &ended()
}

/// A folder `name` with the logs of a run in which `received` messages arrived.
fn run_folder(folder: &Path, name: &str, received: u32) {
    let folder = folder.join(name);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("publisher-1.jsonl"), publisher()).unwrap();
    fs::write(folder.join("receiver-1.jsonl"), receiver(received)).unwrap();
}

fn tracer(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tracer"))
        .current_dir(folder)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Runs and checks the exit code and words on the stream that speaks: errors go to standard error alone.
#[track_caller]
fn expect(folder: &Path, args: &[&str], code: i32, words: &str) {
    let output = tracer(folder, args);
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}\n{err}");
    let (spoken, silent) = if code < 64 { (out, err) } else { (err, out) };
    assert!(
        spoken.contains(words) && silent.is_empty(),
        "{args:?}\n{spoken}\n{silent}"
    );
}

#[test]
fn gates_have_codes_0_1_2() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_folder(folder, "run", 39);
    expect(folder, &["gate", "run", "--fail-if", "loss > 2.5%"], 0, "PASS");
    expect(
        folder,
        &["gate", "run", "--fail-if", "loss > 2.4%"],
        1,
        "FAIL: loss > 2.4%: it is 2.5 %",
    );
    let both = [
        "gate",
        "run",
        "--fail-if",
        "loss > 5%",
        "--fail-if",
        "latency.p99 > 19ms per receiver",
    ];
    expect(folder, &both, 1, "it is 20.0 ms at receiver-1/0");
    expect(
        folder,
        &["gate", "run/publisher-1.jsonl", "--fail-if", "loss > 5%"],
        2,
        "UNKNOWN",
    );
    expect(
        folder,
        &["gate", "run", "--fail-if", "loss > 5%", "--expect", "receivers=2"],
        2,
        "found 1 of 2",
    );
}

#[test]
fn gates_come_from_a_file_with_profiles() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_folder(folder, "run", 39);
    let gates = "[profile.default]\nfail-if = [\"loss > 0\"]\n[profile.ci]\nfail-if = [\"loss > 5%\"]\n";
    fs::write(folder.join("gates.toml"), gates).unwrap();
    expect(folder, &["gate", "run", "--gates", "gates.toml"], 1, "loss > 0%");
    expect(
        folder,
        &["gate", "run", "--gates", "gates.toml", "--profile", "ci"],
        0,
        "PASS",
    );
    let more = [
        "gate",
        "run",
        "--gates",
        "gates.toml",
        "--profile",
        "ci",
        "--fail-if",
        "lost > 0",
    ];
    expect(folder, &more, 1, "lost > 0");
    let wrong = ["gate", "run", "--gates", "gates.toml", "--profile", "cj"];
    expect(folder, &wrong, 64, "did you mean ci?");
    fs::write(folder.join("bad.toml"), "[profile.ci]\nfail-if = 3\n").unwrap();
    expect(
        folder,
        &["gate", "run", "--gates", "bad.toml", "--profile", "ci"],
        64,
        "bad.toml is no gates file",
    );
    expect(
        folder,
        &["gate", "run", "--gates", "none.toml"],
        66,
        "cannot read none.toml",
    );
}

#[test]
fn a_wrong_gate_is_64_before_a_log_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    expect(
        folder,
        &["gate", "no-such-folder", "--fail-if", "los > 1%"],
        64,
        "did you mean loss?",
    );
    expect(
        folder,
        &["gate", "no-such-folder", "--fail-if", "latency.p101 > 1s"],
        64,
        "impossible percentile",
    );
    expect(folder, &["gate", "no-such-folder"], 64, "--fail-if");
    expect(
        folder,
        &["gate", "no-such-folder", "--fail-if", "loss > 1%", "--max-loss", "3"],
        64,
        "--max-loss",
    );
    expect(
        folder,
        &["gate", "no-such-folder", "--fail-if", "loss > 1%"],
        66,
        "no-such-folder",
    );
}

#[test]
fn a_comparison_is_a_gate_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_folder(folder, "good", 40);
    run_folder(folder, "bad", 20);
    expect(
        folder,
        &["diff", "good", "bad"],
        0,
        "WORSE beyond the noise: loss 0 % -> 50 %",
    );
    expect(folder, &["diff", "good", "bad", "--fail-on-worse"], 1, "WORSE");
    expect(folder, &["diff", "bad", "good", "--fail-on-worse"], 0, "BETTER");
    expect(folder, &["diff", "good", "good", "--fail-on-worse"], 0, "NO CHANGE");
    expect(
        folder,
        &["diff", "good", "good/publisher-1.jsonl", "--fail-on-worse"],
        2,
        "verdict unknown",
    );
    expect(folder, &["diff", "good", "none"], 66, "none");
    expect(folder, &["diff", "good"], 64, "<AFTER>");
}

#[test]
fn reports_are_compared_as_logs_are() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, received) in [("good", 40), ("bad", 20)] {
        run_folder(folder, name, received);
        tracer(
            folder,
            &["report", name, "--format", "json", "-o", &format!("{name}.json")],
        );
    }
    expect(
        folder,
        &["diff", "good.json", "bad.json", "--fail-on-worse"],
        1,
        "loss 0 % -> 50 %",
    );
    let output = tracer(folder, &["diff", "good.json", "bad", "--format", "json"]);
    let comparison: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&comparison["before"]["source"], &comparison["after"]["source"]),
        (&"report".into(), &"logs".into())
    );
    assert_eq!(comparison["rows"][0]["quantity"], "loss");
    assert_eq!(comparison["rows"][0]["test"]["name"], "fisher_exact");
    let p50 = comparison["rows"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["quantity"] == "latency.p50")
        .unwrap();
    assert_eq!(p50["test"]["name"], "order_statistics");
    let option = ["diff", "good.json", "bad", "--expect", "receivers=1"];
    expect(
        folder,
        &option,
        64,
        "good.json is a report, which is judged already: --expect is for logs",
    );
    fs::write(folder.join("other.json"), "{\"report_version\":99}").unwrap();
    expect(folder, &["diff", "good.json", "other.json"], 66, "report of version 99");
    fs::write(folder.join("other.json"), "[1").unwrap();
    expect(folder, &["diff", "good.json", "other.json"], 66, "is no JSON report");
}

#[test]
fn runs_and_expectations_are_chosen_for_a_comparison() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_folder(folder, "good", 40);
    run_folder(folder, "bad", 20);
    let both = folder.join("both");
    fs::create_dir(&both).unwrap();
    for (from, run) in [("good", "0f3c"), ("bad", "1a2b")] {
        for entry in fs::read_dir(folder.join(from)).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap().replace("0f3c", run);
            fs::write(
                both.join(format!("{run}-{}", path.file_name().unwrap().display())),
                text,
            )
            .unwrap();
        }
    }
    let chosen = [
        "diff",
        "both",
        "both",
        "--run-before",
        "0f3c",
        "--run-after",
        "1a2b",
        "--fail-on-worse",
    ];
    expect(folder, &chosen, 1, "WORSE");
    expect(
        folder,
        &["diff", "both", "both"],
        64,
        "choose one with --run-before or --run-after",
    );
    expect(
        folder,
        &["diff", "good", "both", "--run-after", "ffff"],
        64,
        "no log is of run ffff",
    );
    let expected = ["diff", "good", "good", "--expect", "receivers=2", "--fail-on-worse"];
    expect(
        folder,
        &expected,
        2,
        "but good is not known well: found 1 of 2 receiver logs",
    );
}
