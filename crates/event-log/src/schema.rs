//! The JSON Schema of event-log lines, generated from the types in [`crate::event`].

use schemars::{JsonSchema as _, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{
    event::{Event, SCHEMA_VERSION},
    timestamp::Timestamp,
};

/// The schema of one line: one alternative for each event.
#[must_use]
pub fn line_schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let alternatives: Vec<Value> = Event::field_schemas(&mut generator)
        .into_iter()
        .map(|(name, fields)| event_schema(name, fields, &mut generator))
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One line of an event log",
        "description": "Unknown keys are allowed and ignored. See event-log.md.",
        "oneOf": alternatives,
        "$defs": generator.take_definitions(true),
    })
}

/// The schema as the text of `docs/event-log.schema.json`.
#[must_use]
pub fn line_schema_text() -> String {
    format!("{:#}\n", line_schema())
}

fn event_schema(name: &str, fields: Schema, generator: &mut SchemaGenerator) -> Value {
    let mut fields = fields.to_value();
    let mut properties = Map::new();
    properties.insert(
        "v".to_owned(),
        json!({ "const": SCHEMA_VERSION, "description": "Schema version." }),
    );
    properties.insert("event".to_owned(), json!({ "const": name }));
    let mut time = Timestamp::json_schema(generator).to_value();
    time["description"] = json!("Wall-clock time of the event, RFC 3339 UTC with nanoseconds.");
    properties.insert("time".to_owned(), time);
    if let Some(own) = fields.get_mut("properties").and_then(Value::as_object_mut) {
        properties.extend(std::mem::take(own));
    }
    let mut required = vec![json!("v"), json!("event"), json!("time")];
    if let Some(own) = fields.get_mut("required").and_then(Value::as_array_mut) {
        required.append(own);
    }
    json!({
        "title": name,
        "description": fields.get("description").cloned().unwrap_or_default(),
        "type": "object",
        "properties": properties,
        "required": required,
    })
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::*;
    use crate::{Record, examples::examples};

    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/event-log.schema.json");

    #[test]
    fn schema_is_current() {
        if env::var_os("UPDATE_SCHEMA").is_some() {
            fs::write(PATH, line_schema_text()).unwrap();
        }
        let there: Value = serde_json::from_str(&fs::read_to_string(PATH).unwrap()).unwrap();
        assert!(
            there == line_schema(),
            "docs/event-log.schema.json is old: run the tests with UPDATE_SCHEMA=1"
        );
    }

    #[test]
    fn what_the_writer_writes_is_valid() {
        let validator = jsonschema::validator_for(&line_schema()).unwrap();
        for event in examples() {
            let line = Record {
                time: Timestamp::from_unix_ns(1),
                event,
            }
            .to_line()
            .unwrap();
            let value: Value = serde_json::from_str(&line).unwrap();
            let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{line}: {errors:?}");
        }
    }

    #[test]
    fn what_lacks_a_key_is_not_valid() {
        let validator = jsonschema::validator_for(&line_schema()).unwrap();
        let line = Record {
            time: Timestamp::from_unix_ns(1),
            event: examples().remove(0),
        }
        .to_line()
        .unwrap();
        let value: Value = serde_json::from_str(&line).unwrap();
        assert!(validator.is_valid(&value));
        for key in ["v", "event", "time", "role", "run", "config"] {
            let mut cut = value.clone();
            cut.as_object_mut().unwrap().remove(key);
            assert!(!validator.is_valid(&cut), "without {key}");
        }
        let mut renamed = value.clone();
        renamed["event"] = json!("received");
        assert!(!validator.is_valid(&renamed), "fields of another event");
    }
}
