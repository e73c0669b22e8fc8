//! Keeps what log stores answer in files while the tracer runs: a log is read more than once.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use event_log::Timestamp;
use tempfile::TempDir;

use super::{
    Found, Input, InputError, find,
    http::{Http, Settings},
    loki,
    source::{Source, SourceArgs, SourceError, StoreKind},
    victorialogs,
};
use crate::progress::Progress;

/// Most streams of one query: ten times the largest simulation.
pub const MAX_STREAMS: usize = 10_000;

/// Longest labels of a stream, bytes.
pub const MAX_LABEL_BYTES: usize = 8 << 10;

/// Most bytes kept of one query.
pub const MAX_SOURCE_BYTES: u64 = 256 << 30;

/// Bytes of all streams together that wait in memory: files are opened to append, not held open, so that the number of
/// streams is not bound by that of open files.
const BUFFER_BYTES: usize = 64 << 20;

/// What the stores answered. The files are removed when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Spool {
    folder: Option<TempDir>,
    /// In the order of their names. They are known to this process alone: nothing in a folder makes it a spool, because
    /// anybody may put a file into a folder of logs.
    logs: Vec<Input>,
}

impl Spool {
    /// Asks all stores.
    ///
    /// # Errors
    /// [`InputError::Sources`] when the arguments contradict each other, [`InputError::Unreadable`] when the file of a
    /// header cannot be read, [`InputError::Source`] when a store cannot be read to the end.
    pub(crate) fn fetch(args: &SourceArgs) -> Result<Self, InputError> {
        if args.sources.is_empty() {
            return Ok(Self::default());
        }
        let (sources, headers) = args.check()?;
        let http = Http::new(Settings::new(headers)).map_err(|error| failed(&sources[0].name(), error))?;
        Self::fetch_with(&http, &sources)
    }

    pub(super) fn fetch_with(http: &Http, sources: &[Source]) -> Result<Self, InputError> {
        let temporary = || tempfile::Builder::new().prefix("tracer-").tempdir();
        let folder = temporary().map_err(|error| failed(&sources[0].name(), error.into()))?;
        let mut logs = Vec::new();
        for (number, source) in (1..).zip(sources) {
            let fetched = fetch_one(http, source, folder.path(), number);
            let streams = fetched.map_err(|error| failed(&source.name(), error))?;
            // Two stores may give the same answer to the same query.
            let repeats = sources[..number - 1]
                .iter()
                .filter(|before| before.name() == source.name());
            let store = match repeats.count() {
                0 => String::new(),
                before => format!(" (store {})", before + 1),
            };
            for (file, labels) in streams {
                logs.push(Input {
                    name: Some(format!("{}{store} {labels}", source.name())),
                    path: folder.path().join(file),
                    earlier: Vec::new(),
                    meant: true,
                });
            }
        }
        logs.sort();
        Ok(Self {
            folder: Some(folder),
            logs,
        })
    }

    /// The inputs: the files given, and the answers.
    ///
    /// # Errors
    /// Those of [`find`].
    pub(crate) fn resolve(&self, given: &[PathBuf]) -> Result<Vec<Input>, InputError> {
        Ok(self.find(given)?.logs)
    }

    /// The inputs, and what was passed over.
    ///
    /// # Errors
    /// Those of [`find`].
    pub(crate) fn find(&self, given: &[PathBuf]) -> Result<Found, InputError> {
        // Without a file there is something to read all the same.
        let mut found = if given.is_empty() && self.folder.is_some() {
            Found::default()
        } else {
            find(given)?
        };
        found.logs.extend_from_slice(&self.logs);
        Ok(found)
    }
}

fn failed(name: &str, error: SourceError) -> InputError {
    InputError::Source {
        name: name.to_owned(),
        error,
    }
}

/// File name and labels of each stream.
pub(super) type StreamFiles = Vec<(String, String)>;

