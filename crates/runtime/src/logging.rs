//! Diagnostics for people, on standard error. The event log is the machine's.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::terminal::Stderr;

/// What plain `info` means: libp2p announces each client's peer id at that level, a thousand lines for a thousand
/// clients.
const QUIET_INFO: &str = "info,libp2p_swarm=warn";

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter does not parse.
    #[error(
        "--log-level {filter:?} is not a level or filter ({reason}); use error, warn, info, debug, trace, or directives such as info,waku=debug"
    )]
    Filter {
        /// What was given.
        filter: String,
        /// What the parser says.
        reason: String,
    },
    /// Something else in this process has already set a subscriber.
    #[error("logging is already set up in this process")]
    AlreadySet,
}

/// Checks a `--log-level` value: a level (`info`) or tracing directives (`info,waku=debug`).
///
/// # Errors
/// [`LoggingError::Filter`] when it is neither.
pub fn parse_filter(text: &str) -> Result<EnvFilter, LoggingError> {
    let directives = if text.trim() == "info" { QUIET_INFO } else { text };
    EnvFilter::builder()
        .parse(directives)
        .map_err(|error| LoggingError::Filter {
            filter: text.to_owned(),
            reason: error.to_string(),
        })
}

/// [`parse_filter`] as a value parser of `--log-level`: the text goes on, checked.
///
/// # Errors
/// [`LoggingError::Filter`] when it is no filter.
pub fn check_filter(text: &str) -> Result<String, LoggingError> {
    parse_filter(text).map(|_| text.to_owned())
}

/// Logs to standard error from now on. Colours only on a terminal and without `NO_COLOR`. Control characters in
/// messages stay escaped (the subscriber's default), since they may come from peers.
///
/// # Errors
/// When `filter` does not parse, or a subscriber is set already.
pub fn init(filter: &str) -> Result<(), LoggingError> {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(parse_filter(filter)?)
        .with_writer(Stderr)
        .with_ansi(!no_color && io::stderr().is_terminal())
        .try_init()
        .map_err(|_| LoggingError::AlreadySet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_directives_parse() {
        for good in ["info", "warn,waku=debug", "off"] {
            assert!(parse_filter(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn nonsense_names_the_flag() {
        let error = parse_filter("loud=very=much").expect_err("must be refused").to_string();
        assert!(error.contains("--log-level \"loud=very=much\""), "{error}");
    }
}
