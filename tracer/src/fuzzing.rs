//! Doors for the fuzz targets (`fuzz/`): each takes bytes, runs them through a reader and what shows its result, and
//! panics when a promise is broken. The feature `fuzzing` opens them; the programs are built without.

use crate::{
    clock::{self, Clocks},
    diff,
    gate::{self, Expression},
    input,
    load::load_one,
    logs,
    model::Archive,
    options::Options,
    report::{self, ReportKind, Reporter as _},
    trace::{self, MessageId, render_trace, scan::Sources},
};

/// Every form of the report that is one document.
const KINDS: [ReportKind; 6] = [
    ReportKind::Text,
    ReportKind::Json,
    ReportKind::Markdown,
    ReportKind::Junit,
    ReportKind::Html,
    ReportKind::Csv,
];

/// Most receivers of a report that is shown: a header of one line may announce 100,000, and their tables are like those of
/// a few, only slower.
const MAX_SHOWN_RECEIVERS: usize = 1_000;

/// What a log in memory is called, so that both readings of it mean the same.
const STDIN: &str = "standard input";

/// Most clocks that are compared with each other: a log may name as many as it has lines.
const MAX_COMPARED_CLOCKS: usize = 30;

/// A log, an event log or a native one, becomes a report in every form; the JSON of it is a side of a comparison.
pub fn report(log: &[u8]) {
    let mut archive = Archive::default();
    load_one(&mut archive, "log", true, std::io::Cursor::new(log)).expect("memory has no I/O errors");
    let report = report::build(&archive, &Options::default());
    if report.receivers.len() > MAX_SHOWN_RECEIVERS {
        return;
    }
    for kind in KINDS {
        let text = kind.render(&report);
        let raw = text.bytes().find(|byte| byte.is_ascii_control() && *byte != b'\n');
        assert_eq!(raw, None, "{kind:?} lets a control character through");
    }
    let json = ReportKind::Json.render(&report);
    diff::of_json("report", json.as_bytes()).expect("the tracer reads its own report");
}

/// What a log says of clocks: one offset, seen from either side.
pub fn clocks(log: &[u8]) {
    let archive = loaded(log);
    let bounds = clock::measure_bytes(&archive, log).expect("memory has no I/O errors");
    let keys: Vec<&str> = bounds.keys().take(MAX_COMPARED_CLOCKS).collect();
    for (a, b) in keys.iter().flat_map(|a| keys.iter().map(move |b| (a, b))) {
        match (bounds.between(a, b), bounds.between(b, a)) {
            (
                Clocks::Within { lo_ns, hi_ns },
                Clocks::Within {
                    lo_ns: lo_back_ns,
                    hi_ns: hi_back_ns,
                },
            ) => {
                assert!(lo_ns <= hi_ns, "{a} and {b} are off by nothing at all");
                let back = (hi_back_ns.saturating_neg(), lo_back_ns.saturating_neg());
                assert_eq!((lo_ns, hi_ns), back, "{a} and {b} disagree about their offset");
            }
            (there, back) => assert_eq!(there, back, "{a} and {b} disagree"),
        }
    }
}

/// The inventory of a log: every line is counted at most once, and what is shown is plain.
pub fn describe(log: &[u8]) {
    let description = logs::describe("log", log).expect("memory has no I/O errors");
    let lines = log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u64;
    let others = description.other_lines + description.unknown_lines + description.damaged_lines;
    assert!(description.events + others <= lines, "lines are counted twice");
    assert_eq!(
        description.events,
        description.kinds.values().sum::<u64>(),
        "kinds are not events"
    );
    assert!(
        description.first <= description.last,
        "the first line is later than the last"
    );
    let text = logs::show(&[description]);
    let raw = text.bytes().find(|byte| byte.is_ascii_control() && *byte != b'\n');
    assert_eq!(raw, None, "a control character gets through");
}

/// The tables of a log: records of equal length, and no cell is a formula.
pub fn csv(log: &[u8]) {
    let archive = loaded(log);
    let report = report::build(&archive, &Options::default());
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    report::write_csv_of(folder.path(), &report, &Sources::of_bytes(log)).expect("the tables are written");
    for name in ["received.csv", "sent.csv"] {
        let mut reader = csv::Reader::from_path(folder.path().join(name)).expect("the table is there");
        for record in reader.records() {
            let record = record.expect("every record is as long as the head");
            let is_formula = |cell: &&str| cell.trim_start().starts_with(['=', '+', '-', '@']);
            let cell = record
                .iter()
                .filter(is_formula)
                .find(|cell| cell.parse::<f64>().is_err());
            assert_eq!(cell, None, "{name} has a formula");
        }
    }
}

/// A log as it is read from standard input.
fn loaded(log: &[u8]) -> Archive {
    let mut archive = Archive::default();
    load_one(&mut archive, STDIN, true, std::io::Cursor::new(log)).expect("memory has no I/O errors");
    archive
}

/// Bytes that may be compressed.
pub fn compressed(data: &[u8]) {
    input::fuzzing::compressed(data);
}

/// An answer of VictoriaLogs.
pub fn victorialogs(answer: &[u8]) {
    input::fuzzing::victorialogs(answer);
}

/// An answer of Loki.
pub fn loki(answer: &[u8]) {
    input::fuzzing::loki(answer);
}

/// A gate: what is shown of it means the same.
pub fn expression(text: &str) {
    if let Ok(expression) = text.parse::<Expression>() {
        let shown = expression.to_string();
        let again = shown.parse::<Expression>();
        assert_eq!(again.as_ref(), Ok(&expression), "{text:?} is shown as {shown:?}");
    }
}

/// A gates file.
pub fn gates_file(text: &str) {
    // That it is none is an answer, too.
    let _ = gate::parse_file(text);
}

/// A JSON report, compared with itself.
pub fn diff_report(json: &[u8]) {
    if let Ok(side) = diff::of_json("report", json) {
        diff::show(&side, &side);
    }
}

/// The trace of `id` through one log.
pub fn trace(id: &MessageId, log: &[u8]) {
    if let Ok(trace) = trace::trace_bytes(log, id) {
        assert!(!render_trace(&trace).is_empty());
        serde_json::to_string(&trace).expect("a trace has string keys only");
        let in_order = trace.events.is_sorted_by_key(|event| event.at);
        assert!(in_order, "the time line is out of order");
    }
}
