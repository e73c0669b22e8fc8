//! The records of a node list as text: the signed root, branches, nodes, links.

use std::{fmt, str::FromStr};

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use enr::{EnrPublicKey, k256::ecdsa::VerifyingKey};
use sha3::{Digest, Keccak256};
use waku::{EnrError, NodeRecord};

use super::url::{PREFIX as LINK_PREFIX, TreeUrl, TreeUrlError};

const ROOT_PREFIX: &str = "enrtree-root:v1";
const BRANCH_PREFIX: &str = "enrtree-branch:";
const NODE_PREFIX: &str = "enr:";

/// Longest text of one record. EIP-1459 wants records to fit into a UDP answer of 512 bytes.
pub(crate) const TEXT_MAX_BYTES: usize = 2048;

/// A signature with its recovery byte, which is not needed to verify it.
const SIGNATURE_BYTES: usize = 65;

/// Shortest and longest abbreviated hash, as in go-ethereum (`p2p/dnsdisc/tree.go`); writers use 16 bytes.
const HASH_BYTES: std::ops::RangeInclusive<usize> = 12..=32;

/// The place of a record: the beginning of the Keccak-256 hash of its text, in base32.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubtreeHash(String);

impl SubtreeHash {
    /// The hash of `text` as writers abbreviate it.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(BASE32_NOPAD.encode(&Keccak256::digest(text.as_bytes())[..16]))
    }

    /// Whether `text` is the record that belongs here.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        let hash = Keccak256::digest(text.as_bytes());
        BASE32_NOPAD
            .decode(self.0.as_bytes())
            .is_ok_and(|beginning| hash.starts_with(&beginning))
    }
}

impl fmt::Display for SubtreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SubtreeHash {
    type Err = EntryError;

    fn from_str(text: &str) -> Result<Self, EntryError> {
        match BASE32_NOPAD.decode(text.as_bytes()) {
            Ok(bytes) if HASH_BYTES.contains(&bytes.len()) => Ok(Self(text.to_owned())),
            _ => Err(EntryError::Hash(text.chars().take(64).collect())),
        }
    }
}

/// Why a root record is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    /// Not a root record of version 1.
    #[error("not a root record of the form enrtree-root:v1 e=… l=… seq=… sig=…")]
    Form,
    /// Too long.
    #[error("root record has {size_bytes} bytes, at most {TEXT_MAX_BYTES} are taken")]
    TooLong {
        /// What it has.
        size_bytes: usize,
    },
    /// The sequence number is none.
    #[error("the sequence number of the root record is no number")]
    Sequence,
    /// A hash in it is none.
    #[error(transparent)]
    Hash(#[from] EntryError),
    /// Somebody else signed, or the record was changed.
    #[error("the signature of the root record does not fit the key of the URL")]
    Signature,
}

/// The root of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Where the nodes are.
    pub nodes: SubtreeHash,
    /// Where links to other lists are.
    pub links: SubtreeHash,
    /// Version of the list.
    pub sequence: u64,
}

impl Root {
    /// Whether a text is meant as a root record; a domain may have other TXT records as well.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(ROOT_PREFIX)
    }

    /// Reads a root record and checks who signed it.
    ///
    /// # Errors
    /// [`RootError`].
    pub fn read(text: &str, key: &VerifyingKey) -> Result<Self, RootError> {
        if text.len() > TEXT_MAX_BYTES {
            return Err(RootError::TooLong { size_bytes: text.len() });
        }
        let (signed, signature) = text.split_once(" sig=").ok_or(RootError::Form)?;
        let mut parts = signed.strip_prefix(ROOT_PREFIX).ok_or(RootError::Form)?.split(' ');
        if parts.next() != Some("") {
            return Err(RootError::Form);
        }
        let mut field = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=');
        let (Some(nodes), Some(links), Some(sequence)) = (field("e"), field("l"), field("seq")) else {
            return Err(RootError::Form);
        };
        if parts.next().is_some() {
            return Err(RootError::Form);
        }
        let signature = BASE64URL_NOPAD
            .decode(signature.as_bytes())
            .ok()
            .filter(|bytes| bytes.len() == SIGNATURE_BYTES)
            .ok_or(RootError::Signature)?;
        if !key.verify_v4(signed.as_bytes(), &signature[..SIGNATURE_BYTES - 1]) {
            return Err(RootError::Signature);
        }
        Ok(Self {
            nodes: nodes.parse()?,
            links: links.parse()?,
            sequence: sequence.parse().map_err(|_| RootError::Sequence)?,
        })
    }

    /// The part of the record that is signed.
    #[must_use]
    pub fn signed_text(&self) -> String {
        format!("{ROOT_PREFIX} e={} l={} seq={}", self.nodes, self.links, self.sequence)
    }
}

/// Why a record below the root is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// None of the kinds.
    #[error("neither a branch, nor a node, nor a link to another list")]
    Kind,
    /// Too long.
    #[error("record has {size_bytes} bytes, at most {TEXT_MAX_BYTES} are taken")]
    TooLong {
        /// What it has.
        size_bytes: usize,
    },
    /// A name that is no hash.
    #[error("{0:?} is no hash of a record")]
    Hash(String),
    /// A node record that does not read.
    #[error(transparent)]
    Node(#[from] EnrError),
    /// A link that does not read.
    #[error(transparent)]
    Link(#[from] TreeUrlError),
}

/// A record below the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Further records.
    Branch(Vec<SubtreeHash>),
    /// A node.
    Node(Box<NodeRecord>),
    /// Another list.
    Link(TreeUrl),
}

impl FromStr for Entry {
    type Err = EntryError;

    fn from_str(text: &str) -> Result<Self, EntryError> {
        if text.len() > TEXT_MAX_BYTES {
            return Err(EntryError::TooLong { size_bytes: text.len() });
        }
        if let Some(list) = text.strip_prefix(BRANCH_PREFIX) {
            let hashes = list.split(',').filter(|hash| !hash.is_empty());
            return hashes.map(str::parse).collect::<Result<_, _>>().map(Self::Branch);
        }
        if text.starts_with(NODE_PREFIX) {
            return Ok(Self::Node(Box::new(text.parse()?)));
        }
        if text.starts_with(LINK_PREFIX) {
            return Ok(Self::Link(text.parse()?));
        }
        Err(EntryError::Kind)
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch(hashes) => {
                let hashes: Vec<_> = hashes.iter().map(|hash| hash.0.as_str()).collect();
                write!(f, "{BRANCH_PREFIX}{}", hashes.join(","))
            }
            Self::Node(record) => f.write_str(record.text()),
            Self::Link(url) => url.fmt(f),
        }
    }
}
