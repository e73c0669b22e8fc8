//! Splits a stream into lines without copying each of them, and reads them fast where that is possible.

use std::io::{self, Read};

use crate::{
    event::Record,
    fast::{FastParser, HotRecord},
    line::{LineError, MAX_LINE_BYTES, parse_line},
};

/// Bytes asked of the input at once: system calls are rare, and the block stays in the cache of a core.
pub const BLOCK_BYTES: usize = 256 * 1024;

/// One line, still bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawLine<'a> {
    /// Without the newline; empty when the line is too long.
    pub bytes: &'a [u8],
    /// Longer than [`MAX_LINE_BYTES`]: it was skipped without being kept.
    pub too_long: bool,
    /// Whether the input ended without a newline here.
    pub torn: bool,
}

/// Goes through the lines of an input. Memory is bounded by one line of [`MAX_LINE_BYTES`] and a block.
#[derive(Debug)]
pub struct RawLines<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    at_end: bool,
    offset_bytes: u64,
}

impl<R: Read> RawLines<R> {
    /// Goes through `input`, whose first byte stands at `offset_bytes` of whatever it is a part of.
    pub fn new(input: R, offset_bytes: u64) -> Self {
        Self::with_block(input, offset_bytes, BLOCK_BYTES)
    }

    fn with_block(input: R, offset_bytes: u64, block_bytes: usize) -> Self {
        Self {
            input,
            buffer: vec![0; block_bytes],
            start: 0,
            end: 0,
            at_end: false,
            offset_bytes,
        }
    }

    /// Where the next line begins.
    #[must_use]
    pub fn offset_bytes(&self) -> u64 {
        self.offset_bytes
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// What the input says.
    #[inline]
    pub fn next_line(&mut self) -> io::Result<Option<RawLine<'_>>> {
        let mut searched = 0;
        loop {
            if let Some(found) = memchr::memchr(b'\n', &self.buffer[self.start + searched..self.end]) {
                let length = searched + found;
                return Ok(Some(self.line(length, false)));
            }
            searched = self.end - self.start;
            if searched > MAX_LINE_BYTES {
                let torn = !self.skip_line(u64::MAX)?;
                return Ok(Some(RawLine {
                    bytes: &[],
                    too_long: true,
                    torn,
                }));
            }
            if self.at_end {
                return Ok((searched > 0).then(|| self.line(searched, true)));
            }
            self.fill()?;
        }
    }

    /// Goes behind the next newline, or behind `until_bytes` if there is none before. Whether there was one.
    ///
    /// # Errors
    /// What the input says.
    pub fn skip_line(&mut self, until_bytes: u64) -> io::Result<bool> {
        loop {
            let found = memchr::memchr(b'\n', &self.buffer[self.start..self.end]);
            self.step(found.map_or(self.end - self.start, |found| found + 1));
            if found.is_some() {
                return Ok(true);
            }
            if self.at_end || self.offset_bytes >= until_bytes {
                return Ok(false);
            }
            self.fill()?;
        }
    }

    fn step(&mut self, bytes: usize) {
        self.start += bytes;
        self.offset_bytes += bytes as u64;
    }

