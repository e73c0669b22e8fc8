//! Reads an event log line by line, without trusting it: damaged lines are reported, never fatal.

use std::io::{self, BufRead, Read as _};

use crate::{
    event::Record,
    line::{LineError, MAX_LINE_BYTES, parse_line},
};

/// Buffer size that keeps system calls rare for files of gigabytes.
pub const READ_BUFFER_BYTES: usize = 1024 * 1024;

/// One line of a log, good or bad.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Line number, from 1.
    pub number: u64,
    /// Whether the file ended without a newline here: whoever wrote it was cut off.
    pub torn: bool,
    /// The event, or what is wrong.
    pub record: Result<Record, LineError>,
}

/// Iterates over the lines of a log. Blank lines are passed over.
#[derive(Debug)]
pub struct LogReader<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
    failed: bool,
}

/// Reads the events of `input`; memory is bounded by one line of [`MAX_LINE_BYTES`].
pub fn read_log<R: BufRead>(input: R) -> LogReader<R> {
    LogReader {
        input,
        buffer: Vec::new(),
        number: 0,
        failed: false,
    }
}

impl<R: BufRead> LogReader<R> {
    /// Fills the buffer with the next line, newline included. `None` at the end.
    fn next_line(&mut self) -> io::Result<Option<Result<(), LineError>>> {
        self.buffer.clear();
        let limit_bytes = MAX_LINE_BYTES as u64 + 1;
        let read_bytes = self
            .input
            .by_ref()
            .take(limit_bytes)
            .read_until(b'\n', &mut self.buffer)?;
        if read_bytes == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.buffer.last() == Some(&b'\n') || self.buffer.len() <= MAX_LINE_BYTES {
            return Ok(Some(Ok(())));
        }
        while self.buffer.last() != Some(&b'\n') {
            self.buffer.clear();
            if self
                .input
                .by_ref()
                .take(limit_bytes)
                .read_until(b'\n', &mut self.buffer)?
                == 0
            {
                break;
            }
        }
        Ok(Some(Err(LineError::TooLong)))
    }

    fn parse_buffer(&self) -> Option<Result<Record, LineError>> {
        let bytes = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        match std::str::from_utf8(bytes) {
            Ok(text) if text.trim().is_empty() => None,
            Ok(text) => Some(parse_line(text)),
            Err(error) => Some(Err(LineError::NotUtf8 {
                valid_up_to_bytes: error.valid_up_to(),
            })),
        }
    }
}

impl<R: BufRead> Iterator for LogReader<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            let record = match self.next_line() {
                Ok(None) => return None,
                Ok(Some(Ok(()))) => match self.parse_buffer() {
                    Some(record) => record,
                    None => continue,
                },
                Ok(Some(Err(error))) => Err(error),
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            };
            let torn = self.buffer.last() != Some(&b'\n');
            return Some(Ok(Line {
                number: self.number,
                torn,
                record,
            }));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "{\"v\":1,\"event\":\"listening\",\"time\":\"2023-11-14T22:13:20Z\",\"address\":\"a\"}";

    fn lines(input: &[u8]) -> Vec<Line> {
        // A tiny buffer, so that lines span many fills.
        read_log(io::BufReader::with_capacity(7, input))
            .map(Result::unwrap)
            .collect()
    }

    #[test]
    fn good_and_bad_lines_in_order() {
        let input = [
            GOOD.as_bytes(),
            b"\n\n  \r\nnonsense\n\xff\xfe\n\0\0\n",
            GOOD.as_bytes(),
            b"\r\n",
        ]
        .concat();
        let lines = lines(&input);
        let numbers: Vec<_> = lines.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [1, 4, 5, 6, 7]);
        assert!(lines[0].record.is_ok() && lines[4].record.is_ok());
        assert_eq!(lines[1].record, Err(LineError::NotAnObject));
        assert_eq!(lines[2].record, Err(LineError::NotUtf8 { valid_up_to_bytes: 0 }));
        assert_eq!(lines[3].record, Err(LineError::Nul { at_bytes: 0 }));
        assert!(lines.iter().all(|line| !line.torn));
    }

    #[test]
    fn the_last_line_without_newline_is_torn_but_read() {
        let whole = lines(GOOD.as_bytes());
        assert!(whole[0].torn && whole[0].record.is_ok());
        let cut = lines(&GOOD.as_bytes()[..40]);
        assert!(cut[0].torn && cut[0].record.is_err());
    }

    #[test]
    fn a_line_bomb_is_skipped_without_being_held() {
        let mut input = GOOD.as_bytes().to_vec();
        input.push(b'\n');
        input.extend(std::iter::repeat_n(b'x', 3 * MAX_LINE_BYTES));
        input.push(b'\n');
        input.extend_from_slice(GOOD.as_bytes());
        input.push(b'\n');
        let mut reader = read_log(io::BufReader::new(input.as_slice()));
        let lines: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
        assert_eq!(
            lines.iter().map(|line| line.record.is_ok()).collect::<Vec<_>>(),
            [true, false, true]
        );
        assert_eq!(lines[1].record, Err(LineError::TooLong));
        assert!(reader.buffer.capacity() < 3 * MAX_LINE_BYTES);
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        let fields = "\"address\":\"";
        let head = GOOD.split_once(fields).unwrap().0;
        let fill = MAX_LINE_BYTES - head.len() - fields.len() - 2;
        let exact = format!("{head}{fields}{}\"}}", "y".repeat(fill));
        assert_eq!(exact.len(), MAX_LINE_BYTES);
        assert!(lines(format!("{exact}\n").as_bytes())[0].record.is_ok());
        let over = format!("{head}{fields}{}\"}}\n", "y".repeat(fill + 1));
        assert_eq!(lines(over.as_bytes())[0].record, Err(LineError::TooLong));
    }

    #[test]
    fn a_read_error_ends_the_iteration() {
        struct Broken;
        impl io::Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken disk"))
            }
        }
        let mut reader = read_log(io::BufReader::new(Broken));
        assert!(reader.next().unwrap().is_err());
        assert!(reader.next().is_none());
    }

    proptest! {
        #[test]
        fn noise_never_panics(input in proptest::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(lines(&input).len(), lines(&input).len());
        }
    }
}
