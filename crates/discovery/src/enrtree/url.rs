//! The URL of a node list: who signs it, and where it is.

use std::{fmt, str::FromStr};

use data_encoding::BASE32_NOPAD;
use enr::k256::ecdsa::VerifyingKey;

/// How every URL of a list begins.
pub(super) const PREFIX: &str = "enrtree://";

/// Longest domain: a hash of at most 52 characters and a dot must fit in front of it within the 253 of DNS.
const DOMAIN_MAX_CHARS: usize = 200;

/// A compressed secp256k1 key.
const KEY_BYTES: usize = 33;

/// Why a text is no URL of a node list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeUrlError {
    /// Not of that kind.
    #[error("a node list begins with \"enrtree://\"")]
    Prefix,
    /// No `@`.
    #[error("a node list has the form enrtree://KEY@DOMAIN: there is no \"@\"")]
    NoDomain,
    /// The part before `@`.
    #[error("the key in front of \"@\" is not the base32 form of a compressed secp256k1 key: {0}")]
    Key(String),
    /// The part behind it.
    #[error("{0:?} is no domain name")]
    Domain(String),
}

/// `enrtree://<key>@<domain>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeUrl {
    key: VerifyingKey,
    domain: String,
}

impl TreeUrl {
    /// The key that signs the list.
    pub(super) fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// The domain of the root record, in lower case, without a dot at its end.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }
}

impl FromStr for TreeUrl {
    type Err = TreeUrlError;

    fn from_str(text: &str) -> Result<Self, TreeUrlError> {
        let rest = text.trim().strip_prefix(PREFIX).ok_or(TreeUrlError::Prefix)?;
        let (key, domain) = rest.split_once('@').ok_or(TreeUrlError::NoDomain)?;
        let key = BASE32_NOPAD
            .decode(key.as_bytes())
            .map_err(|error| TreeUrlError::Key(error.to_string()))?;
        if key.len() != KEY_BYTES {
            return Err(TreeUrlError::Key(format!("{} bytes instead of {KEY_BYTES}", key.len())));
        }
        let key = VerifyingKey::from_sec1_bytes(&key).map_err(|_| TreeUrlError::Key("not on the curve".to_owned()))?;
        let domain = domain.strip_suffix('.').unwrap_or(domain).to_ascii_lowercase();
        if !is_domain(&domain) {
            return Err(TreeUrlError::Domain(domain.chars().take(DOMAIN_MAX_CHARS).collect()));
        }
        Ok(Self { key, domain })
    }
}

impl fmt::Display for TreeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = BASE32_NOPAD.encode(self.key.to_sec1_point(true).as_bytes());
        write!(f, "{PREFIX}{key}@{}", self.domain)
    }
}

/// Labels of letters, digits, `-` and `_`, as short as DNS wants them.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    text.len() <= DOMAIN_MAX_CHARS && text.split('.').all(is_label)
}
