//! What is remembered of every run.

use std::{fs, io, path::Path};

use runtime::ExitCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Runs remembered: a month of half-hourly ones. More would make the page slow to read, for people first of all.
pub(super) const MAX_ENTRIES: usize = 1500;

/// Largest report read for its summary; real ones grow with clients and losses.
const MAX_REPORT_BYTES: u64 = 256 * 1024 * 1024;

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Folder below `runs/`, which may be gone by now.
    pub(super) name: String,
    /// When it began, RFC 3339.
    pub(super) started: String,
    /// How long it took, seconds.
    pub(super) seconds: f64,
    /// Its exit code: 0, 1 and 2 are verdicts.
    pub(super) exit_code: u8,
    /// What the report sums up; absent when the test did not take place.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) summary: Option<Summary>,
}

/// The numbers that are compared from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Summary {
    pub(super) acked: u64,
    pub(super) never_acked: u64,
    pub(super) expected: u64,
    pub(super) lost: u64,
    pub(super) duplicates: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) p50_ns: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) p99_ns: Option<i64>,
}

impl Entry {
    /// Percent of the expected deliveries that were lost.
    pub(super) fn loss_percent(&self) -> Option<f64> {
        let summary = self.summary.filter(|summary| summary.expected > 0)?;
        #[allow(clippy::cast_precision_loss, reason = "a share for people to read")]
        Some(100.0 * summary.lost as f64 / summary.expected as f64)
    }

    /// The word for its exit code.
    pub(super) fn word(&self) -> &'static str {
        match self.exit_code {
            0 => "pass",
            1 => "fail",
            2 => "unknown",
            _ => "no test",
        }
    }
}

impl Summary {
    /// From the `report.json` of a run.
    pub(super) fn read(report: &Path) -> Option<Self> {
        if fs::metadata(report).ok()?.len() > MAX_REPORT_BYTES {
            return None;
        }
        let report: Value = serde_json::from_slice(&fs::read(report).ok()?).ok()?;
        Self::from_report(&report)
    }

    fn from_report(report: &Value) -> Option<Self> {
        let totals = report.get("totals")?;
        let count = |pointer: &str| totals.pointer(pointer)?.as_u64();
        let percentiles = totals
            .pointer("/latency/from_intended/percentiles")
            .and_then(Value::as_array);
        let percentile = |percent: f64| {
            percentiles?
                .iter()
                .find(|entry| entry.get("percent").and_then(Value::as_f64) == Some(percent))?
                .get("value_ns")?
                .as_i64()
        };
        Some(Self {
            acked: count("/acked")?,
            never_acked: count("/never_acked")?,
            expected: count("/counts/expected")?,
            lost: count("/counts/lost")?,
            duplicates: count("/counts/duplicates")?,
            p50_ns: percentile(50.0),
            p99_ns: percentile(99.0),
        })
    }
}

/// The remembered runs, oldest first. A history that cannot be read is an error: it must not be overwritten.
pub(super) fn load(path: &Path) -> io::Result<Vec<Entry>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The worst of the verdicts: a fail is certain, so it outweighs a run that could not be judged.
pub(super) fn worst(entries: &[Entry]) -> ExitCode {
    let code = |wanted: u8| entries.iter().any(|entry| entry.exit_code == wanted);
    if code(1) {
        ExitCode::Fail
    } else if entries.iter().any(|entry| entry.exit_code != 0) {
        ExitCode::Unknown
    } else {
        ExitCode::Ok
    }
}

#[cfg(test)]
pub(super) fn entry(name: &str, exit_code: u8, lost: u64) -> Entry {
    Entry {
        name: name.to_owned(),
        started: "2026-11-21T07:15:03Z".to_owned(),
        seconds: 9.5,
        exit_code,
        summary: (exit_code < 3).then_some(Summary {
            acked: 100,
            never_acked: 0,
            expected: 200,
            lost,
            duplicates: 0,
            p50_ns: Some(2_450_000),
            p99_ns: Some(3_060_000),
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

    use super::*;

    #[test]
    fn the_summary_is_that_of_a_real_report() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("empty.jsonl");
        fs::write(&log, "").unwrap();
        let report = tracer::report(&[log], &tracer::Options::default()).unwrap();
        let text = tracer::render_json(&report);
        let summary = Summary::from_report(&serde_json::from_str(&text).unwrap());
        let expected = Summary {
            acked: 0,
            never_acked: 0,
            expected: 0,
            lost: 0,
            duplicates: 0,
            p50_ns: None,
            p99_ns: None,
        };
        assert_eq!(summary, Some(expected));
        let schema = tracer::schema::Document::Report.schema();
        let names = schema.to_string();
        for name in ["from_intended", "percentiles", "value_ns", "percent"] {
            assert!(
                names.contains(&format!("\"{name}\"")),
                "the report no longer has {name}"
            );
        }
    }

    #[test]
    fn a_broken_history_is_not_taken_for_an_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.json");
        assert_eq!(load(&path).unwrap(), []);
        let entries = vec![entry("a", 0, 0), entry("b", 69, 0)];
        fs::write(&path, serde_json::to_vec(&entries).unwrap()).unwrap();
        assert_eq!(load(&path).unwrap(), entries);
        fs::write(&path, "[{").unwrap();
        assert!(load(&path).is_err());
    }

    #[test]
    fn a_fail_outweighs_what_could_not_be_judged() {
        let of = |codes: &[u8]| worst(&codes.iter().map(|code| entry("x", *code, 0)).collect::<Vec<_>>());
        assert_eq!(of(&[0, 0]), ExitCode::Ok);
        assert_eq!(of(&[0, 69]), ExitCode::Unknown);
        assert_eq!(of(&[2, 1, 0]), ExitCode::Fail);
    }
}
