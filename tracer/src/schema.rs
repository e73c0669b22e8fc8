//! The JSON Schemas of what the tracer writes for programs, published in `docs/`.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use crate::{diff::Comparison, logs::Inventory, report::Report, trace::Trace};

/// Documents with a schema: what it is, and the file in `docs/` that describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// `tracer report --format json`.
    Report,
    /// `tracer trace --format json`.
    Trace,
    /// `tracer diff --format json`.
    Diff,
    /// `tracer logs --format json`.
    Logs,
}

impl Document {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Report, Self::Trace, Self::Diff, Self::Logs];

    /// Name of the file in `docs/`.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Report => "report.schema.json",
            Self::Trace => "trace.schema.json",
            Self::Diff => "diff.schema.json",
            Self::Logs => "logs.schema.json",
        }
    }

    /// The schema.
    #[must_use]
    pub fn schema(self) -> Value {
        match self {
            Self::Report => of::<Report>(),
            Self::Trace => of::<Trace>(),
            Self::Diff => of::<Comparison>(),
            Self::Logs => of::<Inventory<'static>>(),
        }
    }
}

fn of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use super::*;

    #[test]
    fn schemas_are_current() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        for document in Document::ALL {
            let path = docs.join(document.file());
            if env::var_os("UPDATE_SCHEMA").is_some() {
                fs::write(&path, format!("{:#}\n", document.schema())).unwrap();
            }
            let there: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            assert!(
                there == document.schema(),
                "docs/{} is old: run the tests with UPDATE_SCHEMA=1",
                document.file()
            );
        }
    }
}
