//! Configuration from flags, environment and file: the flag wins over the environment variable, that over the
//! configuration file, and that over the default.
//!
//! Every long option `--some-flag` may be given as the environment variable `LPT_SOME_FLAG` and as the key `some-flag`
//! (or `some_flag`) of the TOML file named by `--config`. Repeatable options take a list in the file and a
//! comma-separated list in the environment; a list given in one place replaces those of lower rank, it does not add to
//! them. An empty environment variable counts as unset.
//!
//! Environment names of the Nim tester and of its fleet runner count where none of ours is set ([`parse_for`]).

mod alias;
mod error;
mod file;
mod foreign;
mod layers;
mod nearest;
mod source;
#[cfg(test)]
mod tests;

pub use alias::alias_names;
pub use error::ConfigError;
pub use layers::{ENV_PREFIX, Parsed, parse, parse_for, with_environment};
pub use source::{Side, Source};
