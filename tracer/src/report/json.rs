//! The report as JSON, complete: every list in full.

use super::Report;

/// Pretty-printed JSON with a newline at its end; `docs/report.schema.json` describes it.
#[must_use]
pub fn render_json(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("a report has string keys only and no other obstacle");
    text.push('\n');
    text
}
