//! `lpt run` from the outside: report, exit code, run folder, and nothing left behind.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::{
    path::Path,
    process::{Child, Stdio},
};

use common::*;
use rustix::process::{Pid, Signal, kill_process};

/// A test machine may be too busy for the schedule; that verdict is tested elsewhere.
const MAX_SLIP: &str = "--max-slip=1h";

fn report(folder: &Path) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("report.json")).unwrap()).unwrap()
}

fn assert_nothing_runs(folder: &Path) {
    let pids = pids_in(folder);
    assert!(!pids.is_empty());
    wait_for("all children are gone", || {
        (!pids.iter().any(|pid| is_running(*pid))).then_some(())
    });
}

#[test]
fn the_default_scenario_passes_and_keeps_everything() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let output = run(&["run", "--rate=100/s", MAX_SLIP, "--folder", folder.to_str().unwrap()]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stdout}\n{stderr}");
    assert!(stdout.starts_with("PASS"), "{stdout}");
    let report = report(&folder);
    assert_eq!(report["verdict"], "pass");
    assert_eq!(report["totals"]["attempted"], 100);
    assert_eq!(report["totals"]["acked"], 100);
    assert_eq!(
        report["totals"]["counts"]["received"], 200,
        "two receivers: {}",
        report["totals"]
    );
    assert_eq!(report["totals"]["counts"]["lost"], 0);
    assert_eq!(report["totals"]["counts"]["duplicates"], 0);
    for kept in [
        "run.toml",
        "node-1.toml",
        "node-2.jsonl",
        "publisher-1.jsonl",
        "receiver-2.jsonl",
        "report.txt",
        "report.html",
    ] {
        assert!(folder.join(kept).exists(), "{kept}");
    }
    assert_eq!(std::fs::read_to_string(folder.join("report.txt")).unwrap(), stdout);
    assert_nothing_runs(&folder);
}

#[test]
fn every_role_and_version_can_be_multiplied() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let args = [
        "run",
        "--nodes=3",
        "--publishers=2",
        "--receivers=2",
        "--clients-per-publisher=2",
        "--clients-per-receiver=3",
        "--redundancy=2",
        "--messages=10",
        "--rate=50/s",
        "--lightpush=v2",
        "--size=2KiB",
        "--store",
        "--format=json",
        MAX_SLIP,
        "--folder",
        folder.to_str().unwrap(),
    ];
    let output = run(&args);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["totals"]["attempted"], 40);
    assert_eq!(printed["totals"]["counts"]["received"], 40 * 6);
    // Each receiver client hears every message from both of its nodes.
    assert_eq!(printed["totals"]["counts"]["duplicates"], 40 * 6);
    assert_nothing_runs(&folder);
}

#[test]
fn the_run_can_be_repeated_from_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    let output = run(&[
        "run",
        "--messages=5",
        "--rate=0",
        "--receivers=1",
        MAX_SLIP,
        "--folder",
        first.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let config = first.join("run.toml");
    let output = run(&[
        "run",
        "--config",
        config.to_str().unwrap(),
        "--folder",
        second.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(report(&second)["totals"]["attempted"], 5);
}

#[test]
fn a_folder_that_exists_is_never_written_into() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(&["run", "--folder", dir.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(73), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("cannot make the run folder"));
}

/// A long run, ready to be disturbed: its publisher has sent something.
fn start_long_run(folder: &Path, load: &[&str]) -> Child {
    let child = lpt()
        .args(["run", MAX_SLIP, "--folder"])
        .arg(folder)
        .args(load)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("the publisher has published", || {
        (acked_indices(&folder.join("publisher-1.jsonl")).len() > 5).then_some(())
    });
    child
}

/// Goes on for half an hour.
const SLOW_AND_LONG: [&str; 2] = ["--messages=100000", "--rate=50/s"];

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

#[test]
fn ctrl_c_drains_reports_and_leaves_nothing_running() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let child = start_long_run(&folder, &SLOW_AND_LONG);
    signal(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    let stdout = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "stopped early, lost nothing: {stdout}\n{}",
        text(&output.stderr)
    );
    assert_eq!(report(&folder)["totals"]["counts"]["lost"], 0);
    assert_nothing_runs(&folder);
}

#[test]
fn a_killed_parent_takes_its_children_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let mut child = start_long_run(&folder, &SLOW_AND_LONG);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_nothing_runs(&folder);
}

#[test]
fn a_crashed_receiver_is_no_pass() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let child = start_long_run(&folder, &SLOW_AND_LONG);
    let receiver = pids_in(&folder)
        .into_iter()
        .find(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            text(&line).contains("receiver-1")
        })
        .unwrap();
    kill_process(Pid::from_raw(i32::try_from(receiver).unwrap()).unwrap(), Signal::KILL).unwrap();
    wait_for("it is dead", || (!is_running(receiver)).then_some(()));
    signal(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert!(matches!(output.status.code(), Some(1 | 2)), "{}", text(&output.stdout));
    assert!(
        text(&output.stderr).contains("receiver-1 ended with"),
        "{}",
        text(&output.stderr)
    );
    assert_nothing_runs(&folder);
}

#[test]
fn a_dead_node_ends_an_unpaced_run() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let load = [
        "--nodes=1",
        "--receivers=1",
        "--rate=0",
        "--in-flight=1",
        "--messages=4000000000",
    ];
    let child = start_long_run(&folder, &load);
    let node = events(&folder.join("node-1.jsonl"))
        .into_iter()
        .find_map(|event| match event {
            event_log::Event::RunStarted(started) => i32::try_from(started.pid).ok(),
            _ => None,
        });
    kill_process(Pid::from_raw(node.unwrap()).unwrap(), Signal::KILL).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(matches!(output.status.code(), Some(1 | 2)), "{}", text(&output.stdout));
    assert!(
        text(&output.stderr).contains("node-1 has ended"),
        "{}",
        text(&output.stderr)
    );
    assert_nothing_runs(&folder);
}
