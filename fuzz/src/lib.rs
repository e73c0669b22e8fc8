//! Fuzz targets: every reader of what comes from outside, each as a function of bytes that must not panic, and that
//! checks what is promised about the result.
//!
//! `fuzz/run` runs them under libFuzzer. The seeds in `fuzz/corpus` run through them in the ordinary tests, too, as do
//! inputs that once found a fault.

mod event_logs;
mod node_logs;
mod tracer_inputs;
mod waku_text;
mod waku_wire;

/// A reader under test.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its folder of seeds, too.
    pub name: &'static str,
    /// Reads bytes; panics when a promise is broken.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    target_of("event_log_lines", event_logs::lines),
    target_of("event_log_report", event_logs::report),
    target_of("test_message", event_logs::test_message),
    target_of("node_log", node_logs::log),
    target_of("compressed", tracer_inputs::compressed),
    target_of("gates", tracer_inputs::gates),
    target_of("diff_report", tracer_inputs::diff_report),
    target_of("trace", tracer_inputs::trace),
    target_of("clocks", tracer_inputs::clocks),
    target_of("describe", tracer_inputs::describe),
    target_of("csv", tracer_inputs::csv),
    target_of("victorialogs", tracer_inputs::victorialogs),
    target_of("loki", tracer_inputs::loki),
    target_of("waku_frames", waku_wire::frames),
    target_of("waku_records", waku_wire::records),
    target_of("waku_text", waku_text::parse),
];

const fn target_of(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

/// The target called `name`.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().copied().find(|target| target.name == name)
}
