//! Reads the logs line by line and parses only the lines somebody wants: a message is in a handful of millions.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read as _},
    path::PathBuf,
};

use event_log::{MAX_LINE_BYTES, Record, parse_line, reader::READ_BUFFER_BYTES};

use crate::{
    input::{self, Input, InputError},
    progress::Progress,
};

/// Most bytes of standard input and pipes that are held, because a trace reads its input more than once.
pub const MAX_STDIN_BYTES: u64 = 256 * 1024 * 1024;

/// What a reading is called that nothing else is written from.
pub(crate) const READING: &str = "reading logs";

/// The logs to read, as often as needed.
pub(crate) struct Sources {
    inputs: Vec<Input>,
    /// What can be read only once (standard input, pipes), by path.
    held: BTreeMap<PathBuf, Vec<u8>>,
    /// What the reading is called while it goes on.
    phase: &'static str,
}

/// One line that was wanted.
pub(crate) enum Scanned {
    /// An event.
    Event(Box<Record>),
    /// No event, though it may have been one.
    Unreadable,
}

impl Sources {
    /// Resolves paths and patterns; reads what can be read only once.
    ///
    /// # Errors
    /// [`InputError`] when something is missing or cannot be read, or what can be read only once is larger than
    /// [`MAX_STDIN_BYTES`].
    pub(crate) fn open(given: &[PathBuf]) -> Result<Self, InputError> {
        Self::of(input::resolve(given)?, READING)
    }

    /// The same with inputs that have been found. `phase` is what the reading is called while it goes on.
    ///
    /// # Errors
    /// Those of [`Self::open`].
    pub(crate) fn of(inputs: Vec<Input>, phase: &'static str) -> Result<Self, InputError> {
        let mut held = BTreeMap::new();
        let mut free_bytes = MAX_STDIN_BYTES;
        for input in inputs.iter().filter(|input| !input.is_repeatable()) {
            let bytes = hold(input, free_bytes).map_err(|error| InputError::Unreadable {
                path: input.shown(),
                error,
            })?;
            free_bytes -= bytes.len() as u64;
            held.insert(input.path.clone(), bytes);
        }
        Ok(Self { inputs, held, phase })
    }

    /// A log in memory.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn of_bytes(log: &[u8]) -> Self {
        Self {
            inputs: vec![Input::file("-".into(), true)],
            held: BTreeMap::from([("-".into(), log.to_vec())]),
            phase: READING,
        }
    }

    /// Hands each log to `read`, with its path as shown.
    ///
    /// # Errors
    /// [`InputError`] when a file cannot be read.
    pub(crate) fn each(
        &self,
        mut read: impl FnMut(&str, &mut dyn BufRead) -> io::Result<()>,
    ) -> Result<(), InputError> {
        let progress = Progress::new(self.phase, input::total_bytes(&self.inputs));
        for input in &self.inputs {
            let path = input.shown();
            let done = if let Some(held) = self.held.get(&input.path) {
                read(&path, &mut held.as_slice())
            } else {
                let buffered = |file| BufReader::with_capacity(READ_BUFFER_BYTES, progress.counting(file));
                input.open().and_then(|file| read(&path, &mut buffered(file)))
            };
            done.map_err(|error| InputError::Unreadable { path, error })?;
        }
        Ok(())
    }
}

/// All of an input that can be read only once.
fn hold(input: &Input, limit_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.open()?.take(limit_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit_bytes {
        let text = format!("more than {MAX_STDIN_BYTES} bytes, which have to be read twice: give a file");
        return Err(io::Error::other(text));
    }
    Ok(bytes)
}

/// Parses the lines of `input` that `wanted` picks by their bytes.
pub(crate) fn scan(
    input: &mut dyn BufRead,
    mut wanted: impl FnMut(&[u8]) -> bool,
    mut each: impl FnMut(Scanned),
) -> io::Result<()> {
    let limit_bytes = MAX_LINE_BYTES as u64 + 1;
    let mut buffer = Vec::new();
    let mut in_long_line = false;
    loop {
        buffer.clear();
        if io::Read::take(&mut *input, limit_bytes).read_until(b'\n', &mut buffer)? == 0 {
            return Ok(());
        }
        let ends = buffer.last() == Some(&b'\n');
        let too_long = !ends && buffer.len() > MAX_LINE_BYTES;
        if in_long_line || too_long {
            // Told once, at its first piece.
            if !in_long_line {
                each(Scanned::Unreadable);
            }
            in_long_line = !ends;
            continue;
        }
        let line = buffer.trim_ascii();
        // Text of other programs on the same stream is not worth a word.
        if line.first() != Some(&b'{') || !wanted(line) {
            continue;
        }
        let record = std::str::from_utf8(line).ok().and_then(|text| parse_line(text).ok());
        each(record.map_or(Scanned::Unreadable, |record| Scanned::Event(Box::new(record))));
    }
}

/// The name of the event of a line, as our writer writes it. `None`: look at the line as a whole.
pub(crate) fn event_name(line: &[u8]) -> Option<&[u8]> {
    const KEY: &[u8] = b"{\"v\":1,\"event\":\"";
    let rest = line.strip_prefix(KEY)?;
    let end = rest.iter().take(40).position(|byte| *byte == b'"')?;
    // A line that was cut must be parsed, so that it is counted.
    (line.last() == Some(&b'}')).then(|| &rest[..end])
}

/// Whether `needle` occurs in `line`.
pub(crate) fn contains(line: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(line, needle).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "{\"v\":1,\"event\":\"listening\",\"time\":\"2023-11-14T22:13:20Z\",\"address\":\"a\"}";

    fn counts(input: &[u8], wanted: impl FnMut(&[u8]) -> bool) -> (usize, usize) {
        let (mut events, mut unreadable) = (0, 0);
        scan(&mut BufReader::with_capacity(11, input), wanted, |line| match line {
            Scanned::Event(_) => events += 1,
            Scanned::Unreadable => unreadable += 1,
        })
        .unwrap();
        (events, unreadable)
    }

    #[test]
    fn only_wanted_lines_are_parsed() {
        let input = format!("{GOOD}\nother text\n{{cut\n\n{GOOD}");
        assert_eq!(counts(input.as_bytes(), |_| true), (2, 1));
        assert_eq!(counts(input.as_bytes(), |line| contains(line, b"listening")), (2, 0));
        assert_eq!(counts(input.as_bytes(), |_| false), (0, 0));
    }

    #[test]
    fn a_line_bomb_is_one_unreadable_line() {
        let mut input = vec![b'{'; 3 * MAX_LINE_BYTES];
        input.push(b'\n');
        input.extend_from_slice(GOOD.as_bytes());
        assert_eq!(counts(&input, |_| true), (1, 1));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_can_be_read_as_often_as_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        let sources = std::thread::scope(|scope| {
            scope.spawn(|| std::fs::write(&pipe, GOOD).unwrap());
            Sources::open(std::slice::from_ref(&pipe)).unwrap()
        });
        for _ in 0..2 {
            let mut text = String::new();
            sources
                .each(|_, input| input.read_to_string(&mut text).map(drop))
                .unwrap();
            assert_eq!(text, GOOD);
        }
    }

    #[test]
    fn the_event_name_of_a_whole_line_is_found() {
        assert_eq!(event_name(GOOD.as_bytes()), Some(b"listening".as_slice()));
        assert_eq!(
            event_name(&GOOD.as_bytes()[..60]),
            None,
            "a cut line is looked at as a whole"
        );
        assert_eq!(event_name(b"{ \"event\" : \"listening\" }"), None);
    }
}
