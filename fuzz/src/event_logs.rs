//! The event log and the numbered message in it.

use event_log::{
    LineError, LineParser, NumberedMessage, ParsedLine, RawLines, Record, fast::FastParser, parse_line, read_log,
};

/// Whether the input ended within the line, and what stands in it.
type Read = (bool, Result<Record, LineError>);

/// Both readers of whole logs give the same, and so do the fast and the strict one of each line. What is read as an
/// event is written and read back as the same event.
pub(crate) fn lines(data: &[u8]) {
    let (quick, strict) = (quick(data), strict(data));
    assert_eq!(quick, strict, "the two readers of logs differ");
    let mut parser = FastParser::default();
    for line in String::from_utf8_lossy(data).lines() {
        let Some(fast) = parser.parse(line) else { continue };
        assert_eq!(
            Ok(fast.to_record()),
            parse_line(line),
            "the fast reader differs from the strict one"
        );
    }
    for record in strict.into_iter().filter_map(|(_, record)| record.ok()) {
        // Not every time that can be written can be read: years of more than four digits.
        if let Ok(line) = record.to_line() {
            let again = parse_line(line.trim_end());
            assert_eq!(
                again.as_ref(),
                Ok(&record),
                "an event changes when it is written: {line}"
            );
        }
    }
}

fn quick(data: &[u8]) -> Vec<Read> {
    let mut lines = RawLines::new(data, 0);
    let mut parser = LineParser::default();
    let mut read = Vec::new();
    while let Some(line) = lines.next_line().expect("memory has no I/O errors") {
        match parser.parse(&line) {
            Some(ParsedLine::Hot(record)) => read.push((line.torn, Ok(record.to_record()))),
            Some(ParsedLine::Other(record)) => read.push((line.torn, record)),
            None => {}
        }
    }
    assert_eq!(lines.offset_bytes(), data.len() as u64, "bytes were left");
    read
}

fn strict(data: &[u8]) -> Vec<Read> {
    read_log(data)
        .map(|line| line.expect("memory has no I/O errors"))
        .map(|line| (line.torn, line.record))
        .collect()
}

/// A log of whatever bytes becomes a report in every form.
pub(crate) fn report(data: &[u8]) {
    tracer::fuzzing::report(data);
}

/// A payload is read or foreign; one that is read can be checked.
pub(crate) fn test_message(data: &[u8]) {
    if let Ok(message) = NumberedMessage::decode(data) {
        // Contradictions are what the check is there to find.
        let _ = message.check(data);
    }
}
