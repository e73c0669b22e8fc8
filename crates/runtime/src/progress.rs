//! Shows a run's progress on standard error: a bar on a terminal, a counter line now and then elsewhere.
//!
//! The engine only keeps counters; a reporter task asks for a [`Snapshot`] and prints it.

use std::{
    fmt,
    io::{self, IsTerminal},
    time::Duration,
};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::{task::JoinHandle, time::MissedTickBehavior};

use crate::{Shutdown, terminal};

/// Time between two redraws of the bar.
const BAR_INTERVAL: Duration = Duration::from_millis(200);

/// Time between two counter lines.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressMode {
    /// A bar when standard error is a terminal, otherwise lines.
    Auto,
    /// A bar.
    Bar,
    /// A counter line every 10 s.
    Lines,
    /// Nothing.
    None,
}

impl fmt::Display for ProgressMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Bar => "bar",
            Self::Lines => "lines",
            Self::None => "none",
        })
    }
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Finished units.
    pub done: u64,
    /// Units in all; `None` when open-ended.
    pub total: Option<u64>,
    /// The counters in words, one line, without foreign text.
    pub line: String,
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.total {
            Some(total) => write!(f, "{}/{total} {}", self.done, self.line),
            None => write!(f, "{} {}", self.done, self.line),
        }
    }
}

/// A running reporter.
#[derive(Debug)]
pub struct Progress {
    stop: Shutdown,
    task: Option<JoinHandle<()>>,
}

impl Progress {
    /// Shows `snapshot()` from now on, called `label`.
    pub fn start(mode: ProgressMode, label: &'static str, snapshot: impl Fn() -> Snapshot + Send + 'static) -> Self {
        let stop = Shutdown::new();
        let is_terminal = io::stderr().is_terminal();
        let task = match mode {
            ProgressMode::None => None,
            ProgressMode::Bar => Some(tokio::spawn(show_bar(label, snapshot, stop.clone()))),
            ProgressMode::Auto if is_terminal => Some(tokio::spawn(show_bar(label, snapshot, stop.clone()))),
            ProgressMode::Auto | ProgressMode::Lines => {
                Some(tokio::spawn(show_lines(label, snapshot, stop.clone(), |line| {
                    terminal::print(&line)
                })))
            }
        };
        Self { stop, task }
    }

    /// Shows the last state and stops.
    pub async fn finish(self) {
        self.stop.request();
        if let Some(task) = self.task {
            // A reporter that panicked has said so; the run's result does not depend on it.
            let _ = task.await;
        }
    }
}

async fn show_bar(label: &'static str, snapshot: impl Fn() -> Snapshot, stop: Shutdown) {
    let bar = terminal::bars().add(ProgressBar::no_length());
    bar.set_prefix(label);
    bar.set_style(style(snapshot().total.is_some()));
    let mut ticks = tokio::time::interval(BAR_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while tokio::select! { _ = ticks.tick() => true, () = stop.requested() => false } {
        update(&bar, &snapshot());
    }
    let last = snapshot();
    update(&bar, &last);
    bar.finish_and_clear();
    terminal::print(&format!("{label} {last}\n"));
}

fn update(bar: &ProgressBar, now: &Snapshot) {
    if let Some(total) = now.total {
        bar.set_length(total);
    }
    bar.set_position(now.done);
    bar.set_message(now.line.clone());
}

fn style(has_total: bool) -> ProgressStyle {
    let template = if has_total {
        "{prefix} [{elapsed_precise}] {bar:24} {pos}/{len} {wide_msg}"
    } else {
        "{prefix} [{elapsed_precise}] {spinner} {pos} {wide_msg}"
    };
    ProgressStyle::with_template(template).expect("the templates above are well formed")
}

async fn show_lines(label: &'static str, snapshot: impl Fn() -> Snapshot, stop: Shutdown, print: impl Fn(String)) {
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + LINE_INTERVAL, LINE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while tokio::select! { _ = ticks.tick() => true, () = stop.requested() => false } {
        print(format!("{label} {}\n", snapshot()));
    }
    print(format!("{label} {}\n", snapshot()));
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_line_every_ten_seconds_and_one_at_the_end() {
        let done = Arc::new(AtomicU64::new(0));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let stop = Shutdown::new();
        let (source, sink) = (done.clone(), lines.clone());
        let snapshot = move || Snapshot {
            done: source.fetch_add(1, Ordering::Relaxed),
            total: Some(9),
            line: "acked".to_owned(),
        };
        let print = move |line| sink.lock().expect("not poisoned").push(line);
        let task = tokio::spawn(show_lines("publisher", snapshot, stop.clone(), print));
        tokio::time::sleep(Duration::from_secs(25)).await;
        stop.request();
        task.await.expect("no panic");
        let lines = lines.lock().expect("not poisoned").clone();
        assert_eq!(
            lines,
            [
                "publisher 0/9 acked\n",
                "publisher 1/9 acked\n",
                "publisher 2/9 acked\n"
            ]
        );
    }

    #[test]
    fn both_styles_are_well_formed() {
        let _ = (style(true), style(false));
    }
}
