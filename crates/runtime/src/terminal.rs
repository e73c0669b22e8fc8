//! Standard error, shared by log lines, counter lines and the progress bar, so that no two of them share a line.

use std::{
    io::{self, Write},
    sync::LazyLock,
};

use indicatif::{MultiProgress, ProgressDrawTarget};
use tracing_subscriber::fmt::MakeWriter;

/// Bars drawn per second. More is flicker; each draw costs a write.
const DRAWS_PER_S: u8 = 5;

static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWS_PER_S)));

/// The bars on standard error; hidden when it is not a terminal.
pub(crate) fn bars() -> &'static MultiProgress {
    &BARS
}

/// Writes whole lines to standard error, taking the progress bar away while it does; a missing line break at the end is
/// added. Foreign text must have gone through [`crate::escape`] before.
pub fn print(text: &str) {
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    // A closed standard error is no reason to end a measurement.
    let _ = Stderr.write_all(format!("{text}{end}").as_bytes());
}

/// A writer to standard error that takes the progress bar away during each write.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        BARS.suspend(|| io::stderr().lock().write_all(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}
