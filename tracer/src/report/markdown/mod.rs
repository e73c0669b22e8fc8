//! The report for a job summary or a comment.

mod page;
mod text;

use page::Page;
use text::{prose, show_cell};

use super::{
    Report, Verdict,
    tables::{self, Cell},
    words::{show_verdict, show_width},
};
use crate::units::show_ns;

/// Most rows of one table: beyond it nobody reads in a summary.
const MAX_ROWS: usize = 200;

/// Most reasons, and most warnings. With these, [`MAX_ROWS`] gates, and all texts cut, the head of a report always fits.
const MAX_LISTED: usize = 50;

/// The report as GitHub-flavoured Markdown of at most 900 KiB. Verdict, reasons and gates are always in it, whatever else
/// has to be left out.
#[must_use]
pub fn render_markdown(report: &Report) -> String {
    let mut page = Page::default();
    head(&mut page, report);
    page.table("Gates", &tables::gates(report, MAX_ROWS));
    if !report.warnings.is_empty() {
        page.line("\n### Warnings\n");
        list(&mut page, report.warnings.iter().map(|warning| prose(warning)));
    }
    let over_time = format!("Loss over time, in steps of {}", show_width(&report.over_time));
    page.table(&over_time, &tables::over_time(report, MAX_ROWS));
    page.table("Outages", &tables::outages(report, MAX_ROWS));
    page.table("Sums by receiver and by sender", &tables::sums(report, MAX_ROWS));
    page.table("Received, by receiver and sender", &tables::pairs(report, MAX_ROWS));
    page.table("Losses by place", &tables::places(report, MAX_ROWS));
    page.table("Presence and clocks, by receiver", &tables::receivers(report, MAX_ROWS));
    page.table("Latency of first arrivals", &tables::latency(report, MAX_ROWS));
    page.table("Duplicates by age", &tables::ages(report, MAX_ROWS));
    page.table("Publishing, by sender", &tables::senders(report, MAX_ROWS));
    page.table("Attempts, by outcome", &tables::outcomes(report, MAX_ROWS));
    page.table("Logs", &tables::logs(report, MAX_ROWS));
    page.end(&format!(
        "\nA percentile with * has fewer than 10 values beyond it. Late: more than {} after the intended time.",
        show_ns(report.definitions.late_after_ns)
    ))
}

fn head(page: &mut Page, report: &Report) {
    let sign = match report.verdict {
        Verdict::Pass => "✅ PASS",
        Verdict::Fail => "❌ FAIL",
        Verdict::Unknown => "❔ UNKNOWN",
    };
    let t = &report.totals;
    page.line(&format!("## {sign}\n"));
    page.line(&format!(
        "{} of {} messages acked, {} of {} expected deliveries arrived.",
        t.acked,
        t.attempted,
        t.counts.expected - t.counts.lost,
        t.counts.expected
    ));
    if let Some(run) = &report.run {
        page.line(&format!("Run {}.", show_cell(&Cell::Name(run))));
    }
    page.line("");
    let reason = |reason: &super::Reason| format!("**{}**: {}", show_verdict(reason.verdict), prose(&reason.text));
    list(page, report.reasons.iter().map(reason));
}

fn list(page: &mut Page, items: impl ExactSizeIterator<Item = String>) {
    let more = items.len().saturating_sub(MAX_LISTED);
    items.take(MAX_LISTED).for_each(|item| page.line(&format!("- {item}")));
    if more > 0 {
        page.line(&format!("- and {more} more"));
    }
}
