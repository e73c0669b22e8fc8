//! Logs that were rotated: which files are parts of one log, and in which order they were written.
//!
//! `node.log.2.gz`, `node.log.1`, `node.log` (logrotate, docker: the higher the number the older), `node.log-20261128.gz`
//! (logrotate with dates) and `0.log.20261128-101112.gz`, `0.log` (kubelet) are read as the one log that they were. A
//! part that begins with the `run_started` of an event log begins a log of its own.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{COMPRESSED_ENDINGS, Input, LOG_ENDINGS, open};

/// Digits from which on a number behind the ending is a time (a date, seconds of the epoch) and no rotation number.
const MIN_TIME_DIGITS: usize = 8;

/// Bytes of a part in which its first event is looked for.
const HEAD_BYTES: u64 = 64 * 1024;

/// When a part was written, in the order of writing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Age {
    /// What was rotated by date, by the digits of the time.
    Dated(String),
    /// What was rotated by number.
    Numbered(Reverse<u64>),
    /// What is, or was, written last.
    Current,
}

/// The name of a log without what rotation and compression put behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartName<'a> {
    /// `node.log` of `node.log.2.gz`.
    pub(super) log: &'a str,
    pub(super) age: Age,
    /// The name without the ending of compression.
    bare: &'a str,
    is_compressed: bool,
}

impl<'a> PartName<'a> {
    /// `None` for what has not the name of a log.
    pub(super) fn of(path: &'a Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let stripped = COMPRESSED_ENDINGS
            .iter()
            .find_map(|ending| name.strip_suffix(ending)?.strip_suffix('.'));
        let bare = stripped.unwrap_or(name);
        let is_log = |name: &str| ending_of(name).is_some();
        // Only digits and what stands between them may be taken off, so the last ending that is left decides.
        let end = bare.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '_' | 'T' | 'Z' | ':'));
        let (log, age) = if is_log(bare) {
            (bare, Age::Current)
        } else if is_log(end) {
            (end, age_of(&bare[end.len()..])?)
        } else {
            return None;
        };
        let is_compressed = stripped.is_some();
        Some(Self {
            log,
            age,
            bare,
            is_compressed,
        })
    }

    /// Which of [`LOG_ENDINGS`] it has.
    pub(super) fn ending(&self) -> Option<&'static str> {
        ending_of(self.log)
    }
}

fn ending_of(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    LOG_ENDINGS.iter().copied().find(|known| *known == ending)
}

/// What stands behind the ending: a dot or a hyphen, and a number or a time.
fn age_of(suffix: &str) -> Option<Age> {
    let text = suffix.strip_prefix(['.', '-'])?;
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.len() >= MIN_TIME_DIGITS {
        return Some(Age::Dated(digits));
    }
    text.parse().ok().map(|number| Age::Numbered(Reverse(number)))
}

/// A file that may be a part of a log.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    age: Age,
    bare: String,
    is_compressed: bool,
    input: Input,
}

/// Puts parts of one log together; each log in the place of its last part.
pub(super) fn join_parts(inputs: Vec<Input>) -> Vec<Input> {
    let mut by_log: BTreeMap<(PathBuf, String), Vec<Part>> = BTreeMap::new();
    let mut joined = Vec::with_capacity(inputs.len());
    for input in inputs {
        let Some(name) = PartName::of(&input.path).filter(|_| input.name.is_none()) else {
            joined.push(input);
            continue;
        };
        let folder = input.path.parent().map(Path::to_owned).unwrap_or_default();
        let parts = by_log.entry((folder, name.log.to_owned())).or_default();
        let (age, bare, is_compressed) = (name.age, name.bare.to_owned(), name.is_compressed);
        parts.push(Part {
            age,
            bare,
            is_compressed,
            input,
        });
    }
    by_log.into_values().for_each(|parts| join_files(parts, &mut joined));
    joined.sort();
    joined
}

