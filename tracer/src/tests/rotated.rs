//! A log that was rotated says what it said before: random fleets, each log cut into parts.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use proptest::prelude::*;

use super::{fixture::*, fleets::fleet};
use crate::{
    report::{ReasonCode, TextStyle, render_text},
    trace::{render_trace, trace},
};

/// Names of parts, oldest first, behind the name of the log; what is written last has its own.
const STYLES: [[&str; 2]; 5] = [
    [".2", ".1"],
    [".10.gz", ".9"],
    ["-20261128.gz", "-20261129"],
    [".20261128-101112.gz", ".20261128-111213"],
    ["-20261128.zst", ".1"],
];

fn write(path: &Path, text: &str) {
    let bytes = match path.extension().and_then(|ending| ending.to_str()) {
        Some("gz") => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        }
        Some("zst") => zstd::encode_all(text.as_bytes(), 1).unwrap(),
        _ => text.as_bytes().to_vec(),
    };
    fs::write(path, bytes).unwrap();
}

/// Writes a log as three parts, cut before the lines `cuts`.
fn write_rotated(folder: &Path, log: &LogText, mut cuts: [usize; 2], style: [&str; 2]) {
    cuts.sort_unstable();
    let lines = |from: usize, to: usize| {
        log.lines[from..to]
            .iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    write(&folder.join(format!("{}{}", log.path, style[0])), &lines(0, cuts[0]));
    write(
        &folder.join(format!("{}{}", log.path, style[1])),
        &lines(cuts[0], cuts[1]),
    );
    write(&folder.join(&log.path), &lines(cuts[1], log.lines.len()));
}

/// Everything that is told of the logs in a folder, but the names of the parts.
fn told(folder: &Path) -> Vec<String> {
    let inputs = [folder.to_owned()];
    let folder = folder.display().to_string();
    let mut report = crate::report(&inputs, &crate::Options::default()).unwrap();
    report.logs.iter_mut().for_each(|log| log.parts.clear());
    let mut told = vec![
        render_text(&report, TextStyle::Plain),
        serde_json::to_string_pretty(&report).unwrap(),
    ];
    for index in 1..=3 {
        let trace = trace(&inputs, &format!("publisher-1/0:{index}").parse().unwrap(), None).unwrap();
        told.push(render_trace(&trace));
        told.push(serde_json::to_string(&trace).unwrap());
    }
    told.iter().map(|text| text.replace(&folder, "")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn rotated_logs_tell_what_the_whole_ones_do(
        fleet in fleet(), cuts in proptest::collection::vec(any::<[prop::sample::Index; 2]>(), 8), style in 0..STYLES.len(),
    ) {
        let (whole, rotated) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (log, cuts) in fleet.logs().iter().zip(cuts) {
            fs::write(whole.path().join(&log.path), log.text()).unwrap();
            let cuts = cuts.map(|cut| cut.index(log.lines.len() + 1));
            write_rotated(rotated.path(), log, cuts, STYLES[style]);
        }
        prop_assert_eq!(told(rotated.path()), told(whole.path()));
    }
}

#[test]
fn the_parts_of_a_log_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for log in clean_run(3) {
        write_rotated(folder.path(), &log, [1, 3], STYLES[0]);
    }
    let report = crate::report(&[folder.path().to_owned()], &crate::Options::default()).unwrap();
    let name = |path: &String| PathBuf::from(path).file_name().unwrap().to_string_lossy().into_owned();
    let parts: Vec<Vec<String>> = report
        .logs
        .iter()
        .map(|log| log.parts.iter().map(name).collect())
        .collect();
    let of = |log: &str| [format!("{log}.2"), format!("{log}.1"), log.to_owned()];
    assert_eq!(parts, [of("publisher-1.jsonl"), of("receiver-1.jsonl")]);
    expect(&report, crate::report::Verdict::Pass, &[]);
}

#[test]
fn a_run_in_the_rotated_part_is_a_log_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    for log in clean_run(3) {
        fs::write(folder.path().join(&log.path), log.text()).unwrap();
        let earlier = log.text().replace("\"run\":\"0f3c\"", "\"run\":\"beef\"");
        fs::write(folder.path().join(format!("{}.1", log.path)), earlier).unwrap();
    }
    let report = crate::report(&[folder.path().to_owned()], &crate::Options::default()).unwrap();
    assert_eq!(codes(&report), [ReasonCode::MixedRuns]);
    assert_eq!(report.logs.len(), 4);
    assert!(report.logs.iter().all(|log| log.parts.is_empty()));
}

#[test]
fn a_part_that_is_missing_leaves_a_log_without_beginning() {
    let folder = tempfile::tempdir().unwrap();
    for log in clean_run(3) {
        write_rotated(folder.path(), &log, [1, 3], STYLES[0]);
    }
    fs::remove_file(folder.path().join("receiver-1.jsonl.2")).unwrap();
    let report = crate::report(&[folder.path().to_owned()], &crate::Options::default()).unwrap();
    assert!(
        codes(&report).contains(&ReasonCode::NoRunStarted),
        "{:?}",
        report.reasons
    );
}
