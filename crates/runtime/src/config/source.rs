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
    /// This environment variable of the Nim tester or its fleet runner.
    Alias(&'static str),
    /// This environment variable of ours.
    Environment(String),
    /// The command line.
    Flag,
}

/// Which program is being configured: foreign environment names mean something to some only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The publisher.
    Publisher,
    /// The receiver.
    Receiver,
    /// The embedded service node.
    ServiceNode,
}

impl Source {
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Alias(_) => 2,
            Self::Environment(_) => 3,
            Self::Flag => 4,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "configuration file {path}, line {line}"),
            Self::Alias(name) => write!(f, "environment variable {name}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag => f.write_str("command line"),
        }
    }
}
