//! The gates file: named profiles of expressions, in TOML.

use std::{collections::BTreeMap, fs, io, io::Read as _, path::Path};

use serde::Deserialize;
use thiserror::Error;

use super::{error::ExpressionError, expression::Expression, nearest::nearest};

/// Largest gates file, bytes: one of ten thousand expressions is smaller.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The profile that is meant where none is named.
pub(crate) const DEFAULT_PROFILE: &str = "default";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GatesFile {
    #[serde(default)]
    profile: BTreeMap<String, Profile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Profile {
    fail_if: Vec<String>,
}

/// Why a gates file gives no gates.
#[derive(Debug, Error)]
pub enum GatesFileError {
    /// It is not there, or cannot be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The path.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// It is too large to be one.
    #[error("{path} is larger than {MAX_FILE_BYTES} bytes: it is no gates file")]
    TooLarge {
        /// The path.
        path: String,
    },
    /// It is not TOML of the right form.
    #[error("{path} is no gates file, which has [profile.NAME] with fail-if = [\"loss > 0.1%\"]: line {line}: {error}")]
    Form {
        /// The path.
        path: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        error: String,
    },
    /// It has no such profile.
    #[error("{path} has no profile {profile:?}{}; there are: {}", .meant.as_ref().map_or(String::new(), |meant| format!(", did you mean {meant}?")), .known.join(", "))]
    NoProfile {
        /// The path.
        path: String,
        /// The profile asked for.
        profile: String,
        /// The nearest one.
        meant: Option<String>,
        /// All of them.
        known: Vec<String>,
    },
    /// A profile without a gate.
    #[error("{path}: profile {profile:?} has no expression, so it would judge nothing")]
    Empty {
        /// The path.
        path: String,
        /// The profile.
        profile: String,
    },
    /// An expression that is none.
    #[error("{path}: profile {profile:?}, expression {number} {text:?}: {error}")]
    Expression {
        /// The path.
        path: String,
        /// The profile.
        profile: String,
        /// Which of the profile's expressions, counted from 1.
        number: usize,
        /// The expression.
        text: String,
        /// What is wrong with it.
        error: Box<ExpressionError>,
    },
}

/// The expressions of one profile. The other profiles are checked too: a mistake shows on the first day, not in the
/// night in which the profile is used.
pub(crate) fn read(path: &Path, profile: &str) -> Result<Vec<Expression>, GatesFileError> {
    let name = path.display().to_string();
    let unreadable = |error| GatesFileError::Unreadable {
        path: name.clone(),
        error,
    };
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text))
        .map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(GatesFileError::TooLarge { path: name });
    }
    parse(&text, &name, profile)
}

/// A file without a name.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn parse_any(text: &str) -> Result<Vec<Expression>, GatesFileError> {
    parse(text, "gates file", DEFAULT_PROFILE)
}

fn parse(text: &str, path: &str, profile: &str) -> Result<Vec<Expression>, GatesFileError> {
    let file: GatesFile = toml::from_str(text).map_err(|error| GatesFileError::Form {
        path: path.to_owned(),
        line: error.span().map_or(1, |span| text[..span.start].lines().count().max(1)),
        error: error.message().to_owned(),
    })?;
    let mut profiles = BTreeMap::new();
    for (name, profile) in &file.profile {
        profiles.insert(name.as_str(), expressions(profile, name, path)?);
    }
    profiles.remove(profile).ok_or_else(|| GatesFileError::NoProfile {
        path: path.to_owned(),
        profile: profile.to_owned(),
        meant: nearest(profile, file.profile.keys().map(String::as_str)).map(str::to_owned),
        known: file.profile.keys().cloned().collect(),
    })
}

fn expressions(profile: &Profile, name: &str, path: &str) -> Result<Vec<Expression>, GatesFileError> {
    if profile.fail_if.is_empty() {
        return Err(GatesFileError::Empty {
            path: path.to_owned(),
            profile: name.to_owned(),
        });
    }
    let parse = |(at, text): (usize, &String)| {
        text.parse()
            .map_err(|error: ExpressionError| GatesFileError::Expression {
                path: path.to_owned(),
                profile: name.to_owned(),
                number: at + 1,
                text: text.clone(),
                error: Box::new(error),
            })
    };
    profile.fail_if.iter().enumerate().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        [profile.default]
        fail-if = ["loss > 0.1%", "latency.p99 > 1s per receiver"]

        [profile.nightly]
        fail-if = ["loss > 1%"]
    "#;

    #[test]
    fn a_profile_is_a_list_of_expressions() {
        let shown = |profile| {
            let expressions = parse(FILE, "gates.toml", profile).unwrap();
            expressions.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(shown(DEFAULT_PROFILE), ["loss > 0.1%", "latency.p99 > 1s per receiver"]);
        assert_eq!(shown("nightly"), ["loss > 1%"]);
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        for (text, profile, words) in [
            (
                FILE,
                "nightyl",
                "no profile \"nightyl\", did you mean nightly?; there are: default, nightly",
            ),
            ("", "default", "no profile \"default\""),
            ("[profile.a]\nfail-if = []", "a", "profile \"a\" has no expression"),
            (
                "[profile.a]\nfail-if = [\"loss > 1%\", \"los > 1%\"]",
                "a",
                "expression 2 \"los > 1%\": unknown metric",
            ),
            // Also of a profile that is not asked for.
            (
                "[profile.a]\nfail-if = [\"los > 1%\"]\n[profile.b]\nfail-if = [\"loss > 1%\"]",
                "b",
                "profile \"a\"",
            ),
            ("[profile.a]\nfail_if = [\"loss > 1%\"]", "a", "unknown field `fail_if`"),
            ("[profiles.a]\nfail-if = []", "a", "unknown field `profiles`"),
            ("[profile.a]\nfail-if = \"loss > 1%\"", "a", "invalid type"),
            ("[profile.a", "a", "gates.toml is no gates file"),
        ] {
            let error = parse(text, "gates.toml", profile).expect_err(text).to_string();
            assert!(error.contains("gates.toml") && error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn a_file_has_a_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gates.toml");
        fs::write(&path, " ".repeat(MAX_FILE_BYTES as usize + 1)).unwrap();
        assert!(matches!(read(&path, "a"), Err(GatesFileError::TooLarge { .. })));
        assert!(matches!(
            read(&folder.path().join("none"), "a"),
            Err(GatesFileError::Unreadable { .. })
        ));
    }
}
