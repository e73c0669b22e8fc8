//! The JSON Schema of the JSON report.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Report;

/// The schema of [`Report`] as it is written.
#[must_use]
pub fn report_schema() -> Value {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Report>()
        .to_value()
}

/// The schema as the text of `docs/report.schema.json`.
#[must_use]
pub fn report_schema_text() -> String {
    format!("{:#}\n", report_schema())
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::*;

    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/report.schema.json");

    #[test]
    fn schema_is_current() {
        if env::var_os("UPDATE_SCHEMA").is_some() {
            fs::write(PATH, report_schema_text()).unwrap();
        }
        let there: Value = serde_json::from_str(&fs::read_to_string(PATH).unwrap()).unwrap();
        assert!(
            there == report_schema(),
            "docs/report.schema.json is old: run the tests with UPDATE_SCHEMA=1"
        );
    }
}
