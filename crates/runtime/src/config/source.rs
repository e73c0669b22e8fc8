//! Where the value of an option came from.

use std::fmt;

/// Where the value of an option came from; greater wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Built in.
    Default,
    /// The configuration file, at this line of this path.
    File {
        /// Its path.
        path: String,
        /// Line of the key, from 1.
        line: usize,
    },
    /// This environment variable.
    Environment(String),
    /// The command line.
    Flag,
}

impl Source {
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Environment(_) => 2,
            Self::Flag => 3,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "configuration file {path}, line {line}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag => f.write_str("command line"),
        }
    }
}
