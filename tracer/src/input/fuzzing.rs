//! Bytes for the readers of inputs, without files and servers.

use std::io::{self, Cursor, Read as _};

use super::{expand, loki, spool::Streams, victorialogs};

/// Most bytes taken out of a compressed input: enough for every limit but those of a terabyte.
const MAX_TAKEN_BYTES: u64 = 1 << 20;

pub(crate) fn compressed(data: &[u8]) {
    // Any of the two may be an error, which is as good an end as any.
    if let Ok(expanded) = expand(Cursor::new(data.to_vec())) {
        let _ = io::copy(&mut expanded.take(MAX_TAKEN_BYTES), &mut io::sink());
    }
}

pub(crate) fn victorialogs(answer: &[u8]) {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let mut streams = Streams::new(folder.path().join("streams")).expect("the folder is new");
    if victorialogs::read(answer, None, &mut streams).is_ok() {
        streams.finish().expect("the streams are written");
    }
}

pub(crate) fn loki(answer: &[u8]) {
    if let Ok(lines) = loki::lines(answer) {
        assert!(lines.is_sorted_by_key(|line| line.time_ns), "lines are out of order");
        page_again(answer, lines);
    }
}

/// A page that comes again, from its latest time on, has nothing new.
fn page_again(answer: &[u8], page: Vec<loki::Line>) {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let mut streams = Streams::new(folder.path().join("streams")).expect("the folder is new");
    let mut seen = loki::Seen::new();
    let Ok((new, latest_ns)) = loki::take_new(page, i64::MIN, &mut seen, &mut streams) else {
        // Its labels are too long.
        return;
    };
    let mut again = loki::lines(answer).expect("it was read before");
    assert_eq!(new, again.len(), "a line of the first page is lost");
    again.retain(|line| line.time_ns == latest_ns);
    let taken = loki::take_new(again, latest_ns, &mut seen, &mut streams);
    assert!(matches!(taken, Ok((0, _))), "a line is taken twice");
}
