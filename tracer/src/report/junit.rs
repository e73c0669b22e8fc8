//! The report for CI servers: one test suite, one test case for each gate, valid by Jenkins' junit-10.xsd.
//!
//! A gate that fails is a failure, one that cannot be judged an error. Reasons that belong to no gate are in a case of
//! their own, *verdict*, so that a suite is never empty and never green when the run is not.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{Gate, Report, Verdict, escape};
use crate::units::show_number;

/// Class of all cases: CI servers group by it.
const CLASS: &str = "tracer.gates";

/// The report as JUnit XML.
#[must_use]
pub fn render_junit(report: &Report) -> String {
    let mut stripped = 0;
    let mut clean = |text: &str| clean(text, &mut stripped);
    let run = report.run.as_deref().map_or("no run".to_owned(), &mut clean);
    let mut cases: Vec<TestCase> = report.gates.iter().map(|gate| of_gate(gate, &mut clean)).collect();
    cases.push(of_verdict(report, &mut clean));
    let mut suite = TestSuite::new(format!("tracer run {run}"));
    if let Some(bucket) = report.over_time.buckets.first() {
        suite.extra.insert("timestamp".into(), bucket.begin.to_string().into());
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

fn of_gate(gate: &Gate, clean: &mut impl FnMut(&str) -> String) -> TestCase {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), show_number);
    let message = format!(
        "{}: {} {unit} (limit {} {unit}, margin {} {unit})",
        clean(&gate.scope),
        number(gate.value),
        number(gate.limit),
        number(gate.margin),
        unit = gate.unit
    );
    case(&clean(&gate.name), gate.verdict, message)
}

/// What the run as a whole comes to.
fn of_verdict(report: &Report, clean: &mut impl FnMut(&str) -> String) -> TestCase {
    let texts: Vec<String> = report.reasons.iter().map(|reason| clean(&reason.text)).collect();
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
    let safe = escape(text);
    let mut out = String::with_capacity(safe.len());
    for c in safe.chars() {
        if matches!(c, '\u{fffe}' | '\u{ffff}') {
            *replaced += 1;
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    *replaced += text
        .chars()
        .filter(|c| escape(c.encode_utf8(&mut [0; 4])).len() > 4)
        .count() as u64;
    out
}
