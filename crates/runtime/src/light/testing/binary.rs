//! A role's binary from outside, where no service node is needed.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

use event_log::{Event, parse_line};

const PEER: &str = "16Uiu2HAmPLe7Mzm8TsYUubgCAW1aJoeFScxrLj8ppHFivPo97bUZ";

/// The binary of a role, and what holds for every role's.
#[derive(Debug, Clone, Copy)]
pub struct Binary {
    /// Path of the binary.
    pub path: &'static str,
    /// Name of the event log it writes unless told otherwise.
    pub default_log: &'static str,
}

/// Asserts the exit code and that standard error contains `message`.
///
/// # Panics
/// When it is otherwise.
#[track_caller]
pub fn expect(output: &Output, code: i32, message: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(message), "{message:?} in {stderr}");
}

/// `--service-node` with an address at which nobody listens.
///
/// # Panics
/// When there is no loopback interface.
#[must_use]
pub fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    format!("--service-node=/ip4/127.0.0.1/tcp/{port}/p2p/{PEER}")
}

impl Binary {
    /// Runs it to its end in `folder`, with an empty environment.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run(&self, folder: &Path, argv: &[&str]) -> Output {
        Command::new(self.path)
            .args(argv)
            .current_dir(folder)
            .env_clear()
            .output()
            .expect("the binary runs")
    }

    /// Asserts that an unreachable service node ends the run with 69, and that the log says why.
    ///
    /// # Panics
    /// When it is otherwise.
    pub fn check_unreachable_service_node(&self, folder: &Path) {
        let argv = [
            nobody(),
            "--wait-timeout=300ms".into(),
            "--run-id=r".into(),
            "--log-level=off".into(),
        ];
        let output = self.run(folder, &argv.each_ref().map(String::as_str));
        expect(&output, 69, "0 of 1 clients have their service nodes");
        expect(&output, 69, "refused");
        let log = fs::read_to_string(folder.join(self.default_log)).expect("the default log");
        let lines: Vec<_> = log
            .lines()
            .map(|line| parse_line(line).expect("readable").event)
            .collect();
        assert!(matches!(&lines[0], Event::RunStarted(started) if started.run == "r" && started.clients == 1));
        assert!(matches!(lines.last(), Some(Event::RunEnded(ended)) if ended.reason.starts_with("error: ")));
    }

    /// Asserts that a log in the way ends the run with 73 and stays as it was.
    ///
    /// # Panics
    /// When it is otherwise.
    pub fn check_log_in_the_way(&self, folder: &Path) {
        let old = folder.join("old.jsonl");
        fs::write(&old, "precious\n").expect("written");
        expect(
            &self.run(folder, &[&nobody(), "--event-log=old.jsonl"]),
            73,
            "exists already",
        );
        assert_eq!(fs::read_to_string(&old).expect("still there"), "precious\n");
    }

    /// Asserts that a full disk ends the run with 74.
    ///
    /// # Panics
    /// When it is otherwise.
    #[cfg(target_os = "linux")]
    pub fn check_full_disk(&self, folder: &Path) {
        expect(
            &self.run(folder, &[&nobody(), "--event-log=/dev/full"]),
            74,
            "cannot write event log",
        );
    }

    /// Asserts that `--help` succeeds and names all `parts`.
    ///
    /// # Panics
    /// When it is otherwise.
    pub fn check_help(&self, folder: &Path, parts: &[&str]) {
        let output = self.run(folder, &["--help"]);
        let help = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0));
        for part in parts {
            assert!(help.contains(part), "{part} in {help}");
        }
    }
}
