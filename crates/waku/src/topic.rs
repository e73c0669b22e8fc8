//! Pubsub topics (`/waku/2/rs/<cluster>/<shard>`) and content topics (`/application/version/name/encoding`).

use std::fmt;
use std::str::FromStr;

/// Highest shard number of a cluster (relay-sharding specification).
pub const SHARD_MAX: u16 = 1023;

/// How much of a faulty topic an error quotes, so that a hostile one cannot flood a terminal.
const QUOTED_CHARS_MAX: usize = 80;

/// Text that is no topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Not of the form `/waku/2/rs/<cluster>/<shard>`.
    #[error("pubsub topic {text:?} is not of the form /waku/2/rs/<cluster>/<shard>, for example /waku/2/rs/1/0")]
    PubsubForm {
        /// The text, cut to 80 characters.
        text: String,
    },
    /// Cluster or shard is not a plain decimal number within 16 bits.
    #[error("{part} {text:?} in the pubsub topic is not a decimal number from 0 to 65535 without leading zeros")]
    Number {
        /// `cluster` or `shard`.
        part: &'static str,
        /// The text, cut to 80 characters.
        text: String,
    },
    /// The shard does not exist in any cluster.
    #[error("shard {shard} does not exist, the highest is 1023")]
    Shard {
        /// The number given.
        shard: u16,
    },
    /// Not of one of the two forms.
    #[error(
        "content topic {text:?} is not of the form /application/version/name/encoding, \
         for example /my-app/1/chat/proto"
    )]
    ContentForm {
        /// The text, cut to 80 characters.
        text: String,
    },
    /// A part between two slashes is empty.
    #[error("content topic {text:?} has an empty {part}")]
    EmptyPart {
        /// `generation`, `application`, `version`, `name` or `encoding`.
        part: &'static str,
        /// The text, cut to 80 characters.
        text: String,
    },
    /// The generation in front of the application is not 0.
    #[error("content topic generation {generation:?} is not supported, only 0 is defined")]
    Generation {
        /// The text of the generation, cut to 80 characters.
        generation: String,
    },
}

fn quoted(text: &str) -> String {
    text.chars().take(QUOTED_CHARS_MAX).collect()
}

/// A shard of a cluster; displayed and parsed as `/waku/2/rs/<cluster>/<shard>`.
///
/// Parsing is strict, because the topic's bytes enter the message hash: `/waku/2/rs/01/0` would be another topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PubsubTopic {
    cluster: u16,
    shard: u16,
}

impl PubsubTopic {
    /// The topic of `shard`, at most [`SHARD_MAX`], in `cluster`.
    pub const fn new(cluster: u16, shard: u16) -> Result<Self, TopicError> {
        if shard > SHARD_MAX {
            return Err(TopicError::Shard { shard });
        }
        Ok(Self { cluster, shard })
    }

    /// The cluster.
    pub const fn cluster(&self) -> u16 {
        self.cluster
    }

    /// The shard, at most [`SHARD_MAX`].
    pub const fn shard(&self) -> u16 {
        self.shard
    }
}

impl fmt::Display for PubsubTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/waku/2/rs/{}/{}", self.cluster, self.shard)
    }
}

impl FromStr for PubsubTopic {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        let form = || TopicError::PubsubForm { text: quoted(text) };
        let rest = text.strip_prefix("/waku/2/rs/").ok_or_else(form)?;
        let (cluster, shard) = rest.split_once('/').ok_or_else(form)?;
        if shard.contains('/') {
            return Err(form());
        }
        Self::new(decimal("cluster", cluster)?, decimal("shard", shard)?)
    }
}

fn decimal(part: &'static str, text: &str) -> Result<u16, TopicError> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    let number = if plain { text.parse().ok() } else { None };
    number.ok_or_else(|| TopicError::Number {
        part,
        text: quoted(text),
    })
}

/// What messages are about: `/application/version/name/encoding`, or the same behind a generation, `/0/application/…`.
///
/// Keeps the text it was parsed from, since subscriptions and hashes compare bytes: `/0/a/1/b/c` and `/a/1/b/c` go to
/// the same shard but are two topics.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentTopic {
    text: String,
    /// Where the application part starts: 0 or after the generation.
    start: usize,
}

impl ContentTopic {
    /// The text as given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The application part; with the version it decides the shard.
    pub fn application(&self) -> &str {
        self.part(0)
    }

    /// The version part.
    pub fn version(&self) -> &str {
        self.part(1)
    }

    /// The name part.
    pub fn name(&self) -> &str {
        self.part(2)
    }

    /// The encoding part.
    pub fn encoding(&self) -> &str {
        self.part(3)
    }

    fn part(&self, index: usize) -> &str {
        // `start` points at the slash before the application, hence the skipped first piece.
        self.text[self.start..].split('/').nth(index + 1).unwrap_or_default()
    }
}

impl fmt::Display for ContentTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl AsRef<str> for ContentTopic {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl FromStr for ContentTopic {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        const NAMES: [&str; 5] = ["generation", "application", "version", "name", "encoding"];
        let form = || TopicError::ContentForm { text: quoted(text) };
        let rest = text.strip_prefix('/').ok_or_else(form)?;
        // One more than the longest form, so that a text of slashes does not become a list.
        let parts: Vec<&str> = rest.splitn(6, '/').collect();
        let names = match parts.len() {
            4 => &NAMES[1..],
            5 => &NAMES[..],
            _ => return Err(form()),
        };
        if let Some(index) = parts.iter().position(|part| part.is_empty()) {
            let part = names[index];
            let text = quoted(text);
            return Err(TopicError::EmptyPart { part, text });
        }
        let start = if parts.len() == 5 {
            check_generation(parts[0])?;
            1 + parts[0].len()
        } else {
            0
        };
        let text = text.to_owned();
        Ok(Self { text, start })
    }
}

fn check_generation(text: &str) -> Result<(), TopicError> {
    if text.bytes().all(|b| b == b'0') {
        return Ok(());
    }
    Err(TopicError::Generation {
        generation: quoted(text),
    })
}

#[cfg(test)]
mod tests;
