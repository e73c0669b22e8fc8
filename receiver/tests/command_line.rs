//! The binary from outside: exit codes and messages where no service node is needed.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

const PEER: &str = "16Uiu2HAmPLe7Mzm8TsYUubgCAW1aJoeFScxrLj8ppHFivPo97bUZ";

fn receiver(folder: &Path, argv: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_receiver"))
        .args(argv)
        .current_dir(folder)
        .env_clear()
        .output()
        .expect("the binary runs")
}

fn expect(output: &Output, code: i32, message: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(message), "{message:?} in {stderr}");
}

/// An address at which nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    format!("--service-node=/ip4/127.0.0.1/tcp/{port}/p2p/{PEER}")
}

#[test]
fn usage_errors_are_64_and_leave_no_log() {
    let folder = tempfile::tempdir().expect("temporary folder");
    expect(
        &receiver(folder.path(), &[]),
        64,
        "no service node: give --service-node",
    );
    expect(
        &receiver(folder.path(), &["--ping-interval=500"]),
        64,
        "say 500ms or 500s",
    );
    expect(
        &receiver(folder.path(), &[&nobody(), "--redundancy=2"]),
        64,
        "only 1 are given",
    );
    assert!(!folder.path().join("receiver.jsonl").exists());
}

#[test]
fn configuration_files_are_read_and_their_faults_named() {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::write(folder.path().join("typo.toml"), "redundncy = 3\n").expect("written");
    expect(
        &receiver(folder.path(), &["--config=typo.toml"]),
        64,
        "did you mean \"redundancy\"?",
    );
    fs::write(folder.path().join("bad.toml"), "clients = \"few\"\n").expect("written");
    let error = "error: configuration file bad.toml, line 1: invalid value 'few' for '--clients <N>'";
    expect(&receiver(folder.path(), &["--config=bad.toml"]), 64, error);
    expect(
        &receiver(folder.path(), &["--config=none.toml"]),
        66,
        "configuration file none.toml",
    );
}

#[test]
fn an_unreachable_service_node_is_69_and_the_log_says_why() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let argv = [
        nobody(),
        "--wait-timeout=300ms".into(),
        "--run-id=r".into(),
        "--log-level=off".into(),
    ];
    let output = receiver(folder.path(), &argv.each_ref().map(String::as_str));
    expect(&output, 69, "0 of 1 clients have their service nodes");
    expect(&output, 69, "refused");
    let log = fs::read_to_string(folder.path().join("receiver.jsonl")).expect("the default log");
    let lines: Vec<_> = log
        .lines()
        .map(|line| event_log::parse_line(line).expect("readable").event)
        .collect();
    assert!(matches!(&lines[0], event_log::Event::RunStarted(started) if started.run == "r" && started.clients == 1));
    assert!(matches!(lines.last(), Some(event_log::Event::RunEnded(ended)) if ended.reason.starts_with("error: ")));
}

#[test]
fn a_log_in_the_way_is_73_and_stays_as_it_was() {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::write(folder.path().join("old.jsonl"), "precious\n").expect("written");
    expect(
        &receiver(folder.path(), &[&nobody(), "--event-log=old.jsonl"]),
        73,
        "exists already",
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("old.jsonl")).expect("still there"),
        "precious\n"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_74() {
    let folder = tempfile::tempdir().expect("temporary folder");
    expect(
        &receiver(folder.path(), &[&nobody(), "--event-log=/dev/full"]),
        74,
        "cannot write event log",
    );
}

#[test]
fn help_is_complete_and_no_error() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let output = receiver(folder.path(), &["--help"]);
    let help = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    for part in [
        "--service-node",
        "LPT_UNTIL_IDLE",
        "Exit codes:",
        "130  left at the second signal",
    ] {
        assert!(help.contains(part), "{part} in {help}");
    }
}
