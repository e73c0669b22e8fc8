//! The binary from outside: exit codes and messages where no service node is needed.

use std::fs;

use runtime::light::testing::{Binary, expect, nobody};

const PUBLISHER: Binary = Binary {
    path: env!("CARGO_BIN_EXE_publisher"),
    default_log: "publisher.jsonl",
};

#[test]
fn usage_errors_are_64_and_leave_no_log() {
    let folder = tempfile::tempdir().expect("temporary folder");
    expect(
        &PUBLISHER.run(folder.path(), &[]),
        64,
        "no service node: give --service-node",
    );
    expect(
        &PUBLISHER.run(folder.path(), &["--interval=500"]),
        64,
        "say 500ms or 500s",
    );
    expect(
        &PUBLISHER.run(folder.path(), &[&nobody(), "--max-size=2MiB"]),
        64,
        "does not fit into a lightpush request",
    );
    assert!(!folder.path().join("publisher.jsonl").exists());
}

#[test]
fn configuration_files_are_read_and_their_faults_named() {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::write(folder.path().join("typo.toml"), "mesages = 3\n").expect("written");
    expect(
        &PUBLISHER.run(folder.path(), &["--config=typo.toml"]),
        64,
        "did you mean \"messages\"?",
    );
    fs::write(folder.path().join("bad.toml"), "messages = \"few\"\n").expect("written");
    let error = "error: configuration file bad.toml, line 1: invalid value 'few' for '--messages <N>'";
    expect(&PUBLISHER.run(folder.path(), &["--config=bad.toml"]), 64, error);
    expect(
        &PUBLISHER.run(folder.path(), &["--config=none.toml"]),
        66,
        "configuration file none.toml",
    );
}

#[test]
fn an_unreachable_service_node_is_69_and_the_log_says_why() {
    let folder = tempfile::tempdir().expect("temporary folder");
    PUBLISHER.check_unreachable_service_node(folder.path());
}

#[test]
fn a_log_in_the_way_is_73_and_stays_as_it_was() {
    let folder = tempfile::tempdir().expect("temporary folder");
    PUBLISHER.check_log_in_the_way(folder.path());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_74() {
    let folder = tempfile::tempdir().expect("temporary folder");
    PUBLISHER.check_full_disk(folder.path());
}

#[test]
fn help_is_complete_and_no_error() {
    let folder = tempfile::tempdir().expect("temporary folder");
    PUBLISHER.check_help(
        folder.path(),
        &[
            "--service-node",
            "LPT_RETRY_ON",
            "Exit codes:",
            "130  left at the second signal",
        ],
    );
}