    fn line(&mut self, length: usize, torn: bool) -> RawLine<'_> {
        let start = self.start;
        self.step(length + usize::from(!torn));
        let too_long = length > MAX_LINE_BYTES;
        let bytes = if too_long {
            &[]
        } else {
            &self.buffer[start..start + length]
        };
        RawLine { bytes, too_long, torn }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(read_bytes) => {
                    self.at_end = read_bytes == 0;
                    self.end += read_bytes;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// A line read: fast, or by the strict reader.
#[derive(Debug)]
pub enum ParsedLine<'a> {
    /// A hot event as the writer writes it.
    Hot(HotRecord<'a>),
    /// Everything else, good or bad.
    Other(Result<Record, LineError>),
}

/// Reads lines of an event log; gives what [`crate::read_log`] gives.
#[derive(Debug, Default)]
pub struct LineParser {
    fast: FastParser,
}

impl LineParser {
    /// The event of a line; `None` for a blank one.
    #[inline]
    pub fn parse<'a>(&mut self, line: &RawLine<'a>) -> Option<ParsedLine<'a>> {
        if line.too_long {
            return Some(ParsedLine::Other(Err(LineError::TooLong)));
        }
        let text = match std::str::from_utf8(line.bytes) {
            Ok(text) => text,
            Err(error) => {
                return Some(ParsedLine::Other(Err(LineError::NotUtf8 {
                    valid_up_to_bytes: error.valid_up_to(),
                })));
            }
        };
        match self.fast.parse(text) {
            Some(record) => Some(ParsedLine::Hot(record)),
            None if text.trim().is_empty() => None,
            None => Some(ParsedLine::Other(parse_line(text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{examples::examples, read_log, timestamp::Timestamp};

    type Read1 = (bool, Result<Record, LineError>);

    fn fast(input: &[u8], block_bytes: usize) -> Vec<Read1> {
        let mut lines = RawLines::with_block(input, 0, block_bytes);
        let mut parser = LineParser::default();
        let mut read = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            match parser.parse(&line) {
                Some(ParsedLine::Hot(record)) => read.push((line.torn, Ok(record.to_record()))),
                Some(ParsedLine::Other(record)) => read.push((line.torn, record)),
                None => {}
            }
        }
        assert_eq!(lines.offset_bytes(), input.len() as u64);
        read
    }

    fn strict(input: &[u8]) -> Vec<Read1> {
        read_log(input)
            .map(Result::unwrap)
            .map(|line| (line.torn, line.record))
            .collect()
    }

    #[test]
    fn long_lines_are_skipped_as_the_strict_reader_does() {
        for (length, rest) in [
            (MAX_LINE_BYTES - 1, "\n{}\n"),
            (MAX_LINE_BYTES, "\n{}\n"),
            (MAX_LINE_BYTES + 1, "\n{}\n"),
            (3 * MAX_LINE_BYTES, "\n{}\n"),
            (MAX_LINE_BYTES, ""),
            (MAX_LINE_BYTES + 1, ""),
            (3 * MAX_LINE_BYTES, ""),
        ] {
            let input = format!("{{}}\n{}{rest}", "x".repeat(length));
            assert_eq!(
                fast(input.as_bytes(), 1000),
                strict(input.as_bytes()),
                "{length} {rest:?}"
            );
        }
    }

    #[test]
    fn a_part_of_a_line_is_skipped() {
        let mut lines = RawLines::with_block(&b"ne\ntwo\n"[..], 10, 2);
        assert!(lines.skip_line(100).unwrap());
        assert_eq!(lines.offset_bytes(), 13);
        assert_eq!(lines.next_line().unwrap().unwrap().bytes, b"two");
        let mut endless = RawLines::with_block(io::repeat(b'x'), 0, 16);
        assert!(!endless.skip_line(100).unwrap());
        assert!(endless.offset_bytes() < 200);
    }

    fn line() -> impl Strategy<Value = Vec<u8>> {
        let good = any::<prop::sample::Index>().prop_map(|which| {
            let events = examples();
            let event = which.get(&events).clone();
            let time = Timestamp::from_unix_ns(1);
            Record { time, event }.to_line().unwrap().into_bytes()
        });
        prop_oneof![
            good.clone(),
            (good, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut line, at, byte)| {
                let at = at.index(line.len());
                line[at] = byte;
                line
            }),
            proptest::collection::vec(any::<u8>(), 0..20),
        ]
    }

    proptest! {
        #[test]
        fn the_fast_way_gives_what_the_strict_reader_gives(
            lines in proptest::collection::vec(line(), 0..8), block_bytes in 1..3000_usize, newline in any::<bool>(),
        ) {
            let mut input = lines.join(&b'\n');
            if newline {
                input.push(b'\n');
            }
            prop_assert_eq!(fast(&input, block_bytes), strict(&input));
        }
    }
}
