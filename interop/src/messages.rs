//! Messages as another implementation had them: its bytes and the hash it computed from them.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use event_log::MessageHash;
use serde::Deserialize;
use waku::{WakuMessage, message_hash};

use crate::failure::Failure;

/// One line of a messages file.
#[derive(Debug, Deserialize)]
struct Line {
    hash: MessageHash,
    pubsub_topic: String,
    content_topic: String,
    timestamp_ns: i64,
    payload: String,
    meta: Option<String>,
    /// Which query of a store it answers; absent elsewhere.
    #[serde(default)]
    query: String,
}

/// How many copies of each message a party had, by query and hash.
pub(crate) type Copies = BTreeMap<String, BTreeMap<MessageHash, usize>>;

/// Reads what `party` wrote, and computes every hash again from the bytes. An equal hash is an equal payload, because
/// SHA-256 over it is what the hash is.
///
/// # Errors
/// [`Failure::HashDiffers`] when a hash is not that of the bytes; [`Failure::Read`] and [`Failure::Content`] when the
/// file is not what it should be.
pub(crate) fn read(party: &str, path: &Path) -> Result<Copies, Failure> {
    let unreadable = |source| Failure::Read {
        path: path.to_owned(),
        source,
    };
    let mut copies = Copies::new();
    for text in BufReader::new(File::open(path).map_err(unreadable)?).lines() {
        let text = text.map_err(unreadable)?;
        let (line, ours) = hashed(&text).map_err(|reason| Failure::Content {
            path: path.to_owned(),
            reason,
        })?;
        if line.hash != ours {
            return Err(Failure::HashDiffers {
                party: party.to_owned(),
                theirs: line.hash,
                ours,
            });
        }
        *copies.entry(line.query).or_default().entry(ours).or_default() += 1;
    }
    Ok(copies)
}

/// The line, and the hash of its bytes.
fn hashed(text: &str) -> Result<(Line, MessageHash), String> {
    let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let bytes = |text: &str| STANDARD.decode(text).map_err(|error| error.to_string());
    let mut message = WakuMessage::new(bytes(&line.payload)?, line.content_topic.as_str(), line.timestamp_ns);
    if let Some(meta) = &line.meta {
        message = message.with_meta(bytes(meta)?);
    }
    let ours = MessageHash(message_hash(&line.pubsub_topic, &message).into());
    Ok((line, ours))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

    use std::io::Write;

    use super::*;

    /// The first test vector of RFC 14.
    const VECTOR: &str = r#"{"hash":"0x64cce733fed134e83da02b02c6f689814872b1a0ac97ea56b76095c3c72bfe05","pubsub_topic":"/waku/2/default-waku/proto","content_topic":"/waku/2/default-content/proto","timestamp_ns":1681964442000000000,"payload":"AQIDBFRFU1QFBgcI","meta":"c3VwZXItc2VjcmV0"}"#;

    fn written(lines: &[&str]) -> Result<Copies, Failure> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{}", lines.join("\n")).unwrap();
        read("js", file.path())
    }

    #[test]
    fn copies_are_counted_by_query() {
        let with_query = VECTOR.replace(r#"{"hash"#, r#"{"query":"forward","hash"#);
        let copies = written(&[VECTOR, VECTOR, &with_query]).unwrap();
        let counts = |query: &str| copies[query].values().copied().collect::<Vec<_>>();
        assert_eq!((counts(""), counts("forward")), (vec![2], vec![1]));
    }

    #[test]
    fn one_other_byte_in_the_payload_is_found() {
        let other = VECTOR.replace("AQIDBFRFU1QFBgcI", "AQIDBFRFU1QG");
        assert!(matches!(written(&[&other]), Err(Failure::HashDiffers { .. })));
    }

    #[test]
    fn a_line_that_is_no_message_is_named() {
        assert!(matches!(written(&["{}"]), Err(Failure::Content { .. })));
        let no_hash = VECTOR.replace("0x64cce7", "0xzz");
        assert!(matches!(written(&[&no_hash]), Err(Failure::Content { .. })));
    }
}
