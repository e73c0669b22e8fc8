//! Native logs at size: 1,000 nwaku nodes × 600 messages, 3.6 million lines, against `grep -cF` on the same files.
//!
//! `cargo bench -p tracer --bench node_logs` writes the logs into the temporary folder of the target folder (once), reads
//! them with grep and with the tracer by turns, and prints the times. `NODES` and `MESSAGES` change the size.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints and may stop at the first fault"
)]

mod generator;

use std::{
    env, fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use generator::{Plan, write_node};

/// Rounds; the best of each counts, so that what else the machine does counts least.
const ROUNDS: usize = 3;

fn main() {
    let number = |name: &str, default: u32| env::var(name).map_or(default, |text| text.parse().unwrap());
    let plan = Plan {
        nodes: number("NODES", 1000),
        messages: number("MESSAGES", 600),
        relay_peers: 5,
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("node-logs-{}x{}", plan.nodes, plan.messages));
    let bytes = generate(&folder, plan);
    let lines = u64::from(plan.nodes) * (u64::from(plan.messages) * u64::from(plan.relay_peers + 1) + 2);
    println!("{} files, {lines} lines, {:.2} GB", plan.nodes, bytes as f64 / 1e9);
    let mut best = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        best[0] = best[0].min(timed(|| grep(&folder)));
        best[1] = best[1].min(timed(|| {
            let report = tracer::report(std::slice::from_ref(&folder), &tracer::Options::default()).unwrap();
            let events: u64 = report.logs.iter().map(|log| log.events).sum();
            assert_eq!(
                events,
                lines - u64::from(plan.nodes),
                "every line but the last of each file is an event"
            );
        }));
    }
    let gigabytes_per_s = |time: Duration| bytes as f64 / 1e9 / time.as_secs_f64();
    for (name, time) in ["grep -cF 'received relay message'", "tracer report"].iter().zip(best) {
        println!(
            "{name:<36} {:6.2} s  {:5.2} GB/s",
            time.as_secs_f64(),
            gigabytes_per_s(time)
        );
    }
    println!("ratio {:.2}", best[1].as_secs_f64() / best[0].as_secs_f64());
}

fn generate(folder: &Path, plan: Plan) -> u64 {
    let done = folder.join("whole");
    if !done.exists() {
        fs::create_dir_all(folder).unwrap();
        for node in 0..plan.nodes {
            write_node(
                &folder.join(format!("node-{node:04}.log")),
                plan,
                node,
                |_| false,
                |_, _, _| {},
            )
            .unwrap();
        }
        fs::write(&done, "").unwrap();
    }
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum()
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Its output is read: with nowhere to write to, grep stops at the first match of a file.
fn grep(folder: &Path) {
    let output = Command::new("grep")
        .args(["-rcF", "received relay message"])
        .arg(folder)
        .output()
        .unwrap();
    assert!(output.status.success());
}