/// Puts the files of one log into their order and together.
fn join_files(mut parts: Vec<Part>, joined: &mut Vec<Input>) {
    // A pipe is read once, and not to look at it.
    if parts.len() > 1 && !parts.iter().all(|part| part.input.path.is_file()) {
        return joined.extend(parts.into_iter().map(|part| part.input));
    }
    parts.sort();
    // Of the current part both forms are read, as two logs; of a rotated one the compressed form is a copy.
    parts.dedup_by(|later, kept| later.bare == kept.bare && later.age != Age::Current);
    while let [.., last, _] = parts.as_slice()
        && last.age == Age::Current
    {
        joined.extend(parts.pop().map(|part| part.input));
    }
    join(parts.into_iter().map(|part| part.input).collect(), joined);
}

/// Puts the parts, oldest first, together up to each that begins a log of its own.
fn join(mut parts: Vec<Input>, joined: &mut Vec<Input>) {
    if parts.len() < 2 {
        return joined.append(&mut parts);
    }
    let mut log: Option<Input> = None;
    let mut is_empty = true;
    for mut part in parts {
        let head = head(&part.path);
        match log.take() {
            Some(earlier) if !is_empty && begins_a_run(&head) => joined.push(earlier),
            Some(mut earlier) => {
                part.earlier = std::mem::take(&mut earlier.earlier);
                part.earlier.push(earlier.path);
                part.meant |= earlier.meant;
            }
            None => {}
        }
        // A log that was rotated before anything was written to it is none.
        is_empty = head.is_empty() && (is_empty || part.earlier.is_empty());
        log = Some(part);
    }
    joined.extend(log);
}

/// The beginning of a file; what cannot be read says so when its turn comes.
fn head(path: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    let _ = open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    head
}

/// Whether the first event in it is a `run_started`.
fn begins_a_run(head: &[u8]) -> bool {
    let first = head.split(|byte| *byte == b'\n').find(|line| line.starts_with(b"{"));
    first.is_some_and(|line| memchr::memmem::find(line, b"\"run_started\"").is_some())
}

/// Reads the parts of one log as one stream.
pub(super) fn read_through(parts: Vec<PathBuf>) -> Box<dyn Read + Send> {
    Box::new(Through {
        parts: parts.into_iter(),
        part: None,
        ends_line: true,
    })
}

struct Through {
    parts: std::vec::IntoIter<PathBuf>,
    part: Option<Box<dyn Read + Send>>,
    /// Whether nothing was read, or a newline last.
    ends_line: bool,
}

