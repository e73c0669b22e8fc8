//! Which logs are judged together.

use std::collections::BTreeSet;

use event_log::event::Role;

use crate::{
    inspect::inspect,
    model::{Archive, Header, Log},
    options::Options,
    report::{Reason, ReasonCode, Verdict},
};

/// Most names listed in one reason.
const MAX_NAMES: usize = 5;

/// The logs of one run by role, as numbers of the archive, and what stands against a verdict.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    pub(crate) run: Option<String>,
    pub(crate) publishers: Vec<usize>,
    pub(crate) receivers: Vec<usize>,
    pub(crate) nodes: Vec<usize>,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) warnings: Vec<String>,
}

/// Chooses the run and checks its logs.
pub(crate) fn select(archive: &Archive, options: &Options) -> Selection {
    let mut selection = Selection::default();
    check_headers(archive, &mut selection);
    if !choose_run(archive, options, &mut selection) {
        return selection;
    }
    take_logs(archive, &mut selection);
    inspect(archive, options, &mut selection);
    selection
}

/// The logs of the chosen run, and those of the service nodes; none where no run can be chosen.
pub(crate) fn logs_of_run(archive: &Archive, options: &Options) -> Vec<usize> {
    let mut selection = Selection::default();
    if choose_run(archive, options, &mut selection) {
        take_logs(archive, &mut selection);
    }
    selection.judged().chain(selection.nodes.iter().copied()).collect()
}

impl Selection {
    pub(crate) fn unknown(&mut self, code: ReasonCode, text: String) {
        self.reasons.push(Reason {
            verdict: Verdict::Unknown,
            code,
            text,
        });
    }

    pub(crate) fn judged(&self) -> impl Iterator<Item = usize> {
        self.publishers.iter().chain(&self.receivers).copied()
    }

    /// Whether the publishers' logs are all there and whole: only then is an unknown message one that nobody sent.
    pub(crate) fn knows_all_published(&self, archive: &Archive) -> bool {
        let whole = |log: &usize| archive.logs[*log].ended.is_some() && archive.logs[*log].lines.unreadable() == 0;
        let missing = |reason: &Reason| ReasonCode::PUBLISHER_LOG_MISSING.contains(&reason.code);
        self.publishers.iter().all(whole) && !self.reasons.iter().any(missing)
    }
}

fn headers(archive: &Archive) -> impl Iterator<Item = (usize, &Log, &Header)> {
    archive
        .logs
        .iter()
        .enumerate()
        .filter_map(|(number, log)| Some((number, log, log.header.as_ref()?)))
}

fn check_headers(archive: &Archive, selection: &mut Selection) {
    for log in archive.logs.iter().filter(|log| log.header.is_none()) {
        match (log.lines.events, log.meant) {
            (0, true) => selection.unknown(ReasonCode::EmptyLog, format!("{} holds no event", log.path)),
            (0, false) => selection
                .warnings
                .push(format!("{} holds no event and was left out", log.path)),
            _ => selection.unknown(
                ReasonCode::NoRunStarted,
                format!("{} has no run_started and was left out", log.path),
            ),
        }
    }
}

/// Service nodes may outlive a run, so their run id does not count: what they know is found by hash.
fn choose_run(archive: &Archive, options: &Options, selection: &mut Selection) -> bool {
    let mut runs: BTreeSet<&str> = headers(archive)
        .filter(|(_, _, h)| h.role != Role::ServiceNode)
        .map(|(_, _, h)| h.run.as_str())
        .collect();
    if runs.is_empty() {
        runs = headers(archive).map(|(_, _, h)| h.run.as_str()).collect();
    }
    let chosen = match &options.run {
        Some(run) if runs.contains(run.as_str()) => run.clone(),
        Some(run) => {
            selection.unknown(
                ReasonCode::RunNotFound,
                format!("no log is of run {run}; there are: {}", list(&runs)),
            );
            return false;
        }
        None if runs.len() > 1 => {
            let text = format!(
                "the logs are of {} runs: {}; choose one with --run",
                runs.len(),
                list(&runs)
            );
            selection.unknown(ReasonCode::MixedRuns, text);
            return false;
        }
        None => match runs.first() {
            Some(run) => (*run).to_owned(),
            None => {
                selection.unknown(ReasonCode::NoPublisherLog, "there is no publisher log".to_owned());
                selection.unknown(ReasonCode::NoReceiverLog, "there is no receiver log".to_owned());
                return false;
            }
        },
    };
    selection.run = Some(chosen);
    true
}

fn take_logs(archive: &Archive, selection: &mut Selection) {
    let run = selection.run.clone().unwrap_or_default();
    for (number, log, header) in headers(archive) {
        match header.role {
            Role::Publisher if header.run == run => selection.publishers.push(number),
            Role::Receiver if header.run == run => selection.receivers.push(number),
            Role::ServiceNode => {
                // A native log names no run.
                if header.run != run && log.native.is_none() {
                    let text = format!(
                        "{} names run {}: its messages are matched by hash",
                        log.path, header.run
                    );
                    selection.warnings.push(text);
                }
                selection.nodes.push(number);
            }
            Role::Publisher | Role::Receiver => {}
        }
    }
}

/// A list of names, cut after a few.
pub(crate) fn list<T: std::fmt::Display>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    let mut text = names.iter().take(MAX_NAMES).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > MAX_NAMES {
        text.push_str(&format!(" and {} more", names.len() - MAX_NAMES));
    }
    text
}
