//! Which logs are judged together, and what is wrong with the set as a whole.

use std::collections::{BTreeMap, BTreeSet};

use event_log::event::Role;

use crate::{
    model::{Archive, Header, Log},
    options::Options,
    report::{Reason, ReasonCode, Verdict},
    units::show_count,
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
    check_roles(archive, options, &mut selection);
    check_ends(archive, &mut selection);
    check_names(archive, &mut selection);
    check_plans(archive, &mut selection);
    selection
}

impl Selection {
    fn unknown(&mut self, code: ReasonCode, text: String) {
        self.reasons.push(Reason {
            verdict: Verdict::Unknown,
            code,
            text,
        });
    }

    fn judged(&self) -> impl Iterator<Item = usize> {
        self.publishers.iter().chain(&self.receivers).copied()
    }

    /// Whether the publishers' logs are all there and whole: only then is an unknown message one that nobody sent.
    pub(crate) fn knows_all_published(&self, archive: &Archive) -> bool {
        let whole = |log: &usize| archive.logs[*log].ended.is_some() && archive.logs[*log].lines.unreadable() == 0;
        let missing = [
            ReasonCode::LogCount,
            ReasonCode::EmptyLog,
            ReasonCode::NoRunStarted,
            ReasonCode::NoPublisherLog,
        ];
        self.publishers.iter().all(whole) && !self.reasons.iter().any(|reason| missing.contains(&reason.code))
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
                if header.run != run {
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

fn check_roles(archive: &Archive, options: &Options, selection: &mut Selection) {
    if selection.publishers.is_empty() {
        selection.unknown(ReasonCode::NoPublisherLog, "there is no publisher log".to_owned());
    }
    if selection.receivers.is_empty() {
        selection.unknown(ReasonCode::NoReceiverLog, "there is no receiver log".to_owned());
    }
    let found = [
        ("publisher", selection.publishers.len(), options.expect_publishers),
        ("receiver", selection.receivers.len(), options.expect_receivers),
    ];
    for (role, count, asked) in found {
        let said: BTreeSet<u32> = selection
            .judged()
            .chain(selection.nodes.iter().copied())
            .filter_map(|log| archive.logs[log].header.as_ref())
            .filter(|header| Some(&header.run) == selection.run.as_ref())
            .filter_map(|header| {
                if role == "publisher" {
                    header.expect_publishers
                } else {
                    header.expect_receivers
                }
            })
            .collect();
        if asked.is_none() && said.len() > 1 {
            let text = format!("the logs disagree about the number of {role}s: {}", list(&said));
            selection.unknown(ReasonCode::ExpectationsDisagree, text);
        }
        if let Some(expected) = asked.or(said.last().copied())
            && u64::from(expected) != count as u64
        {
            let text = format!("found {count} of {expected} {role} logs");
            selection.unknown(ReasonCode::LogCount, text);
        }
    }
}

fn check_ends(archive: &Archive, selection: &mut Selection) {
    for number in selection.judged().collect::<Vec<_>>() {
        let log = &archive.logs[number];
        match &log.ended {
            None => selection.unknown(
                ReasonCode::TornLog,
                format!("{} is torn: it has no run_ended", log.path),
            ),
            Some(ended) if ended.reason.starts_with("error") => {
                selection.unknown(
                    ReasonCode::RoleFailed,
                    format!("{} ended with {}", log.path, ended.reason),
                );
            }
            Some(_) => {}
        }
        let unreadable = log.lines.unreadable();
        if unreadable > 0 {
            let text = format!(
                "{} has {} that cannot be read",
                log.path,
                show_count(unreadable, "line")
            );
            selection.unknown(ReasonCode::UnreadableLines, text);
        }
    }
    for number in selection.judged().chain(selection.nodes.clone()).collect::<Vec<_>>() {
        let (path, lines) = (&archive.logs[number].path, &archive.logs[number].lines);
        if lines.unknown_events > 0 {
            selection.warnings.push(format!(
                "{path} has {} of unknown names",
                show_count(lines.unknown_events, "event")
            ));
        }
        if lines.other_text > 0 {
            selection.warnings.push(format!(
                "{path} has {} of other text",
                show_count(lines.other_text, "line")
            ));
        }
    }
    for log in selection.nodes.clone().into_iter().map(|number| &archive.logs[number]) {
        if log.ended.is_none() || log.lines.unreadable() > 0 {
            let text = format!(
                "{} is torn or damaged: it cannot show that something did not happen",
                log.path
            );
            selection.warnings.push(text);
        }
    }
}

fn check_names(archive: &Archive, selection: &mut Selection) {
    for (role, logs) in [
        ("publisher", selection.publishers.clone()),
        ("receiver", selection.receivers.clone()),
    ] {
        let mut paths_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for log in logs.iter().map(|number| &archive.logs[*number]) {
            if let Some(header) = &log.header {
                paths_of.entry(&header.node).or_default().push(&log.path);
            }
        }
        for (node, paths) in paths_of.into_iter().filter(|(_, paths)| paths.len() > 1) {
            let text = format!(
                "{role} {node} has {} logs, restarted or named twice: {}",
                paths.len(),
                list(&paths)
            );
            selection.unknown(ReasonCode::ReusedName, text);
        }
    }
}

fn check_plans(archive: &Archive, selection: &mut Selection) {
    for number in selection.publishers.clone() {
        let log = &archive.logs[number];
        let Some(header) = &log.header else { continue };
        let Some(planned) = header
            .messages
            .map(|messages| messages.saturating_mul(u64::from(header.clients)))
        else {
            continue;
        };
        let attempted = log
            .attempts
            .iter()
            .map(|a| (a.sender, a.index))
            .collect::<std::collections::HashSet<_>>()
            .len();
        if attempted as u64 == planned {
            continue;
        }
        let text = format!("{} attempted {attempted} of {planned} planned messages", log.path);
        match log.ended.as_ref().map(|ended| ended.reason.as_str()) {
            Some("completed") => selection.unknown(ReasonCode::CountMismatch, text),
            Some(reason) => selection.warnings.push(format!("{text}, it ended by {reason}")),
            None => selection.warnings.push(text),
        }
    }
}

/// A list of names, cut after a few.
fn list<T: std::fmt::Display>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    let mut text = names.iter().take(MAX_NAMES).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > MAX_NAMES {
        text.push_str(&format!(" and {} more", names.len() - MAX_NAMES));
    }
    text
}
