//! Which files to read: paths, folders (recursively `*.jsonl` and `*.log`, rotated and compressed ones too), glob patterns,
//! `-` for standard input; and log stores over HTTP, whose answers are kept in a folder of their own for the time of the run.

mod ahead;
mod compressed;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod headers;
mod http;
mod loki;
mod retry;
mod rotation;
mod source;
mod spool;
#[cfg(test)]
mod store_tests;
mod victorialogs;

use std::{
    collections::HashSet,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

pub use compressed::{FREE_EXPANDED_BYTES, MAX_EXPANDED_BYTES, MAX_EXPANSION};
pub(crate) use compressed::{expand, is_compressed, open};
pub use headers::{MAX_HEADER_BYTES, MAX_SOURCE_HEADERS, SecretArg};
pub use http::{CONNECT_TIMEOUT, FIRST_PAUSE, MAX_ATTEMPTS, MAX_ERROR_BYTES, READ_TIMEOUT};
pub use loki::{MAX_PAGE_BYTES, PAGE_LINES};
pub use retry::MAX_RETRY_AFTER;
use rotation::PartName;
pub use source::{Endpoint, SourceArgs, SourceError, StoreKind};
pub(crate) use spool::Spool;
pub use spool::{MAX_LABEL_BYTES, MAX_SOURCE_BYTES, MAX_STREAMS};
pub use victorialogs::MAX_ANSWER_LINE_BYTES;

/// Deepest folder that is searched: runs are kept a few levels deep, a loop of mounts is endless.
pub const MAX_FOLDER_DEPTH: usize = 64;

/// Endings of files taken from a folder; compressed ones have another behind.
const LOG_ENDINGS: [&str; 2] = ["jsonl", "log"];

/// Endings of compressed files.
const COMPRESSED_ENDINGS: [&str; 2] = ["gz", "zst"];

/// Why the inputs cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// No path was given.
    #[error("no input: give event logs, folders of them, or - for standard input")]
    None,
    /// A path does not exist, or a pattern matches nothing.
    #[error("no such file, folder or match: {0}")]
    Missing(String),
    /// A pattern that is not one.
    #[error("bad pattern {pattern:?}: {error}")]
    Pattern {
        /// The pattern as given.
        pattern: String,
        /// What is wrong with it.
        error: String,
    },
    /// A folder without a single log.
    #[error("no *.jsonl or *.log below {0}")]
    EmptyFolder(String),
    /// Something that is there and cannot be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The path.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// Stores and queries that do not fit together.
    #[error("{0}")]
    Sources(String),
    /// A log store that could not be read to the end.
    #[error("cannot read {name}: {error}")]
    Source {
        /// The store and the query.
        name: String,
        /// What went wrong.
        error: SourceError,
    },
}

/// One file to read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Input {
    /// What reports call it, where that is not its path: the answer of a log store lies in a temporary file.
    pub(crate) name: Option<String>,
    /// The path as given or found; `-` for standard input. Of a rotated log that of its last part.
    pub(crate) path: PathBuf,
    /// The earlier parts of a rotated log, oldest first.
    pub(crate) earlier: Vec<PathBuf>,
    /// Whether the user means it to be an event log: named by path or pattern, or ending in `.jsonl`.
    /// A `.log` that was found in a folder may well be of another program.
    pub(crate) meant: bool,
}

impl Input {
    /// A file called by its path.
    pub(crate) const fn file(path: PathBuf, meant: bool) -> Self {
        Self {
            name: None,
            path,
            earlier: Vec::new(),
            meant,
        }
    }

    /// The files it consists of, oldest first.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Path> {
        self.earlier.iter().chain([&self.path]).map(PathBuf::as_path)
    }

    /// The names of the parts of a rotated log; none where it is one file.
    pub(crate) fn shown_parts(&self) -> Vec<String> {
        let parts = self.parts().filter(|_| !self.earlier.is_empty());
        parts.map(|part| part.display().to_string()).collect()
    }

    /// Whether it is standard input.
    pub(crate) fn is_stdin(&self) -> bool {
        self.path == Path::new("-")
    }

    /// Opens it and takes compression off, all parts as one stream.
    pub(crate) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        if self.is_stdin() {
            return expand(io::stdin());
        }
        if self.earlier.is_empty() {
            return open(&self.path);
        }
        Ok(rotation::read_through(self.parts().map(Path::to_owned).collect()))
    }

    /// Whether it can be read again from its beginning: neither standard input nor a pipe or a device. What is not there
    /// says so when it is opened.
    pub(crate) fn is_repeatable(&self) -> bool {
        !self.is_stdin() && fs::metadata(&self.path).map_or(true, |there| there.is_file())
    }

    /// What reports and messages call it.
    pub(crate) fn shown(&self) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None if self.is_stdin() => "standard input".to_owned(),
            None => self.path.display().to_string(),
        }
    }
}

