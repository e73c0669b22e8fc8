//! The binary from outside: exit codes and messages where no service node is needed.

use std::fs;

use runtime::light::testing::{Binary, expect, nobody};

const RECEIVER: Binary = Binary {
    path: env!("CARGO_BIN_EXE_receiver"),
    default_log: "receiver.jsonl",
};

#[test]
fn usage_errors_are_64_and_leave_no_log() {
    let folder = tempfile::tempdir().expect("temporary folder");
    expect(
        &RECEIVER.run(folder.path(), &[]),
        64,
        "no service node: give --service-node",
    );
    expect(
        &RECEIVER.run(folder.path(), &["--ping-interval=500"]),
        64,
        "say 500ms or 500s",
    );
    expect(
        &RECEIVER.run(folder.path(), &[&nobody(), "--redundancy=2"]),
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
        &RECEIVER.run(folder.path(), &["--config=typo.toml"]),
        64,
        "did you mean \"redundancy\"?",
    );
    fs::write(folder.path().join("bad.toml"), "clients = \"few\"\n").expect("written");
    let error = "error: configuration file bad.toml, line 1: invalid value 'few' for '--clients <N>'";
    expect(&RECEIVER.run(folder.path(), &["--config=bad.toml"]), 64, error);
    expect(
        &RECEIVER.run(folder.path(), &["--config=none.toml"]),
        66,
        "configuration file none.toml",
    );
}

#[test]
fn an_unreachable_service_node_is_69_and_the_log_says_why() {
    let folder = tempfile::tempdir().expect("temporary folder");
    RECEIVER.check_unreachable_service_node(folder.path());
}

#[test]
fn a_log_in_the_way_is_73_and_stays_as_it_was() {
    let folder = tempfile::tempdir().expect("temporary folder");
    RECEIVER.check_log_in_the_way(folder.path());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_74() {
    let folder = tempfile::tempdir().expect("temporary folder");
    RECEIVER.check_full_disk(folder.path());
}

#[test]
fn help_is_complete_and_no_error() {
    let folder = tempfile::tempdir().expect("temporary folder");
    RECEIVER.check_help(
        folder.path(),
        &[
            "--service-node",
            "LPT_UNTIL_IDLE",
            "Exit codes:",
            "130  left at the second signal",
        ],
    );
}