fn fetch_one(http: &Http, source: &Source, folder: &Path, number: usize) -> Result<StreamFiles, SourceError> {
    let mut streams = Streams::new(folder.join(number.to_string()))?;
    let progress = Progress::new(format!("fetching {}", source.endpoint.kind.name()), 0);
    match source.endpoint.kind {
        StoreKind::VictoriaLogs => victorialogs::fetch(http, source, &mut streams, &progress)?,
        StoreKind::Loki => loki::fetch(http, source, &mut streams, &progress)?,
    }
    let files = streams.finish()?;
    if files.is_empty() {
        return Err(SourceError::Empty);
    }
    Ok(files
        .into_iter()
        .map(|(file, labels)| (format!("{number}/{file}"), labels))
        .collect())
}

/// The streams of one query, a file each.
#[derive(Debug)]
pub(super) struct Streams {
    folder: PathBuf,
    by_labels: BTreeMap<String, Stream>,
    waiting_bytes: usize,
    total_bytes: u64,
}

#[derive(Debug)]
struct Stream {
    file: String,
    waiting: Vec<u8>,
    last: Option<Timestamp>,
}

impl Streams {
    pub(super) fn new(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir(&folder)?;
        Ok(Self {
            folder,
            by_labels: BTreeMap::new(),
            waiting_bytes: 0,
            total_bytes: 0,
        })
    }

    /// Forgets everything, for another attempt.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        fs::remove_dir_all(&self.folder)?;
        *self = Self::new(std::mem::take(&mut self.folder))?;
        Ok(())
    }

    /// Adds a line to the stream of these labels. Line breaks in it become spaces: it stays one line.
    pub(super) fn add(&mut self, labels: &str, time: Timestamp, line: &[u8]) -> Result<(), SourceError> {
        if !self.by_labels.contains_key(labels) {
            self.begin(labels)?;
        }
        let stream = self.by_labels.get_mut(labels).expect("it was put there if it was not");
        // The parts of an event log are told apart by their order; a node's log is not.
        let is_event = line.trim_ascii_start().starts_with(b"{\"v\":");
        if is_event && stream.last.is_some_and(|last| time < last) {
            return Err(SourceError::Disorder(labels.to_owned()));
        }
        stream.last = stream.last.max(Some(time));
        let line = line.trim_ascii_end();
        let from = stream.waiting.len();
        stream.waiting.extend_from_slice(line);
        let mut rest = &mut stream.waiting[from..];
        while let Some(at) = memchr::memchr2(b'\n', b'\r', rest) {
            rest[at] = b' ';
            rest = &mut rest[at + 1..];
        }
        stream.waiting.push(b'\n');
        self.waiting_bytes += line.len() + 1;
        self.total_bytes += line.len() as u64 + 1;
        if self.total_bytes > MAX_SOURCE_BYTES {
            return Err(SourceError::TooMuch {
                what: "bytes of lines",
                limit: MAX_SOURCE_BYTES,
            });
        }
        if self.waiting_bytes > BUFFER_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn begin(&mut self, labels: &str) -> Result<(), SourceError> {
        let too_much = |what, limit: usize| SourceError::TooMuch {
            what,
            limit: limit as u64,
        };
        if labels.len() > MAX_LABEL_BYTES {
            return Err(too_much("bytes of labels of one stream", MAX_LABEL_BYTES));
        }
        if self.by_labels.len() == MAX_STREAMS {
            return Err(too_much("streams", MAX_STREAMS));
        }
        let stream = Stream {
            file: format!("{}.log", self.by_labels.len()),
            waiting: Vec::new(),
            last: None,
        };
        self.by_labels.insert(labels.to_owned(), stream);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        for stream in self.by_labels.values_mut().filter(|stream| !stream.waiting.is_empty()) {
            let mut file = File::options()
                .create(true)
                .append(true)
                .open(self.folder.join(&stream.file))?;
            file.write_all(&stream.waiting)?;
            stream.waiting = Vec::new();
        }
        self.waiting_bytes = 0;
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<StreamFiles> {
        self.flush()?;
        let files = self.by_labels.into_iter().map(|(labels, stream)| (stream.file, labels));
        Ok(files.collect())
    }
}
