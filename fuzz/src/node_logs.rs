//! Native logs of nwaku and go-waku.

use tracer::node_log::{LineParser, Parsed, looks_native, parse_line, read_node_log};

/// What colours of a terminal begin with.
const ESCAPE: u8 = 0x1b;

/// Every line is counted once, whatever it is, and both readers of a line agree where both are meant.
pub(crate) fn log(data: &[u8]) {
    let log = read_node_log(data).expect("memory has no I/O errors");
    let others = log.event_log_lines + log.unknown_lines + log.pieces + log.too_long_lines;
    let counted: u64 = log.formats.values().sum::<u64>() + others;
    let lines = data.split(|byte| *byte == b'\n');
    let not_blank = lines.clone().filter(|line| !line.trim_ascii().is_empty()).count() as u64;
    assert_eq!(counted, not_blank, "lines are counted more or less than once");
    assert_eq!(
        log.events() + log.other_lines + log.cut_lines,
        log.formats.values().sum::<u64>(),
        "a line of a node is an event, another line or cut off"
    );
    assert!(log.first_ns <= log.last_ns, "the first line is later than the last");
    let _ = looks_native(data);
    let mut parser = LineParser::default();
    for line in lines {
        let whole = match parser.parse(line) {
            Parsed::Node { event, .. } => event,
            Parsed::EventLog | Parsed::Unknown => None,
        };
        // A line with colours is no bare one: without them another line of a node may begin in front.
        let bare = parse_line(line).filter(|_| !line.contains(&ESCAPE));
        if let (Some(bare), Some(whole)) = (bare, whole) {
            assert_eq!(bare, whole, "the same line tells two events");
        }
    }
}
