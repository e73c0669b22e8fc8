//! Keeps the tables of `docs/event-log.md` equal to the types: they are generated between two markers.

use std::{env, fmt::Write as _, fs};

use serde_json::Value;

use crate::{event::Event, schema::line_schema};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/event-log.md");
const BEGIN: &str = "<!-- events: generated from the types -->\n";
const END: &str = "<!-- end of events -->\n";

/// All events as Markdown tables, in the order of the types.
fn tables() -> String {
    let schema = line_schema();
    let events = schema["oneOf"].as_array().unwrap();
    let mut out = String::new();
    for (event, (name, fields)) in events.iter().zip(Event::FIELD_NAMES) {
        assert_eq!(event["title"], *name);
        writeln!(out, "\n#### `{name}`\n\n{}", prose(&event["description"])).unwrap();
        out.push_str("\n| Field | Type | Meaning |\n|---|---|---|\n");
        for field in *fields {
            let property = &event["properties"][*field];
            let required = event["required"].as_array().unwrap().iter().any(|name| name == field);
            let optional = if required { "" } else { ", optional" };
            let kind = kind(property, &schema);
            writeln!(
                out,
                "| `{field}` | {kind}{optional} | {} |",
                prose(&property["description"])
            )
            .unwrap();
        }
    }
    out.push('\n');
    out
}

fn prose(text: &Value) -> String {
    text.as_str()
        .unwrap()
        .replace('\n', " ")
        .replace('|', "\\|")
        .replace("[`RunStarted`]", "`run_started`")
}

/// The type in a user's words.
fn kind(property: &Value, schema: &Value) -> String {
    if let Some(path) = property["$ref"].as_str() {
        return reference(path, schema);
    }
    if let Some(path) = property["anyOf"][0]["$ref"].as_str() {
        return reference(path, schema);
    }
    let kind = property["type"]
        .as_str()
        .or_else(|| property["type"][0].as_str())
        .unwrap();
    match kind {
        "array" => format!("array of {}", property["items"]["type"].as_str().unwrap()),
        "object" => match property["additionalProperties"]["type"].as_str() {
            Some(values) => format!("object of {values}"),
            None => "object".to_owned(),
        },
        kind => kind.to_owned(),
    }
}

fn reference(path: &str, schema: &Value) -> String {
    match path.rsplit('/').next().unwrap() {
        "Timestamp" => "time".to_owned(),
        "MessageHash" => "hash".to_owned(),
        name => {
            let values = schema["$defs"][name]["oneOf"].as_array().unwrap();
            let quoted = |value: &Value| format!("`{}`", value["const"].as_str().unwrap());
            values.iter().map(quoted).collect::<Vec<_>>().join(" / ")
        }
    }
}

#[test]
fn the_tables_of_the_document_are_current() {
    let document = fs::read_to_string(PATH).unwrap();
    let (before, rest) = document.split_once(BEGIN).unwrap();
    let (there, after) = rest.split_once(END).unwrap();
    let tables = tables();
    if env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(PATH, format!("{before}{BEGIN}{tables}{END}{after}")).unwrap();
    } else {
        assert!(
            there == tables,
            "docs/event-log.md is old: run the tests with UPDATE_SCHEMA=1"
        );
    }
}

#[test]
fn the_payload_in_the_document_is_a_numbered_message() {
    let document = fs::read_to_string(PATH).unwrap();
    let example = document.lines().find(|line| line.starts_with("{\"sender\"")).unwrap();
    let message = crate::NumberedMessage::decode(example.as_bytes()).unwrap();
    assert_eq!((message.index, message.attempt), (3, Some(1)));
    let lines: Vec<_> = document.lines().filter(|line| line.starts_with("{\"v\"")).collect();
    assert!(lines.len() >= 2);
    for line in lines {
        crate::parse_line(line).unwrap();
    }
}
