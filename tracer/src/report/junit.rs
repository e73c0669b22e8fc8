//! The report for CI servers: one test suite, one test case for each gate, valid by Jenkins' junit-10.xsd.
//!
//! A gate that fails is a failure, one that cannot be judged an error. Reasons that belong to no gate are in a case of
//! their own, *verdict*, so that a suite is never empty and never green when the run is not.

use event_log::Timestamp;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{
    Gate, JudgedBy, Report, Verdict,
    escape::{is_unsafe, short},
};
use crate::units::show_number;

/// Class of all cases: CI servers group by it.
const CLASS: &str = "tracer.gates";

/// Longest text of a log or of the user in the document: servers keep suites for years and show a line of each case.
const MAX_TEXT_CHARS: usize = 1000;

/// Most reasons listed.
const MAX_REASONS: usize = 100;

/// The report as JUnit XML.
#[must_use]
pub fn render_junit(report: &Report) -> String {
    let mut stripped = 0;
    let mut clean = |text: &str| clean(text, &mut stripped);
    let run = report.run.as_deref().map_or("no run".to_owned(), &mut clean);
    let mut cases: Vec<TestCase> = report.gates.iter().map(|gate| of_gate(gate, &mut clean)).collect();
    cases.push(of_verdict(report, &mut clean));
    // Servers keep one suite of each name: a report and a gate of one run are two.
    let command = match report.judged_by {
        JudgedBy::Limits => "report",
        JudgedBy::Expressions => "gate",
    };
    let mut suite = TestSuite::new(format!("tracer {command} run {run}"));
    if let Some(begin) = begin(report) {
        suite.extra.insert("timestamp".into(), begin.to_string().into());
    }
    suite.add_test_cases(cases);
    suite.add_property(("run", run.as_str()));
    suite.add_property(("characters_replaced", stripped.to_string().as_str()));
    let mut all = quick_junit::Report::new("tracer");
    all.add_test_suite(suite);
    let text = all
        .to_string()
        .expect("writing XML into memory fails for illegal characters only, and those are replaced");
    // The schema knows this attribute of a suite, not of the root.
    text.replacen(" skipped=\"0\"", "", 1)
}

/// When the first message was due; of a run without messages, when its first log begins.
fn begin(report: &Report) -> Option<Timestamp> {
    let first_message = report.over_time.buckets.first().map(|bucket| bucket.begin);
    let first_log = || report.logs.iter().filter_map(|log| log.started).min();
    first_message.or_else(first_log)
}

fn of_gate(gate: &Gate, clean: &mut impl FnMut(&str) -> String) -> TestCase {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), show_number);
    let message = format!(
        "{}: {} {unit} (limit {} {unit}, margin {} {unit}){few}",
        clean(&gate.scope),
        number(gate.value),
        number(gate.limit),
        number(gate.margin),
        unit = gate.unit,
        few = if gate.few_samples {
            ", fewer than 10 values beyond it"
        } else {
            ""
        }
    );
    case(&clean(&gate.name), gate.verdict, message)
}

/// What the run as a whole comes to.
fn of_verdict(report: &Report, clean: &mut impl FnMut(&str) -> String) -> TestCase {
    let reasons = report.reasons.iter().take(MAX_REASONS);
    let mut texts: Vec<String> = reasons.map(|reason| clean(&reason.text)).collect();
    if report.reasons.len() > MAX_REASONS {
        texts.push(format!("and {} more reasons", report.reasons.len() - MAX_REASONS));
    }
    case("verdict", report.verdict, texts.join("\n"))
}

fn case(name: &str, verdict: Verdict, text: String) -> TestCase {
    let status = match verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Fail => of_kind(NonSuccessKind::Failure, "limit exceeded", &text),
        Verdict::Unknown => of_kind(NonSuccessKind::Error, "cannot be judged", &text),
    };
    let mut case = TestCase::new(name, status);
    case.set_classname(CLASS);
    if verdict == Verdict::Pass && !text.is_empty() {
        case.set_system_out(text);
    }
    case
}

fn of_kind(kind: NonSuccessKind, ty: &str, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    let first = text.lines().next().unwrap_or_default();
    status.set_type(ty).set_message(first).set_description(text);
    status
}

/// Makes what XML forbids and terminals obey visible, and counts it.
fn clean(text: &str, replaced: &mut u64) -> String {
    let is_forbidden = |c: char| matches!(c, '\u{fffe}' | '\u{ffff}');
    *replaced += text.chars().filter(|c| is_unsafe(*c) || is_forbidden(*c)).count() as u64;
    let mut out = String::new();
    for c in short(text, MAX_TEXT_CHARS).chars() {
        if is_forbidden(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}
