//! What a report says about the run as a whole: reasons, warnings, the list of logs.

use event_log::Timestamp;

use super::{Clock, LogReport, Reason, ReasonCode, ReceiverReport, Skipped, Verdict};
use crate::{
    model::{Archive, Log},
    select::Selection,
    units::show_count,
};

/// All reasons: those that decide the verdict first, otherwise in the order in which they were found.
pub(super) fn reasons(selection: &Selection, receivers: &[ReceiverReport], judged: Vec<Reason>) -> Vec<Reason> {
    let mut reasons = selection.reasons.clone();
    if !selection.receivers.is_empty() && receivers.is_empty() {
        let text = "no receiver log has a client".to_owned();
        reasons.push(Reason {
            verdict: Verdict::Unknown,
            code: ReasonCode::NoReceiverLog,
            text,
        });
    }
    reasons.extend(judged);
    reasons.sort_by_key(|reason| reason.verdict != Verdict::Fail);
    reasons
}

pub(super) fn warnings(archive: &Archive, selection: &Selection, receivers: &[ReceiverReport]) -> Vec<String> {
    let mut warnings = selection.warnings.clone();
    if archive.clocks.is_contradictory() {
        let text = "no constant offset between the hosts' clocks fits what was logged: a clock was set, or drifted";
        warnings.push(text.to_owned());
    }
    for path in &archive.clocks.unread {
        warnings.push(format!(
            "{path} can be read only once: clocks were measured without it, give a file for tighter bounds"
        ));
    }
    for log in selection.receivers.iter().map(|number| &archive.logs[*number]) {
        if log.at_risk > 0 {
            let times = show_count(log.at_risk, "time");
            let path = &log.path;
            warnings.push(format!(
                "{path}: {times} messages may have been lost between two polls of a REST service node (messages_at_risk)"
            ));
        }
    }
    for r in receivers {
        let by = if r.latency.clock == Clock::Same {
            ""
        } else {
            ", by the clocks of different hosts"
        };
        let notes = [
            (r.counts.not_observed_before, format!("sent before it subscribed{by}")),
            (
                r.latency.from_sent.negative,
                "arrived before it was sent, by the clocks: they disagree".to_owned(),
            ),
            (
                r.counts.indeterminate,
                "without answer, not arrived: lost or never relayed".to_owned(),
            ),
            (r.corrupt, "in contradiction to itself".to_owned()),
        ];
        for (count, note) in notes.into_iter().filter(|(count, _)| *count > 0) {
            warnings.push(format!("{}: {} {note}", r.receiver, show_count(count, "message")));
        }
    }
    warnings
}

/// One log of the inventory.
pub(super) fn log_report(log: &Log, number: usize, selection: &Selection) -> LogReport {
    let header = log.header.as_ref();
    let used = [&selection.publishers, &selection.receivers, &selection.nodes]
        .iter()
        .any(|logs| logs.contains(&number));
    LogReport {
        path: log.path.clone(),
        parts: log.parts.clone(),
        used,
        role: header.map(|header| header.role),
        node: header.map(|header| header.node.clone()),
        run: header.map(|header| header.run.clone()),
        host: header.map(|header| header.host.clone()),
        version: header.map(|header| header.version.clone()),
        started: header.map(|header| Timestamp::from_unix_ns(header.started_ns)),
        ended: log.ended.as_ref().map(|ended| ended.reason.clone()),
        torn: log.ended.is_none(),
        events: log.lines.events,
        skipped: Skipped {
            other_text: log.lines.other_text,
            unknown_events: log.lines.unknown_events,
            not_an_event: log.lines.not_an_event,
            wrong_version: log.lines.wrong_version,
            bad_fields: log.lines.bad_fields,
            damaged: log.lines.damaged,
        },
    }
}
