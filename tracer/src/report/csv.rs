//! The report as a folder of tables: `received.csv` and `sent.csv` begin with the columns of Vac DST's analyzer
//! (vacp2p/10ksim, `summary/`), so that its plots read them; `lost.csv` lists the lost messages.

use std::{
    fs,
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use event_log::{Event, Timestamp, event::Role, reader::READ_BUFFER_BYTES};

use super::{Report, escape};
use crate::{input, series::LostMessage};

/// Columns of `received.csv`: the analyzer's five, then ours.
const RECEIVED: [&str; 9] = [
    "shard",
    "msg_hash",
    "timestamp",
    "receiver_peer_id",
    "sender_peer_id",
    "delayMs",
    "receiver",
    "sender",
    "index",
];

/// Columns of `sent.csv`: the analyzer's five, then ours.
const SENT: [&str; 8] = [
    "shard",
    "msg_hash",
    "timestamp",
    "sender_peer_id",
    "receiver_peer_id",
    "sender",
    "index",
    "attempt",
];

/// Columns of `lost.csv`.
const LOST: [&str; 7] = [
    "receiver",
    "sender",
    "index",
    "place",
    "msg_hash",
    "intended",
    "service_node",
];

/// A row, beginning with what it is sorted by: rows do not depend on the order of lines and files.
type Row = (i64, Vec<String>);

/// Writes the tables into `folder`, which is made if need be. The logs are read again: the report has no single
/// deliveries.
pub(super) fn write_csv(folder: &Path, report: &Report, logs: &[PathBuf]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("lost.csv"), lost_csv(report))?;
    let inputs = input::resolve(logs).map_err(io::Error::other)?;
    let (mut received, mut sent) = (Vec::new(), Vec::new());
    for input in &inputs {
        if input.path == Path::new("-") {
            let text = "received.csv and sent.csv are made by reading the logs again, and standard input cannot be";
            return Err(io::Error::other(text));
        }
        let used = |part: usize| {
            let path = input.shown();
            let path = if part == 1 { path } else { format!("{path}#{part}") };
            report.logs.iter().any(|log| log.used && log.path == path)
        };
        let file = BufReader::with_capacity(READ_BUFFER_BYTES, input::open(&input.path)?);
        read(file, used, &mut received, &mut sent)?;
    }
    fs::write(folder.join("received.csv"), table(&RECEIVED, received)?)?;
    fs::write(folder.join("sent.csv"), table(&SENT, sent)?)
}

/// The lost messages of a report.
pub(super) fn lost_csv(report: &Report) -> String {
    let row = |(place, lost): (usize, &LostMessage)| {
        let cells = vec![
            lost.receiver.clone().unwrap_or_default(),
            lost.sender.clone(),
            lost.index.to_string(),
            lost.place.describe().to_owned(),
            lost.hash.to_string(),
            show_time(lost.intended),
            lost.service_node.clone().unwrap_or_default(),
        ];
        (i64::try_from(place).unwrap_or(i64::MAX), cells)
    };
    let rows = report.lost_messages.listed.iter().enumerate().map(row).collect();
    table(&LOST, rows).expect("writing into memory does not fail")
}

/// The log at hand while its lines are read.
#[derive(Default)]
struct Reading {
    role: Option<Role>,
    node: String,
    /// Peer id and name of each client.
    clients: std::collections::BTreeMap<u32, (String, String)>,
    shard: String,
    received: Vec<(i64, u32, Vec<String>)>,
    sent: Vec<(i64, String, Vec<String>)>,
}

fn read(
    file: impl io::BufRead,
    used: impl Fn(usize) -> bool,
    received: &mut Vec<Row>,
    sent: &mut Vec<Row>,
) -> io::Result<()> {
    let mut part = 1;
    let mut reading = Reading::default();
    let mut finish = |reading: Reading, part: usize| {
        if used(part) {
            reading.finish(received, sent);
        }
    };
    for line in event_log::read_log(file) {
        let Ok(record) = line?.record else { continue };
        if matches!(record.event, Event::RunStarted(_)) && reading.role.is_some() {
            finish(std::mem::take(&mut reading), part);
            part += 1;
        }
        reading.add(record.time, &record.event);
    }
    finish(reading, part);
    Ok(())
}

