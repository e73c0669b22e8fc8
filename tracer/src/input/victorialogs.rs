//! VictoriaLogs: one query, answered line by line until its end
//! (<https://docs.victoriametrics.com/victorialogs/querying/#querying-logs>).

use std::io::{BufRead, BufReader, Read};

use event_log::{MAX_LINE_BYTES, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::{
    http::Http,
    source::{Source, SourceError},
    spool::Streams,
};
use crate::progress::Progress;

/// Longest line of an answer: a log line whose every byte is escaped, and its fields.
pub const MAX_ANSWER_LINE_BYTES: usize = 6 * MAX_LINE_BYTES + (1 << 20);

/// What every line has.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "_msg")]
    text: Option<String>,
    #[serde(rename = "_time")]
    time: Timestamp,
    #[serde(rename = "_stream")]
    stream: String,
}

pub(super) fn fetch(
    http: &Http,
    source: &Source,
    streams: &mut Streams,
    progress: &Progress,
) -> Result<(), SourceError> {
    let url = source.endpoint.api("select/logsql/query");
    let mut form = vec![("query", source.query.clone())];
    form.extend(source.start.map(|start| ("start", start.to_string())));
    form.extend(source.end.map(|end| ("end", end.to_string())));
    http.attempt(|| {
        streams.clear()?;
        let answer = progress.counting_at_once(http.post(&url, &form)?);
        read(BufReader::new(answer), source.end, streams)
    })
}

pub(super) fn read(mut answer: impl BufRead, end: Option<Timestamp>, streams: &mut Streams) -> Result<(), SourceError> {
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let limit_bytes = MAX_ANSWER_LINE_BYTES as u64 + 1;
        let read = answer.by_ref().take(limit_bytes).read_until(b'\n', &mut line);
        if read.map_err(|error| SourceError::Connection(format!("the answer broke off: {error}")))? == 0 {
            break;
        }
        if line.len() > MAX_ANSWER_LINE_BYTES {
            return Err(SourceError::TooMuch {
                what: "bytes in one line",
                limit: MAX_ANSWER_LINE_BYTES as u64,
            });
        }
        let whole = line.trim_ascii();
        if whole.is_empty() {
            continue;
        }
        let parsed: Line = serde_json::from_slice(whole).map_err(|error| {
            SourceError::Answer(format!(
                "VictoriaLogs gives, line {number}: {error}; the query must keep _msg, _time and _stream"
            ))
        })?;
        // Whether `end` itself is included depends on the version; here it is not, as with Loki.
        if end.is_some_and(|end| parsed.time >= end) {
            continue;
        }
        streams.add(&parsed.stream, parsed.time, inner(&parsed, whole))?;
    }
    Ok(())
}

/// The line to keep: JSON that was stored as text is what a program wrote; of anything else the fields around the text
/// may be its values.
fn inner<'a>(parsed: &'a Line, whole: &'a [u8]) -> &'a [u8] {
    match &parsed.text {
        Some(text) if text.trim_start().starts_with('{') && !is_taken_apart(whole) => text.as_bytes(),
        _ => whole,
    }
}

/// Whether the fields are those of a line of nwaku.
fn is_taken_apart(whole: &[u8]) -> bool {
    serde_json::from_slice::<Value>(whole).is_ok_and(|line| line.get("lvl").is_some())
}
