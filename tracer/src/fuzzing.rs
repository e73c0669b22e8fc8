//! Doors for the fuzz targets (`fuzz/`): each takes bytes, runs them through a reader and what shows its result, and
//! panics when a promise is broken. The feature `fuzzing` opens them; the programs are built without.

use crate::{
    diff,
    gate::{self, Expression},
    input,
    load::load_one,
    model::Archive,
    options::Options,
    report::{self, ReportKind, Reporter as _},
    trace::{self, MessageId, render_trace},
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