impl Reading {
    fn add(&mut self, time: Timestamp, event: &Event) {
        match event {
            Event::RunStarted(started) => {
                self.role = Some(started.role);
                self.node.clone_from(&started.node);
            }
            Event::ClientStarted(client) => {
                self.clients
                    .insert(client.client, (client.peer_id.clone(), client.name.clone()));
            }
            Event::Subscribed(e) => self.shard = shard(&e.pubsub_topic).to_owned(),
            Event::PublishAttempt(e) => {
                let (index, attempt) = (e.index.to_string(), e.attempt.to_string());
                let shard = shard(&e.pubsub_topic).to_owned();
                let row = vec![shard, e.hash.to_string(), show_time(e.sent), String::new()];
                let rest = [e.service_node.clone(), e.sender.clone(), index, attempt];
                self.sent.push((
                    e.sent.unix_ns(),
                    e.sender.clone(),
                    row.into_iter().chain(rest).collect(),
                ));
            }
            Event::Received(e) => {
                let delay_ms = e.sent.map_or(String::new(), |sent| {
                    let delay_ns = time.unix_ns().saturating_sub(sent.unix_ns());
                    format!("{:.3}", delay_ns as f64 / 1e6)
                });
                let row = vec![String::new(), e.hash.to_string(), show_time(time), String::new()];
                let rest = [
                    e.service_node.clone(),
                    delay_ms,
                    String::new(),
                    e.sender.clone(),
                    e.index.to_string(),
                ];
                self.received
                    .push((time.unix_ns(), e.client, row.into_iter().chain(rest).collect()));
            }
            _ => {}
        }
    }

    /// Fills in what other lines of the log say about the clients, wherever those lines stand.
    fn finish(self, received: &mut Vec<Row>, sent: &mut Vec<Row>) {
        for (at_ns, client, mut row) in self.received {
            let (peer_id, name) = self
                .clients
                .get(&client)
                .cloned()
                .unwrap_or_else(|| (String::new(), format!("{}/{client}", self.node)));
            row[0].clone_from(&self.shard);
            (row[3], row[6]) = (peer_id, name);
            received.push((at_ns, row));
        }
        for (at_ns, sender, mut row) in self.sent {
            let client = self.clients.values().find(|(_, name)| *name == sender);
            row[3] = client.map(|(peer_id, _)| peer_id.clone()).unwrap_or_default();
            sent.push((at_ns, row));
        }
    }
}

/// The shard of a pubsub topic `/waku/2/rs/<cluster>/<shard>`; the whole topic when it has another form.
fn shard(pubsub_topic: &str) -> &str {
    let shard = pubsub_topic
        .strip_prefix("/waku/2/rs/")
        .and_then(|rest| rest.split_once('/'));
    shard.map_or(pubsub_topic, |(_, shard)| shard)
}

/// A time as pandas reads it: UTC without a zone.
fn show_time(time: Timestamp) -> String {
    time.to_string().trim_end_matches('Z').replacen('T', " ", 1)
}

fn table(head: &[&str], mut rows: Vec<Row>) -> io::Result<String> {
    rows.sort();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(head)?;
    for (_, row) in &rows {
        writer.write_record(row.iter().map(|cell| guard(cell)))?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| io::Error::other(error.to_string()))?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// Keeps a spreadsheet from taking a cell for a formula, and a terminal from obeying it. Numbers stay numbers.
fn guard(cell: &str) -> String {
    let safe = escape(cell);
    let is_number = safe.parse::<f64>().is_ok();
    if !is_number && safe.trim_start().starts_with(['=', '+', '-', '@']) {
        return format!("'{safe}");
    }
    safe.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text_and_numbers_stay() {
        for (cell, safe) in [
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            (" @SUM(A1)", "' @SUM(A1)"),
            ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
            ("-1.5", "-1.5"),
            ("a\tb\u{1b}", "a\\u{9}b\\u{1b}"),
            ("plain", "plain"),
        ] {
            assert_eq!(guard(cell), safe);
        }
    }

    #[test]
    fn shards_are_the_last_part_of_a_static_topic() {
        assert_eq!(shard("/waku/2/rs/16/32"), "32");
        assert_eq!(shard("/waku/2/default-waku/proto"), "/waku/2/default-waku/proto");
    }
}