/// Bytes of the inputs, as far as their lengths are known.
pub(crate) fn total_bytes<'a>(inputs: impl IntoIterator<Item = &'a Input>) -> u64 {
    let length = |part: &Path| {
        let there = fs::metadata(part).ok().filter(|there| there.is_file());
        there.map_or(0, |there| there.len())
    };
    inputs.into_iter().flat_map(Input::parts).map(length).sum()
}

/// Resolves what the user gave into logs, in the order of their paths, each file once.
pub(crate) fn resolve(given: &[PathBuf]) -> Result<Vec<Input>, InputError> {
    Ok(find(given)?.logs)
}

/// What was found where the user pointed.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) logs: Vec<Input>,
    /// Files in folders that have not the name of a log, in the order of their paths.
    pub(crate) passed_over: Vec<PathBuf>,
}

/// Resolves what the user gave, and tells what was passed over.
pub(crate) fn find(given: &[PathBuf]) -> Result<Found, InputError> {
    if given.is_empty() {
        return Err(InputError::None);
    }
    let mut all = Found::default();
    for path in given {
        resolve_one(path, &mut all)?;
    }
    let Found {
        logs: mut found,
        mut passed_over,
    } = all;
    // Of two mentions of one file the one that means it wins.
    found.sort_by(|a, b| (&a.path, !a.meant).cmp(&(&b.path, !b.meant)));
    let mut by_place: Vec<(PathBuf, Input)> = found.into_iter().map(|input| (real_path(&input.path), input)).collect();
    by_place.sort_by(|(place_a, a), (place_b, b)| (place_a, !a.meant, &a.path).cmp(&(place_b, !b.meant, &b.path)));
    by_place.dedup_by(|(place, _), (kept, _)| place == kept);
    let inputs: Vec<Input> = by_place.into_iter().map(|(_, input)| input).collect();
    passed_over.sort();
    passed_over.dedup();
    // What was named itself is read all the same.
    let read: HashSet<&Path> = inputs.iter().map(|input| input.path.as_path()).collect();
    passed_over.retain(|path| !read.contains(path.as_path()));
    Ok(Found {
        logs: rotation::join_parts(inputs),
        passed_over,
    })
}

fn resolve_one(path: &Path, found: &mut Found) -> Result<(), InputError> {
    if path == Path::new("-") {
        found.logs.push(Input::file(path.to_owned(), true));
        return Ok(());
    }
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => folder(path, found),
        Ok(_) => {
            found.logs.push(Input::file(path.to_owned(), true));
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => pattern(path, found),
        Err(error) => Err(unreadable(path, error)),
    }
}

fn folder(path: &Path, found: &mut Found) -> Result<(), InputError> {
    let before = found.logs.len();
    walk(path, 0, found)?;
    if found.logs.len() == before {
        return Err(InputError::EmptyFolder(path.display().to_string()));
    }
    Ok(())
}

fn walk(path: &Path, depth: usize, found: &mut Found) -> Result<(), InputError> {
    for entry in fs::read_dir(path).map_err(|error| unreadable(path, error))? {
        let entry = entry.map_err(|error| unreadable(path, error))?;
        // The type of the entry itself: a link to a folder is not followed, so there are no loops.
        let kind = entry.file_type().map_err(|error| unreadable(&entry.path(), error))?;
        if kind.is_dir() && depth < MAX_FOLDER_DEPTH {
            walk(&entry.path(), depth + 1, found)?;
        } else if fs::metadata(entry.path()).is_ok_and(|there| there.is_file()) {
            match log_ending(&entry.path()) {
                Some(ending) => found.logs.push(Input::file(entry.path(), ending == "jsonl")),
                None => found.passed_over.push(entry.path()),
            }
        }
    }
    Ok(())
}

/// Which of [`LOG_ENDINGS`] a file has, rotated or not, compressed or not.
fn log_ending(path: &Path) -> Option<&'static str> {
    PartName::of(path)?.ending()
}

