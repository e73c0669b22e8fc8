//! What is wrong with the logs of a run as a whole: missing, torn, damaged, named twice, short of their plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::{Archive, Log},
    node_log,
    options::Options,
    report::ReasonCode,
    select::{Selection, list},
    symbols::Symbol,
    units::show_count,
};

/// Adds a reason or a warning to the selection for everything that stands against a verdict.
pub(crate) fn inspect(archive: &Archive, options: &Options, selection: &mut Selection) {
    check_roles(archive, options, selection);
    check_ends(archive, selection);
    check_names(archive, selection);
    check_senders(archive, selection);
    check_plans(archive, selection);
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
        if let Some(native) = &log.native {
            let warnings = node_log::warnings(native);
            let named = warnings.into_iter().map(|warning| format!("{}: {warning}", log.path));
            selection.warnings.extend(named);
        } else if log.ended.is_none() || log.lines.unreadable() > 0 {
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

/// Two publishers whose messages bear one name cannot be told apart, whatever their nodes are called.
fn check_senders(archive: &Archive, selection: &mut Selection) {
    let mut logs_of: BTreeMap<&str, Vec<&Log>> = BTreeMap::new();
    for log in selection.publishers.iter().map(|number| &archive.logs[*number]) {
        for sender in log.senders() {
            logs_of.entry(archive.symbols.name(sender)).or_default().push(log);
        }
    }
    for (sender, logs) in logs_of.into_iter().filter(|(_, logs)| logs.len() > 1) {
        let nodes: BTreeSet<&str> = logs
            .iter()
            .filter_map(|log| Some(log.header.as_ref()?.node.as_str()))
            .collect();
        // One node with several logs has its reason already.
        if nodes.len() > 1 {
            let text = format!(
                "sender {sender} stands in the logs of several publishers: {}",
                list(&nodes)
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
        // In order already, mostly.
        let mut messages: Vec<(Symbol, u32)> = log.attempts.iter().map(|a| (a.sender, a.index)).collect();
        messages.sort_unstable();
        messages.dedup();
        let attempted = messages.len();
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
