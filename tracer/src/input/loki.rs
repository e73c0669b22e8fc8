//! Loki: a range of time, page after page
//! (<https://grafana.com/docs/loki/latest/reference/loki-http-api/#query-logs-within-a-range-of-time>).

use std::{
    collections::{BTreeMap, HashMap},
    io::{BufReader, Read as _},
};

use event_log::Timestamp;
use reqwest::Url;
use serde::{Deserialize, de::IgnoredAny};

use super::{
    http::Http,
    source::{Source, SourceError},
    spool::Streams,
};
use crate::progress::Progress;

/// Lines asked for at once; Loki allows 5,000 unless it is told otherwise (`max_entries_limit_per_query`).
pub const PAGE_LINES: usize = 2_000;

/// Most bytes of a page, which is held in memory.
pub const MAX_PAGE_BYTES: u64 = 128 << 20;

#[derive(Deserialize)]
struct Answer {
    status: String,
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Vec<Stream>,
}

#[derive(Deserialize)]
struct Stream {
    stream: BTreeMap<String, String>,
    values: Vec<Entry>,
}

/// Time in nanoseconds, line, metadata.
#[derive(Deserialize)]
struct Entry(
    String,
    String,
    #[serde(default)]
    #[expect(dead_code, reason = "read past, and there from Loki 3 on alone")]
    Option<IgnoredAny>,
);

/// A line of a page.
pub(super) struct Line {
    pub(super) time_ns: i64,
    labels: String,
    text: String,
}

/// How often each line of the latest nanosecond has been taken, by labels and text.
pub(super) type Seen = HashMap<(String, String), usize>;

pub(super) fn fetch(
    http: &Http,
    source: &Source,
    streams: &mut Streams,
    progress: &Progress,
) -> Result<(), SourceError> {
    let url = source.endpoint.api("loki/api/v1/query_range");
    let mut from_ns = source.start.map_or(0, Timestamp::unix_ns);
    let end_ns = source.end.unwrap_or_else(Timestamp::now).unix_ns();
    let mut seen = Seen::new();
    loop {
        let form = [
            ("query", source.query.clone()),
            ("start", from_ns.to_string()),
            ("end", end_ns.to_string()),
            ("limit", PAGE_LINES.to_string()),
            ("direction", "forward".to_owned()),
        ];
        progress.next_page();
        let page = http.attempt(|| page(http, &url, &form, progress))?;
        let count = page.len();
        if let Some(line) = page.iter().find(|line| !(from_ns..end_ns).contains(&line.time_ns)) {
            let text = format!("was asked for: a line of {} ns outside of its range", line.time_ns);
            return Err(SourceError::Answer(text));
        }
        let (new, latest_ns) = take_new(page, from_ns, &mut seen, streams)?;
        if new == 0 {
            // A full page of one nanosecond hides what comes behind it.
            return if count < PAGE_LINES {
                Ok(())
            } else {
                Err(SourceError::TooMuch {
                    what: "lines in one nanosecond",
                    limit: PAGE_LINES as u64,
                })
            };
        }
        from_ns = latest_ns;
    }
}

/// One page, see [`lines`].
fn page(http: &Http, url: &Url, form: &[(&str, String)], progress: &Progress) -> Result<Vec<Line>, SourceError> {
    let mut body = Vec::new();
    let answer = BufReader::new(progress.counting_at_once(http.post(url, form)?))
        .take(MAX_PAGE_BYTES + 1)
        .read_to_end(&mut body);
    answer.map_err(|error| SourceError::Connection(format!("the answer broke off: {error}")))?;
    if body.len() as u64 > MAX_PAGE_BYTES {
        return Err(SourceError::TooMuch {
            what: "bytes in one page",
            limit: MAX_PAGE_BYTES,
        });
    }
    lines(&body)
}

/// The lines of an answer in the order of time; equal times stay in the order of their stream.
pub(super) fn lines(body: &[u8]) -> Result<Vec<Line>, SourceError> {
    let wrong = |text: String| SourceError::Answer(format!("Loki gives: {text}"));
    let answer: Answer = serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))?;
    if answer.status != "success" || answer.data.result_type != "streams" {
        let text = format!("{} of {}, not lines", answer.status, answer.data.result_type);
        return Err(wrong(text));
    }
    let mut lines = Vec::new();
    for Stream { stream, values } in answer.data.result {
        let labels = show_labels(&stream);
        for Entry(time, text, _) in values {
            let time_ns = time.parse().map_err(|_| wrong(format!("the time {time:?}")))?;
            let labels = labels.clone();
            lines.push(Line { time_ns, labels, text });
        }
    }
    lines.sort_by_key(|line| line.time_ns);
    Ok(lines)
}

fn show_labels(labels: &BTreeMap<String, String>) -> String {
    let shown: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value:?}")).collect();
    format!("{{{}}}", shown.join(","))
}

/// Adds the lines that the pages before did not have; how many, and the latest time.
pub(super) fn take_new(
    page: Vec<Line>,
    from_ns: i64,
    seen: &mut Seen,
    streams: &mut Streams,
) -> Result<(usize, i64), SourceError> {
    let latest_ns = page.last().map_or(from_ns, |line| line.time_ns);
    let (mut new, mut again, mut next) = (0, Seen::new(), Seen::new());
    for line in page {
        let key = (line.labels, line.text);
        let is_old = line.time_ns == from_ns && {
            let count = again.entry(key.clone()).or_default();
            *count += 1;
            seen.get(&key).is_some_and(|before| *count <= *before)
        };
        if !is_old {
            new += 1;
            streams.add(&key.0, Timestamp::from_unix_ns(line.time_ns), key.1.as_bytes())?;
        }
        if line.time_ns == latest_ns {
            *next.entry(key).or_default() += 1;
        }
    }
    *seen = next;
    Ok((new, latest_ns))
}
