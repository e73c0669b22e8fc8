//! What the tracer reads besides logs. The functions behind are in `tracer::fuzzing`.

use tracer::{fuzzing, trace::MessageId};

/// A compressed log expands within its limits, or is an error.
pub(crate) fn compressed(data: &[u8]) {
    fuzzing::compressed(data);
}

/// Expressions and gates files, message ids.
pub(crate) fn gates(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    fuzzing::gates_file(&text);
    for line in text.lines() {
        fuzzing::expression(line);
        let _ = line.parse::<MessageId>();
    }
}

/// A JSON report as a side of a comparison.
pub(crate) fn diff_report(data: &[u8]) {
    fuzzing::diff_report(data);
}

/// The first line is the message asked for, the rest a log.
pub(crate) fn trace(data: &[u8]) {
    let (id, log) = match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[][..]),
    };
    if let Ok(id) = String::from_utf8_lossy(id).parse::<MessageId>() {
        fuzzing::trace(&id, log);
    }
}

/// An answer of VictoriaLogs.
pub(crate) fn victorialogs(data: &[u8]) {
    fuzzing::victorialogs(data);
}

/// An answer of Loki.
pub(crate) fn loki(data: &[u8]) {
    fuzzing::loki(data);
}

/// A log that is read for its clocks.
pub(crate) fn clocks(data: &[u8]) {
    fuzzing::clocks(data);
}

/// A log in the inventory.
pub(crate) fn describe(data: &[u8]) {
    fuzzing::describe(data);
}

/// A log whose deliveries become tables.
pub(crate) fn csv(data: &[u8]) {
    fuzzing::csv(data);
}
