//! Names of runs, processes and clients.

use rand::Rng;

/// Longest run id. It stands in every payload, whose JSON part is bounded.
pub(super) const MAX_RUN_ID_BYTES: usize = 64;

/// Longest node name. With `/` and the client index it is the sender in every payload and log line.
pub(super) const MAX_NODE_NAME_BYTES: usize = 64;

/// Why a name is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or too much.
    #[error("must have 1 to {max_bytes} characters, {got_bytes} given")]
    Length {
        /// Its length.
        got_bytes: usize,
        /// The limit.
        max_bytes: usize,
    },
    /// A character that would need quoting somewhere.
    #[error("{found:?} is not allowed: use letters, digits, '.', '_' and '-'")]
    Character {
        /// The first such character.
        found: char,
    },
}

/// A random run id of 96 bits as hex, so that two runs never share one by accident.
#[must_use]
pub fn random_run_id() -> String {
    random_hex(24)
}

/// `<role>-` and six random hex digits, so that two unnamed processes of a run are told apart.
#[must_use]
pub fn random_node_name(role: &str) -> String {
    format!("{role}-{}", random_hex(6))
}

/// `<node>/<client>`: the sender of a publisher's messages, the receiver's name in reports.
#[must_use]
pub fn client_name(node: &str, client: u32) -> String {
    format!("{node}/{client}")
}

/// Checks a `--run-id`.
///
/// # Errors
/// [`NameError`].
pub fn parse_run_id(text: &str) -> Result<String, NameError> {
    check(text, MAX_RUN_ID_BYTES)
}

/// Checks a `--node-name`; `/` is reserved for the client index.
///
/// # Errors
/// [`NameError`].
pub fn parse_node_name(text: &str) -> Result<String, NameError> {
    check(text, MAX_NODE_NAME_BYTES)
}

fn check(text: &str, max_bytes: usize) -> Result<String, NameError> {
    if text.is_empty() || text.len() > max_bytes {
        return Err(NameError::Length {
            got_bytes: text.len(),
            max_bytes,
        });
    }
    match text
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')))
    {
        Some(found) => Err(NameError::Character { found }),
        None => Ok(text.to_owned()),
    }
}

fn random_hex(digits: usize) -> String {
    let mut rng = rand::rng();
    (0..digits)
        .map(|_| char::from_digit(rng.random_range(0..16), 16).unwrap_or('0'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_names_pass_their_own_check_and_differ() {
        assert_eq!(parse_run_id(&random_run_id()).map(|id| id.len()), Ok(24));
        assert!(parse_node_name(&random_node_name("publisher")).is_ok());
        assert_ne!(random_run_id(), random_run_id());
    }

    #[test]
    fn slash_space_and_length_are_refused() {
        assert_eq!(parse_node_name("a/0"), Err(NameError::Character { found: '/' }));
        assert_eq!(parse_run_id("a b"), Err(NameError::Character { found: ' ' }));
        assert_eq!(
            parse_run_id(""),
            Err(NameError::Length {
                got_bytes: 0,
                max_bytes: 64
            })
        );
        assert!(parse_node_name(&"x".repeat(65)).is_err());
        assert_eq!(client_name("publisher-1", 3), "publisher-1/3");
    }
}