/// The name of a log file without what compression and rotation put behind it; `None` for what has no such name.
pub(crate) fn log_name(path: &Path) -> Option<&str> {
    Some(PartName::of(path)?.log)
}

fn pattern(path: &Path, found: &mut Found) -> Result<(), InputError> {
    let text = path.to_string_lossy();
    if !text.contains(['*', '?', '[']) {
        return Err(InputError::Missing(text.into_owned()));
    }
    let matches = glob::glob(&text).map_err(|error| InputError::Pattern {
        pattern: text.clone().into_owned(),
        error: error.msg.to_owned(),
    })?;
    let mut matched = HashSet::new();
    for path in matches {
        let path = path.map_err(|error| InputError::Unreadable {
            path: error.path().display().to_string(),
            error: error.into(),
        })?;
        matched.insert(path);
    }
    if matched.is_empty() {
        return Err(InputError::Missing(text.into_owned()));
    }
    for path in matched {
        if path.is_dir() {
            folder(&path, found)?;
        } else {
            found.logs.push(Input::file(path, true));
        }
    }
    Ok(())
}

fn real_path(path: &Path) -> PathBuf {
    if path == Path::new("-") {
        path.to_owned()
    } else {
        fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
    }
}

fn unreadable(path: &Path, error: io::Error) -> InputError {
    InputError::Unreadable {
        path: path.display().to_string(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("run/deep")).unwrap();
        for name in [
            "a.jsonl",
            "run/b.jsonl",
            "run/deep/c.log",
            "run/deep/notes.txt",
            "run/deep/notes.gz",
        ] {
            fs::write(root.path().join(name), "x\n").unwrap();
        }
        root
    }

    fn names(root: &Path, given: &[&str]) -> Result<Vec<String>, InputError> {
        let given: Vec<PathBuf> = given.iter().map(|name| root.join(name)).collect();
        let inputs = resolve(&given)?;
        let shown = |input: &Input| {
            let name = input.path.strip_prefix(root).unwrap().display().to_string();
            if input.meant { name } else { format!("({name})") }
        };
        Ok(inputs.iter().map(shown).collect())
    }

    #[test]
    fn folders_are_searched_recursively() {
        let root = tree();
        assert_eq!(
            names(root.path(), &[""]).unwrap(),
            ["a.jsonl", "run/b.jsonl", "(run/deep/c.log)"]
        );
    }

    #[test]
    fn compressed_logs_are_found_too() {
        let root = tree();
        fs::write(root.path().join("run/d.jsonl.zst"), "x").unwrap();
        fs::write(root.path().join("run/e.log.gz"), "x").unwrap();
        assert_eq!(
            names(root.path(), &["run"]).unwrap(),
            ["run/b.jsonl", "run/d.jsonl.zst", "(run/deep/c.log)", "(run/e.log.gz)"]
        );
    }

    #[test]
    fn a_file_twice_is_read_once() {
        let root = tree();
        let twice = names(
            root.path(),
            &["a.jsonl", "run/../a.jsonl", "*.jsonl", "run/deep", "run/deep/c.log"],
        )
        .unwrap();
        assert_eq!(twice.len(), 2, "{twice:?}");
        assert!(
            twice.contains(&"run/deep/c.log".to_owned()),
            "named beats found: {twice:?}"
        );
    }

    #[test]
    fn patterns_match() {
        let root = tree();
        assert_eq!(names(root.path(), &["**/*.jsonl"]).unwrap(), ["a.jsonl", "run/b.jsonl"]);
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let root = tree();
        assert!(matches!(
            names(root.path(), &["none.jsonl"]),
            Err(InputError::Missing(_))
        ));
        assert!(matches!(names(root.path(), &["*.none"]), Err(InputError::Missing(_))));
        assert!(matches!(names(root.path(), &["[a"]), Err(InputError::Pattern { .. })));
        assert!(matches!(resolve(&[]), Err(InputError::None)));
        fs::create_dir(root.path().join("bare")).unwrap();
        assert!(matches!(names(root.path(), &["bare"]), Err(InputError::EmptyFolder(_))));
    }

    #[cfg(unix)]
    #[test]
    fn a_loop_of_links_ends() {
        let root = tree();
        std::os::unix::fs::symlink(root.path(), root.path().join("run/loop")).unwrap();
        assert_eq!(names(root.path(), &[""]).unwrap().len(), 3);
    }
}
