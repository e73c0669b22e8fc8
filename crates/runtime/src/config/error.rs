//! What can be wrong with a configuration, and which exit code that is.

use std::io;

use crate::{ExitCode, terminal};

/// Why no configuration came out.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line; also carries `--help` and `--version`, which are not errors.
    #[error("{0}")]
    CommandLine(#[from] clap::Error),
    /// The configuration file cannot be read.
    #[error("configuration file {path}: {source}")]
    Unreadable {
        /// Its path.
        path: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The configuration file is longer than any sensible one.
    #[error("configuration file {path} is larger than {limit_bytes} bytes")]
    TooLarge {
        /// Its path.
        path: String,
        /// The limit.
        limit_bytes: u64,
    },
    /// The configuration file is not TOML.
    #[error("configuration file {path}: {message}")]
    Syntax {
        /// Its path.
        path: String,
        /// The parser's report with line and column.
        message: String,
    },
    /// A key that is no option.
    #[error("configuration file {path}, line {line}: unknown key {key:?}{}", did_you_mean(.nearest.as_deref()))]
    UnknownKey {
        /// Path of the file.
        path: String,
        /// Line of the key, from 1.
        line: usize,
        /// The key.
        key: String,
        /// A known key most like it.
        nearest: Option<String>,
    },
    /// The same option twice, as `a-b` and `a_b`.
    #[error("configuration file {path}, line {line}: key {key:?} is given twice")]
    RepeatedKey {
        /// Path of the file.
        path: String,
        /// Line of the second, from 1.
        line: usize,
        /// The key.
        key: String,
    },
    /// A value of a type that the option cannot take.
    #[error("configuration file {path}, line {line}: {key} must be {expected}, not {found}")]
    WrongType {
        /// Path of the file.
        path: String,
        /// Line of the key, from 1.
        line: usize,
        /// The key.
        key: String,
        /// What it takes.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A value from the file or the environment that the option refuses.
    #[error("{origin}: {message}")]
    Value {
        /// Where it stands.
        origin: String,
        /// What is wrong with it.
        message: String,
    },
    /// Two options of which only one may be given.
    #[error("{first} and {second} exclude each other, and both are given {place}: remove one")]
    Exclusive {
        /// First option.
        first: String,
        /// Second option.
        second: String,
        /// Where both stand.
        place: String,
    },
}

impl ConfigError {
    /// Says what is wrong (or prints the help that was asked for) and returns the exit code for it.
    pub fn report(&self) -> ExitCode {
        match self {
            Self::CommandLine(error) => {
                // Help goes to standard output, complaints to standard error; a closed one is nobody's loss.
                let _ = error.print();
                if error.use_stderr() {
                    ExitCode::Usage
                } else {
                    ExitCode::Ok
                }
            }
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                terminal::print(&format!("error: {self}\n"));
                ExitCode::InputMissing
            }
            _ => {
                terminal::print(&format!("error: {self}\n"));
                ExitCode::Usage
            }
        }
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest
        .map(|key| format!("; did you mean {key:?}?"))
        .unwrap_or_default()
}
