//! Parts of a fleet that are started by themselves, as containers are, and find each other in a shared folder.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::{
    fs,
    net::TcpListener,
    ops::Range,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::atomic::{AtomicU16, Ordering},
};

use common::*;
use rustix::process::{Pid, Signal, kill_process};

/// Schedule slip does not matter here, and a test machine may be busy.
const MAX_SLIP: &str = "--max-slip=1h";

/// A fleet of two nodes, two publishers and two receivers on this machine.
struct Fleet {
    dir: tempfile::TempDir,
    parts: Vec<Part>,
}

struct Part {
    role: &'static str,
    child: Child,
    stderr: PathBuf,
}

impl Fleet {
    /// Starts all parts at once, in no order that would help them, with these messages for each publisher.
    fn start(messages: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["fleet", "out"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let mut fleet = Self { dir, parts: Vec::new() };
        for (role, rest) in [
            ("publisher", &["--rate=40/s", messages][..]),
            ("publisher", &["--rate=40/s", messages]),
            ("receiver", &[]),
            ("receiver", &[]),
            ("node", &[]),
            ("node", &[]),
            ("tracer", &["report", MAX_SLIP]),
        ] {
            fleet.add(role, rest);
        }
        fleet
    }

    fn add(&mut self, role: &'static str, rest: &[&str]) {
        let [http, node] = [(); 2].map(|()| free_port().to_string());
        let stderr = self.dir.path().join(format!("{role}-{}.stderr", self.parts.len()));
        let child = lpt()
            .args(["fleet", role, "--fleet-host=127.0.0.1"])
            .args([
                "--fleet-nodes=2",
                "--fleet-publishers=2",
                "--fleet-receivers=2",
                "--fleet-drain=1s",
            ])
            .args(["--fleet-http-port", &http, "--fleet-node-port", &node])
            .arg("--fleet-folder")
            .arg(self.dir.path().join("fleet"))
            .arg("--fleet-reports")
            .arg(self.dir.path().join("out"))
            .arg("--")
            .args(rest)
            .stdout(Stdio::null())
            .stderr(fs::File::create(&stderr).unwrap())
            .spawn()
            .unwrap();
        self.parts.push(Part { role, child, stderr });
    }

    /// The folder of the run, once there is one.
    fn run(&self) -> PathBuf {
        let fleet = self.dir.path().join("fleet");
        let id = wait_for("a run", || fs::read_to_string(fleet.join("current")).ok());
        fleet.join(id)
    }

    /// The exit codes by role, in the order of the start.
    fn codes(&mut self) -> Vec<(&'static str, Option<i32>)> {
        let ended = |part: &mut Part| {
            let stderr = part.stderr.clone();
            let status = wait_for(part.role, || part.child.try_wait().unwrap());
            if status.code() != Some(0) {
                eprintln!("{}: {}", part.role, fs::read_to_string(stderr).unwrap_or_default());
            }
            (part.role, status.code())
        };
        self.parts.iter_mut().map(ended).collect()
    }

    fn signal(&self, role: &str, signal: Signal) {
        for part in self.parts.iter().filter(|part| part.role == role) {
            kill_process(Pid::from_child(&part.child), signal).unwrap();
        }
    }

    fn report(&self) -> serde_json::Value {
        let path = self.dir.path().join("out/latest/report.json");
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for part in &mut self.parts {
            let _ = part.child.kill();
            let _ = part.child.wait();
        }
    }
}

/// A port that stays free until a part of the fleet binds it: each is told its port before it starts, as in a container.
/// Below those that the system gives to outgoing connections and to other tests, which bind port 0.
fn free_port() -> u16 {
    const PORTS: Range<u16> = 20_000..32_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() * 31 % u32::from(PORTS.len() as u16)).unwrap();
    let candidates = std::iter::repeat_with(|| {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        PORTS.start + (first + step) % PORTS.len() as u16
    });
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    candidates.take(PORTS.len()).find(is_free).expect("a free port")
}

