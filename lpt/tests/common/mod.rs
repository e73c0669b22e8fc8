//! Real processes over real sockets: the `lpt` binary, its roles and their event logs.

#![allow(dead_code, reason = "each test file uses a part")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use event_log::{Event, Record, read_log};
use rustix::process::{Pid, Signal, kill_process};

/// How long a test waits for anything. Generous: it only passes when something is broken.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub fn lpt() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lpt"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("LPT_")) {
            command.env_remove(name);
        }
    }
    for name in runtime::config::alias_names() {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs `lpt` to its end.
pub fn run(args: &[&str]) -> Output {
    lpt().args(args).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Polls until `condition` holds.
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Every event of a log so far; none when there is no log yet.
pub fn records(path: &Path) -> Vec<Record> {
    let Ok(file) = fs::File::open(path) else {
        return Vec::new();
    };
    read_log(std::io::BufReader::new(file))
        .filter_map(|line| line.ok()?.record.ok())
        .collect()
}

pub fn events(path: &Path) -> Vec<Event> {
    records(path).into_iter().map(|record| record.event).collect()
}

/// A folder for the logs of one test, and the roles that write them.
pub struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Starts a role with `--node-name`, `--run-id` and `--event-log` set.
    pub fn start(&self, role: &str, name: &str, args: &[&str]) -> Role {
        let log = self.path(&format!("{name}.jsonl"));
        let stderr = self.path(&format!("{name}.stderr"));
        let mut command = lpt();
        command
            .arg(role)
            .args(["--run-id", "test-run", "--node-name", name, "--event-log"])
            .arg(&log)
            .args(args);
        if role != "node" {
            command.arg("--progress=none");
        }
        let child = command
            .stdout(Stdio::null())
            .stderr(fs::File::create(&stderr).unwrap())
            .spawn()
            .unwrap();
        Role { child, log, stderr }
    }

    /// Starts a node and waits until it listens.
    pub fn node(&self, name: &str, args: &[&str]) -> (Role, String) {
        let listen = if args.iter().any(|arg| arg.starts_with("--listen")) {
            None
        } else {
            Some("--listen=/ip4/127.0.0.1/tcp/0")
        };
        let args: Vec<_> = listen.into_iter().chain(args.iter().copied()).collect();
        let node = self.start("node", name, &args);
        let address = node.wait_for_event("it listens", |event| match event {
            Event::Listening(listening) => Some(listening.address.clone()),
            _ => None,
        });
        (node, address)
    }

    /// Two nodes that relay to each other.
    pub fn two_nodes(&self, args: &[&str]) -> [(Role, String); 2] {
        let first = self.node("node-1", args);
        let static_peer = format!("--static-peer={}", first.1);
        let more: Vec<_> = args.iter().copied().chain([static_peer.as_str()]).collect();
        let second = self.node("node-2", &more);
        for (node, _) in [&first, &second] {
            node.wait_for_event("its mesh is up", |event| match event {
                Event::MeshChanged(mesh) if mesh.peers > 0 => Some(()),
                _ => None,
            });
        }
        [first, second]
    }

    /// Starts a receiver and waits until it has subscribed `count` times.
    pub fn receiver(&self, name: &str, node: &str, args: &[&str], count: usize) -> Role {
        let service_node = format!("--service-node={node}");
        let args: Vec<_> = args.iter().copied().chain([service_node.as_str()]).collect();
        let receiver = self.start("receiver", name, &args);
        wait_for("it subscribes", || {
            let subscribed = receiver
                .events()
                .iter()
                .filter(|event| matches!(event, Event::Subscribed(_)))
                .count();
            (subscribed >= count).then_some(())
        });
        receiver
    }

    /// `lpt tracer report` over the whole folder: exit code and JSON report.
    pub fn report(&self, args: &[&str]) -> (i32, serde_json::Value) {
        let folder = self.folder().to_str().unwrap();
        let output = lpt()
            .args(["tracer", "report", "--format=json", folder])
            .args(args)
            .output()
            .unwrap();
        let stdout = text(&output.stdout);
        let report = serde_json::from_str(&stdout).unwrap_or_else(|error| {
            panic!("{error} in {stdout}\n{}", text(&output.stderr));
        });
        (output.status.code().unwrap(), report)
    }
}

/// A role as a child process, killed when forgotten.
pub struct Role {
    child: Child,
    pub log: PathBuf,
    stderr: PathBuf,
}

impl Role {
    pub fn events(&self) -> Vec<Event> {
        events(&self.log)
    }

    pub fn said(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The first thing `pick` finds in the log.
    pub fn wait_for_event<T>(&self, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        wait_for(
            &format!("{}: {what}; it said {}", self.log.display(), self.said()),
            || self.events().iter().find_map(&pick),
        )
    }

    pub fn wait_for_count(&self, what: &str, count: usize, pick: impl Fn(&Event) -> bool) {
        wait_for(&format!("{}: {count} × {what}", self.log.display()), || {
            (self.events().iter().filter(|event| pick(event)).count() >= count).then_some(())
        });
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap(), signal).unwrap();
    }

    /// Waits for its own end.
    pub fn wait(&mut self) -> ExitStatus {
        wait_for(&format!("the end of {}", self.log.display()), || {
            self.child.try_wait().unwrap()
        })
    }

    /// Asks it to end, and checks that it ends in order.
    pub fn end(mut self) {
        self.signal(Signal::TERM);
        let status = self.wait();
        assert!(status.success(), "{status}: {}", self.said());
        let last = self.events().pop();
        assert!(matches!(last, Some(Event::RunEnded(_))), "{last:?}");
    }

    /// Kills it without mercy.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the publisher's log says was acknowledged, and what the receiver's log says arrived, worked out here without
/// the tracer.
pub fn acked_indices(publisher: &Path) -> BTreeSet<u32> {
    let published = |event| {
        if let Event::Published(event) = event {
            Some(event.index)
        } else {
            None
        }
    };
    events(publisher).into_iter().filter_map(published).collect()
}

pub fn received_indices(receiver: &Path) -> BTreeSet<u32> {
    let received = |event| {
        if let Event::Received(event) = event {
            Some(event.index)
        } else {
            None
        }
    };
    events(receiver).into_iter().filter_map(received).collect()
}

/// Process ids in the first lines of the logs of a folder.
pub fn pids_in(folder: &Path) -> Vec<u32> {
    let Ok(files) = fs::read_dir(folder) else {
        return Vec::new();
    };
    files
        .filter_map(|file| {
            let path = file.ok()?.path();
            (path.extension()? == "jsonl").then_some(())?;
            events(&path).into_iter().find_map(|event| match event {
                Event::RunStarted(started) => Some(started.pid),
                _ => None,
            })
        })
        .collect()
}

/// Whether a process exists and runs (a zombie that waits for its parent does not).
pub fn is_running(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next()))
        .is_some_and(|state| !matches!(state, 'Z' | 'X'))
}
