//! (c) The whole chain at a fixed rate: publisher, node, relay, node, receiver, and the tracer's word on it.

use std::{collections::BTreeMap, fmt, thread, time::Duration};

use event_log::Event;

use super::{
    SIZE_BYTES,
    processes::{Process, peak_rss_mb},
};

/// What one load did to the chain.
pub(super) struct Chain {
    per_s: u64,
    seconds: u64,
    verdict: String,
    lost: u64,
    slip_p99_ms: f64,
    latency_p50_ms: f64,
    latency_p99_ms: f64,
    rss_mb: BTreeMap<String, u64>,
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            per_s,
            seconds,
            verdict,
            lost,
            slip_p99_ms,
            latency_p50_ms,
            latency_p99_ms,
            rss_mb,
        } = self;
        write!(
            f,
            "(c) chain {per_s}/s for {seconds} s: {verdict}, {lost} lost, slip p99 {slip_p99_ms:.2} ms, latency p50 \
             {latency_p50_ms:.2} ms p99 {latency_p99_ms:.2} ms; peak MB:"
        )?;
        rss_mb.iter().try_for_each(|(role, mb)| write!(f, " {role} {mb}"))
    }
}

/// Runs the chain at `per_s` messages a second for `length`.
pub(super) fn measure(per_s: u64, length: Duration) -> Chain {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("run");
    let messages = per_s * length.as_secs();
    let mut run = Process::start(&[
        "run",
        "--receivers=1",
        "--rate",
        &format!("{per_s}/s"),
        "--messages",
        &messages.to_string(),
        "--in-flight=256",
        "--size",
        &format!("{SIZE_BYTES}B"),
        "--folder",
        folder.to_str().expect("utf-8"),
    ]);
    let mut rss_mb = BTreeMap::new();
    let roles = ["node-1", "node-2", "publisher-1", "receiver-1"];
    let mut pids = BTreeMap::new();
    while !run.has_ended() {
        for role in roles {
            if !pids.contains_key(role)
                && let Some(pid) = pid_of(&folder.join(format!("{role}.jsonl")))
            {
                pids.insert(role, pid);
            }
            if let Some(mb) = pids.get(role).and_then(|pid| peak_rss_mb(*pid)) {
                rss_mb.insert(role.to_owned(), mb);
            }
        }
        thread::sleep(Duration::from_millis(100));
    }
    let report = std::fs::read_to_string(folder.join("report.json")).expect("a report");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    read(&report, per_s, length.as_secs(), rss_mb)
}

/// The process id in the first line of a log, once it is there.
fn pid_of(log: &std::path::Path) -> Option<u32> {
    let first = std::fs::File::open(log).ok()?;
    let line = event_log::read_log(std::io::BufReader::new(first)).next()?.ok()?;
    match line.record.ok()?.event {
        Event::RunStarted(started) => Some(started.pid),
        _ => None,
    }
}

fn read(report: &serde_json::Value, per_s: u64, seconds: u64, rss_mb: BTreeMap<String, u64>) -> Chain {
    let ms = |pointer: &str, percent: f64| {
        let percentiles = report.pointer(pointer).and_then(serde_json::Value::as_array);
        let found = percentiles.and_then(|all| {
            all.iter()
                .find(|percentile| percentile["percent"].as_f64() == Some(percent))
        });
        found
            .and_then(|percentile| percentile["value_ns"].as_f64())
            .unwrap_or(f64::NAN)
            / 1e6
    };
    let latency = "/totals/latency/from_intended/percentiles";
    Chain {
        per_s,
        seconds,
        verdict: report["verdict"].as_str().unwrap_or("no verdict").to_owned(),
        lost: report
            .pointer("/totals/counts/lost")
            .and_then(serde_json::Value::as_u64)
            .unwrap_or(u64::MAX),
        slip_p99_ms: ms("/senders/0/slip/percentiles", 99.0),
        latency_p50_ms: ms(latency, 50.0),
        latency_p99_ms: ms(latency, 99.0),
        rss_mb,
    }
}