fn published(run: &Path) -> usize {
    let text = fs::read_to_string(run.join("publisher-1.jsonl")).unwrap_or_default();
    text.matches("\"event\":\"published\"").count()
}

#[test]
fn a_fleet_finds_itself_and_ends_with_the_verdict() {
    let mut fleet = Fleet::start("--messages=20");
    let codes = fleet.codes();
    assert!(codes.iter().all(|(_, code)| *code == Some(0)), "{codes:?}");
    let report = fleet.report();
    assert_eq!(report["verdict"], "pass", "{report:#}");
    assert_eq!(report["totals"]["acked"], 40);
    assert_eq!(report["totals"]["counts"]["received"], 80);
    let newest = fleet.dir.path().join("out/latest");
    for form in [
        "report.txt",
        "report.md",
        "report.xml",
        "report.html",
        "csv/received.csv",
        "exit-code",
    ] {
        assert!(newest.join(form).exists(), "{form}");
    }
    assert_eq!(fs::read_dir(newest.join("logs")).unwrap().count(), 6);
}

#[test]
fn a_killed_node_is_noticed_and_the_run_fails() {
    let mut fleet = Fleet::start("--messages=120");
    let run = fleet.run();
    wait_for("messages", || (published(&run) > 10).then_some(()));
    // The container of a killed node is gone as a whole: the part and its role.
    let victim = fleet.parts.iter().position(|part| {
        let said = fs::read_to_string(&part.stderr).unwrap();
        part.role == "node" && said.contains("this is node-2 ")
    });
    let pid = Pid::from_child(&fleet.parts[victim.unwrap()].child);
    let text = fs::read_to_string(format!("/proc/{0}/task/{0}/children", pid.as_raw_nonzero())).unwrap();
    for child in text
        .split_whitespace()
        .map(|id| Pid::from_raw(id.parse().unwrap()).unwrap())
    {
        kill_process(child, Signal::KILL).unwrap();
    }
    kill_process(pid, Signal::KILL).unwrap();
    let codes = fleet.codes();
    assert_eq!(codes.last(), Some(&("tracer", Some(1))), "{codes:?}");
    let report = fleet.report();
    assert_eq!(report["verdict"], "fail");
    let torn: Vec<_> = report["logs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|log| log["torn"] == true)
        .collect();
    assert_eq!(torn.len(), 1, "{torn:#?}");
}

#[test]
fn a_signal_to_the_tracer_ends_everybody_in_order() {
    let mut fleet = Fleet::start("--messages=0");
    let run = fleet.run();
    wait_for("messages", || (published(&run) > 10).then_some(()));
    fleet.signal("tracer", Signal::TERM);
    let codes = fleet.codes();
    let others = codes.iter().filter(|(role, _)| *role != "tracer");
    assert!(
        others.clone().count() == 6 && others.clone().all(|(_, code)| *code == Some(0)),
        "{codes:?}"
    );
    for log in fs::read_dir(fleet.dir.path().join("out/latest/logs")).unwrap() {
        let text = fs::read_to_string(log.unwrap().path()).unwrap();
        assert!(
            text.trim_end()
                .lines()
                .last()
                .unwrap()
                .contains("\"event\":\"run_ended\"")
        );
    }
}

#[test]
fn one_too_many_is_refused() {
    let mut fleet = Fleet::start("--messages=0");
    let run = fleet.run();
    wait_for("both receivers", || run.join("receiver-2.json").exists().then_some(()));
    fleet.add("receiver", &[]);
    let extra = fleet.parts.last_mut().unwrap();
    let status = wait_for("the third receiver", || extra.child.try_wait().unwrap());
    let said = fs::read_to_string(&extra.stderr).unwrap();
    assert_eq!(status.code(), Some(64), "{said}");
    assert!(said.contains("no place left for another receiver"), "{said}");
}

#[test]
fn a_health_check_tells_by_its_exit_code() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    drop(socket);
    let output = run(&["healthcheck", &url]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(run(&["healthcheck", "ftp://x"]).status.code(), Some(64));
}
