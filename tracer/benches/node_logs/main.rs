//! Native logs at size: 1,000 nwaku nodes × 600 messages, 3.6 million lines, against `grep -cF` on the same files.
//!
//! ```text
//! cargo bench -p tracer --bench node_logs
//! cargo bench -p tracer --bench node_logs -- --nodes 100 --messages 600 --runs 10
//! ```
//!
//! Writes the logs into the temporary folder of the target folder (once), plain and by zstd, and lets a process of its
//! own report on them: what a user's `tracer report` does, less the printing. The yardsticks are grep, and `zstdcat` in
//! front of the tracer. Of each the best run counts, because what else the machine does only ever adds; user and system
//! time of that run stand beside it.
//!
//! On an otherwise idle machine with two cores, of 1.21 GB in 1,000 files: grep 0.46 s, the tracer 0.41 s (0.88 of it) with
//! 65 MB at its peak; of the same in one `.zst` the tracer 0.47 s, and 0.78 s with `zstdcat` in front.

#![allow(clippy::unwrap_used, reason = "a benchmark may stop at the first fault")]

mod generator;
mod measure;

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Parser;
use generator::{Plan, write_node};
use measure::{best, grep, piped, report, tracer};

/// Level of zstd when none is given.
const ZSTD_LEVEL: i32 = 3;

#[derive(Debug, Clone, Parser)]
struct Args {
    /// Nodes, a log each.
    #[arg(long, default_value_t = 1000)]
    nodes: u32,
    /// Messages, each received by every node.
    #[arg(long, default_value_t = 600)]
    messages: u32,
    /// Runs of each measurement.
    #[arg(long, default_value_t = 5)]
    runs: u32,
    /// Report on these logs, say what it took, and end.
    #[arg(long, hide = true, num_args = 1..)]
    report: Vec<PathBuf>,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    if !args.report.is_empty() {
        return report(&args.report);
    }
    let plan = Plan {
        nodes: args.nodes,
        messages: args.messages,
        relay_peers: 5,
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("node-logs-{}x{}", plan.nodes, plan.messages));
    let logs = Logs::of(&folder, plan)?;
    let gigabytes = size(&logs.plain)? as f64 / 1e9;
    let mut out = io::stdout().lock();
    writeln!(out, "{} files, {} lines, {gigabytes:.2} GB", plan.nodes, lines(plan))?;

    let grep = best(args.runs, &|| grep(&logs.plain))?;
    // Every line but the last of each log is an event.
    let events = format!("{} events,", lines(plan) - u64::from(plan.nodes));
    let mut row = |what: &str, took: &measure::Took| {
        assert!(
            took.said.is_empty() || took.said.starts_with(&events),
            "{events} {took}"
        );
        let (speed, times) = (gigabytes / took.seconds, took.seconds / grep.seconds);
        writeln!(
            out,
            "{what:34} {:6.2} s {speed:6.2} GB/s {times:6.2} x grep   {took}",
            took.seconds
        )
    };
    row("grep -cF 'received relay message'", &grep)?;
    row(
        "tracer, one core",
        &best(args.runs, &|| tracer(&[&logs.plain], Some("0")))?,
    )?;
    row("tracer", &best(args.runs, &|| tracer(&[&logs.plain], None))?)?;
    row(
        "tracer, a .zst each",
        &best(args.runs, &|| tracer(&[&logs.packed], None))?,
    )?;
    row("tracer, one .zst", &best(args.runs, &|| tracer(&[&logs.one], None))?)?;
    match best(args.runs, &|| piped(&logs.one)) {
        Ok(took) => row("zstdcat | tracer -", &took),
        Err(error) => row(&format!("zstdcat: {error}"), &measure::Took::default()),
    }
}

/// The same logs in three forms.
struct Logs {
    /// A folder of files.
    plain: PathBuf,
    /// A folder of compressed files.
    packed: PathBuf,
    /// One compressed file of all.
    one: PathBuf,
}

impl Logs {
    fn of(folder: &Path, plan: Plan) -> io::Result<Self> {
        let logs = Self {
            plain: folder.join("plain"),
            packed: folder.join("packed"),
            one: folder.join("all.log.zst"),
        };
        let done = folder.join("whole");
        if !done.exists() {
            fs::create_dir_all(&logs.plain)?;
            fs::create_dir_all(&logs.packed)?;
            let mut one = File::create(&logs.one)?;
            for node in 0..plan.nodes {
                let plain = logs.plain.join(format!("node-{node:04}.log"));
                write_node(&plain, plan, node, |_| false, |_, _, _| {})?;
                let packed = zstd::encode_all(File::open(&plain)?, ZSTD_LEVEL)?;
                fs::write(logs.packed.join(format!("node-{node:04}.log.zst")), &packed)?;
                one.write_all(&packed)?;
            }
            fs::write(&done, "")?;
        }
        Ok(logs)
    }
}

/// Lines of all logs.
fn lines(plan: Plan) -> u64 {
    u64::from(plan.nodes) * (u64::from(plan.messages) * u64::from(plan.relay_peers + 1) + 2)
}

fn size(folder: &Path) -> io::Result<u64> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}
