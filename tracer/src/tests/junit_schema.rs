//! JUnit output against the rules of Jenkins' `junit-10.xsd` (jenkinsci/xunit-plugin,
//! `src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd`), as a table: what every version of that file allows.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::fixture::*;
use crate::{
    gate::apply,
    report::{Report, ReportKind, Reporter as _},
};

/// One element of the schema.
struct Rule {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    children: &'static [&'static str],
    /// Whether text may stand in it.
    text: bool,
}

const RULES: [Rule; 9] = [
    Rule {
        name: "testsuites",
        required: &[],
        optional: &["name", "time", "tests", "failures", "errors"],
        children: &["testsuite"],
        text: false,
    },
    Rule {
        name: "testsuite",
        required: &["name", "tests", "failures", "errors"],
        optional: &[
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
        ],
        children: &["testsuite", "properties", "testcase", "system-out", "system-err"],
        text: false,
    },
    Rule {
        name: "testcase",
        required: &["name"],
        optional: &["time", "classname", "group"],
        // Those of reruns, which we never write, are left out.
        children: &["skipped", "error", "failure", "system-out", "system-err"],
        text: false,
    },
    outcome("failure"),
    outcome("error"),
    outcome("skipped"),
    Rule {
        name: "properties",
        required: &[],
        optional: &[],
        children: &["property"],
        text: false,
    },
    Rule {
        name: "property",
        required: &["name", "value"],
        optional: &[],
        children: &[],
        text: false,
    },
    Rule {
        name: "system-out",
        required: &[],
        optional: &[],
        children: &[],
        text: true,
    },
];

const fn outcome(name: &'static str) -> Rule {
    Rule {
        name,
        required: &[],
        optional: &["type", "message"],
        children: &[],
        text: true,
    }
}

fn rule(name: &str) -> Result<&'static Rule, String> {
    let of_name = RULES.iter().find(|rule| rule.name == name);
    of_name.ok_or_else(|| format!("unknown element {name}"))
}

/// Whether `xml` is well-formed and keeps the rules.
fn check(xml: &str) -> Result<(), String> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let mut open: Vec<&Rule> = Vec::new();
    let mut roots = 0;
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => open.push(begin(&start, open.last().copied(), &mut roots)?),
            Event::Empty(start) => {
                begin(&start, open.last().copied(), &mut roots)?;
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Text(text) => {
                let text = text.decode().map_err(|error| error.to_string())?;
                if !text.trim().is_empty() && !open.last().is_some_and(|rule| rule.text) {
                    return Err(format!("text where none may be: {}", text.trim()));
                }
            }
            Event::Eof if open.is_empty() && roots == 1 => return Ok(()),
            Event::Eof => return Err("it is cut".to_owned()),
            Event::Decl(_) | Event::GeneralRef(_) => {}
            other => return Err(format!("unexpected {other:?}")),
        }
    }
}

fn begin(start: &BytesStart<'_>, parent: Option<&Rule>, roots: &mut usize) -> Result<&'static Rule, String> {
    let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
    let rule = rule(&name)?;
    match parent {
        None if name == "testsuites" => *roots += 1,
        Some(parent) if parent.children.contains(&rule.name) => {}
        _ => {
            return Err(format!(
                "{name} in {}",
                parent.map_or("the document", |parent| parent.name)
            ));
        }
    }
    let mut missing = rule.required.to_vec();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        if !rule.optional.contains(&key.as_str()) && !rule.required.contains(&key.as_str()) {
            return Err(format!("attribute {key} of {name}"));
        }
        if key == "time"
            && !attribute
                .value
                .iter()
                .all(|byte| byte.is_ascii_digit() || *byte == b'.')
        {
            return Err(format!("time {:?}", attribute.value));
        }
        missing.retain(|required| *required != key);
    }
    match missing.first() {
        Some(missing) => Err(format!("{name} without {missing}")),
        None => Ok(rule),
    }
}

#[track_caller]
fn assert_valid(report: &Report) {
    let xml = ReportKind::Junit.render(report);
    assert_eq!(check(&xml), Ok(()), "{xml}");
}

#[test]
fn junit_is_valid_by_the_schema_of_jenkins() {
    for report in [
        report_on(&[]),
        report_on(&clean_run(3)),
        report_on(&super::reports::outage_run()),
        super::hostile::hostile_report(),
        // A torn log: the verdict is unknown, which is an error in a suite.
        changed(|logs| {
            logs[1].lines.pop();
        }),
    ] {
        assert_valid(&report);
    }
    let mut judged = report_on(&clean_run(3));
    let gates = ["loss > 0.1%", "latency.p99 > 1us per receiver", "ack.p99 < 1s"];
    let gates: Vec<_> = gates.iter().map(|gate| gate.parse().unwrap()).collect();
    apply(&mut judged, &gates);
    assert_valid(&judged);
}

#[test]
fn the_rules_refuse_what_the_schema_refuses() {
    let good = ReportKind::Junit.render(&report_on(&super::reports::outage_run()));
    assert_eq!(check(&good), Ok(()));
    for (from, to, why) in [
        (
            "<testsuites name",
            "<testsuites skipped=\"0\" name",
            "attribute skipped of testsuites",
        ),
        (
            " errors=\"0\" failures=\"3\" timestamp",
            " failures=\"3\" timestamp",
            "testsuite without errors",
        ),
        ("<system-out>", "<stdout>", "unknown element stdout"),
        (
            "<testcase name=\"loss\"",
            "text<testcase name=\"loss\"",
            "text where none may be: text",
        ),
        (
            "<property name=\"run\" value",
            "<property name=\"run\" val",
            "attribute val of property",
        ),
        ("<testcase name=\"loss\"", "<testcase time=\"1s\" name=\"loss\"", "time"),
        (
            "<testcase name=\"loss\"",
            "<failure/><testcase name=\"loss\"",
            "failure in testsuite",
        ),
        ("</testsuites>", "", "it is cut"),
    ] {
        assert!(good.contains(from), "{from}");
        let error = check(&good.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(why), "{from}: {error}");
    }
}
