//! Reads the logs into an [`Archive`], counting every line that is not an event.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
};

use event_log::{Event, LineError, Record, reader::READ_BUFFER_BYTES};

use crate::{
    collect::Collector,
    input::{Input, InputError},
    model::{Archive, Log},
};

/// Reads all inputs.
pub(crate) fn load(inputs: &[Input]) -> Result<Archive, InputError> {
    let mut archive = Archive::default();
    for input in inputs {
        let path = input.path.display().to_string();
        let read = if path == "-" {
            load_one(
                &mut archive,
                "standard input",
                input.meant,
                BufReader::new(io::stdin().lock()),
            )
        } else {
            File::open(&input.path).and_then(|file| {
                load_one(
                    &mut archive,
                    &path,
                    input.meant,
                    BufReader::with_capacity(READ_BUFFER_BYTES, file),
                )
            })
        };
        read.map_err(|error| InputError::Unreadable { path, error })?;
    }
    archive.logs.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(archive)
}

/// Reads one stream. Each further `run_started` begins a log of its own.
pub(crate) fn load_one(archive: &mut Archive, path: &str, meant: bool, input: impl BufRead) -> io::Result<()> {
    let new_log = |part: usize| {
        let path = if part == 1 {
            path.to_owned()
        } else {
            format!("{path}#{part}")
        };
        Log {
            path,
            meant,
            ..Log::default()
        }
    };
    let mut parts = 1;
    let mut log = new_log(parts);
    let mut collector = Collector {
        symbols: &mut archive.symbols,
        hashes: &mut archive.hashes,
    };
    for line in event_log::read_log(input) {
        let line = line?;
        match line.record {
            Ok(record) => {
                if log.header.is_some() && matches!(record.event, Event::RunStarted(_)) {
                    parts += 1;
                    archive.logs.push(std::mem::replace(&mut log, new_log(parts)));
                }
                add(&mut collector, &mut log, &record);
            }
            Err(error) => {
                log.lines.torn_line |= line.torn;
                count(&mut log, &error);
            }
        }
    }
    archive.logs.push(log);
    Ok(())
}

fn add(collector: &mut Collector<'_>, log: &mut Log, record: &Record) {
    log.lines.events += 1;
    collector.add(log, record);
}

fn count(log: &mut Log, error: &LineError) {
    let lines = &mut log.lines;
    let counter = match error {
        LineError::NotAnObject => &mut lines.other_text,
        LineError::UnknownEvent(_) => &mut lines.unknown_events,
        LineError::NotAnEvent(_) => &mut lines.not_an_event,
        LineError::WrongVersion(_) => &mut lines.wrong_version,
        LineError::BadFields { .. } => &mut lines.bad_fields,
        LineError::NotJson(_) | LineError::TooLong | LineError::NotUtf8 { .. } | LineError::Nul { .. } => {
            &mut lines.damaged
        }
    };
    *counter += 1;
}