impl Read for Through {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(part) = &mut self.part {
                let read_bytes = part.read(buffer)?;
                if read_bytes > 0 {
                    self.ends_line = buffer[read_bytes - 1] == b'\n';
                    return Ok(read_bytes);
                }
                if buffer.is_empty() {
                    return Ok(0);
                }
                self.part = None;
            }
            if !self.ends_line && self.parts.len() > 0 {
                // A line that was cut off stays a line of its own.
                if let Some(first) = buffer.first_mut() {
                    *first = b'\n';
                    self.ends_line = true;
                    return Ok(1);
                }
            }
            match self.parts.next() {
                Some(path) => {
                    let opened = open(&path);
                    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
                    self.part = Some(opened.map_err(named)?);
                }
                None => return Ok(0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn age(name: &str) -> Option<(&str, Age)> {
        PartName::of(Path::new(name)).map(|part| (part.log, part.age))
    }

    #[test]
    fn names_of_rotated_logs_are_known() {
        let numbered = |number| Age::Numbered(Reverse(number));
        let dated = |digits: &str| Age::Dated(digits.to_owned());
        for (name, log, expected) in [
            ("node.log", "node.log", Age::Current),
            ("node.jsonl.zst", "node.jsonl", Age::Current),
            ("node-2026-11-28.log", "node-2026-11-28.log", Age::Current),
            ("node.log.1", "node.log", numbered(1)),
            ("node.log.12.gz", "node.log", numbered(12)),
            ("6f0e-json.log.1", "6f0e-json.log", numbered(1)),
            ("receiver.jsonl.3.zst", "receiver.jsonl", numbered(3)),
            ("node.log-20261128.gz", "node.log", dated("20261128")),
            ("node.log-2026112813", "node.log", dated("2026112813")),
            ("node.log.2026-11-28", "node.log", dated("20261128")),
            ("0.log.20261128-101112.gz", "0.log", dated("20261128101112")),
            ("node.log-1764324672", "node.log", dated("1764324672")),
        ] {
            assert_eq!(age(name), Some((log, expected)), "{name}");
        }
        for name in [
            "notes.txt",
            "node.log.bak",
            "node.log.1.bak",
            "core.123",
            "log.1",
            "node.log.",
            "node.log._1",
            "x.1.gz",
        ] {
            assert_eq!(age(name), None, "{name}");
        }
    }

    #[test]
    fn older_parts_come_first() {
        let mut names = [
            "n.log",
            "n.log.1",
            "n.log.10.gz",
            "n.log.2.gz",
            "n.log-20261128.gz",
            "n.log-20261129",
            "n.log-20261127.zst",
        ];
        names.sort_by_key(|name| PartName::of(Path::new(name)).map(|part| part.age));
        let expected = [
            "n.log-20261127.zst",
            "n.log-20261128.gz",
            "n.log-20261129",
            "n.log.10.gz",
            "n.log.2.gz",
            "n.log.1",
            "n.log",
        ];
        assert_eq!(names, expected);
    }

    fn joined(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let input = |(name, text): &(&str, &str)| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            Input::file(path, true)
        };
        let inputs = join_parts(files.iter().map(input).collect());
        let names = |input: &Input| {
            let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
            input.parts().map(name).collect()
        };
        inputs.iter().map(names).collect()
    }

    #[test]
    fn parts_are_one_log_up_to_the_next_run() {
        const BEGIN: &str = "text\n{\"v\":1,\"event\":\"run_started\"}\n";
        let files = [
            ("a.jsonl", BEGIN),
            ("a.jsonl.1", "{}\n"),
            ("a.jsonl.2", BEGIN),
            ("a.jsonl.3", "{}\n"),
            ("b.log", "x"),
            ("c.jsonl", BEGIN),
            ("c.jsonl.1", ""),
            ("c.jsonl.2", ""),
        ];
        assert_eq!(
            joined(&files),
            [
                vec!["a.jsonl"],
                vec!["a.jsonl.2", "a.jsonl.1"],
                vec!["a.jsonl.3"],
                vec!["b.log"],
                vec!["c.jsonl.2", "c.jsonl.1", "c.jsonl"]
            ]
        );
    }

    #[test]
    fn a_copy_under_compression_is_not_read_twice() {
        let files = [("a.log", ""), ("a.log.1", ""), ("a.log.1.gz", ""), ("a.log.gz", "")];
        assert_eq!(joined(&files), [vec!["a.log.1", "a.log"], vec!["a.log.gz"]]);
        let forms = [("a.log", ""), ("a.log.gz", ""), ("a.log.zst", "")];
        assert_eq!(joined(&forms), [["a.log"], ["a.log.gz"], ["a.log.zst"]]);
        let others = [
            ("a.log-1", ""),
            ("a.log.1", ""),
            ("a.log.1.zst", ""),
            ("a.log.1.gz", ""),
        ];
        assert_eq!(joined(&others), [["a.log-1", "a.log.1"]]);
        let compressed = [("a.log.gz", ""), ("a.log.1.gz", "")];
        assert_eq!(joined(&compressed), [["a.log.1.gz", "a.log.gz"]]);
    }

    #[test]
    fn a_cut_line_at_the_end_of_a_part_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let part = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).unwrap();
            folder.path().join(name)
        };
        let parts = vec![part("3", "a\nb"), part("2", ""), part("1", "c\n"), part("0", "d")];
        let mut text = String::new();
        read_through(parts).read_to_string(&mut text).unwrap();
        assert_eq!(text, "a\nb\nc\nd");
    }
}
