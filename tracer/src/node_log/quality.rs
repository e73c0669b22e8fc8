//! How much a native log can show, and what to tell the user about it.

use super::{facts::bit, line::Level, read::NodeLog};
use crate::{select::list, units::show_count};

/// What a log would show if it had happened. Levels differ by version and service, so it is taken from what stands in
/// the log: who logs one relay message logs them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shows {
    /// A message coming in by relay.
    pub(crate) received: bool,
    /// A message going out by relay.
    pub(crate) sent: bool,
    /// A push to filter subscribers.
    pub(crate) pushes: bool,
}

impl Shows {
    pub(crate) const ALL: Self = Self {
        received: true,
        sent: true,
        pushes: true,
    };

    /// A log that proves no absence.
    pub(crate) const NOTHING: Self = Self {
        received: false,
        sent: false,
        pushes: false,
    };
}

impl NodeLog {
    pub(crate) fn is_go_waku(&self) -> bool {
        self.formats.keys().all(|format| format.is_go_waku())
    }

    /// Events about messages.
    fn messages(&self) -> u64 {
        self.events() - self.count("address") - self.count("filter_request")
    }

    /// What this log would show.
    pub(super) fn shown(&self) -> Shows {
        let facts = &self.facts;
        // nwaku says `published` of what came over its REST API alone, go-waku of every message it begins to relay.
        let sent = self.count("relay_sent") > 0 || (self.is_go_waku() && self.count("relay_published") > 0);
        Shows {
            received: facts.all_bits & bit::RECEIVED != 0,
            sent: sent && facts.all_bits & bit::SENT != 0,
            // That nobody is subscribed nwaku says at another level.
            pushes: !facts.pushes.is_empty() && !facts.pushes_unnamed,
        }
    }
}

/// Why a log tells no message, and what to do; `None` when it tells some.
fn hint(log: &NodeLog) -> Option<String> {
    let messages = log.messages();
    if messages > 0 {
        return None;
    }
    let Some((level, _)) = log.levels.first_key_value() else {
        return Some(
            "no line has a form that is known: is it the log of a service node, an event log, or of something else?"
                .to_owned(),
        );
    };
    Some(advice(*level).to_owned())
}

/// Why a log whose most detailed line is of `level` may be silent.
fn advice(level: Level) -> &'static str {
    match level {
        Level::Trace => "it is logged at trace level, so no message passed, or this version's lines are not known",
        Level::Debug => {
            "its most detailed line is debug: nwaku after 0.38 logs messages at trace only, start it with --log-level=TRACE"
        }
        Level::Info | Level::Notice | Level::Warn => {
            "the log level is too low: start nwaku with --log-level=DEBUG (after 0.38 TRACE), go-waku with \
             --log-level=DEBUG"
        }
    }
}

/// What a log that tells of messages does not tell of them, and why; `None` when it tells everything.
fn silent_about(log: &NodeLog) -> Option<String> {
    let (level, _) = log.levels.first_key_value()?;
    let shows = log.shows;
    let kinds = [
        (shows.received, "message coming in by relay"),
        (shows.sent, "message going out by relay"),
        (shows.pushes, "push to a filter subscriber"),
    ];
    let silent: Vec<&str> = kinds
        .iter()
        .filter(|(shown, _)| !shown)
        .map(|(_, kind)| *kind)
        .collect();
    let messages = log.messages();
    (messages > 0 && !silent.is_empty()).then(|| {
        let silent = silent.join(", no ");
        let why = match level {
            Level::Trace => "there was none, or this version does not log it",
            _ => advice(*level),
        };
        format!("it shows no {silent}, and cannot prove that there was none. If there should be: {why}")
    })
}

/// What the user must know about a native log before trusting conclusions from it.
pub(crate) fn warnings(log: &NodeLog) -> Vec<String> {
    let mut warnings: Vec<String> = hint(log)
        .map(|hint| format!("no message in this node log: {hint}"))
        .into_iter()
        .chain(silent_about(log))
        .collect();
    if log.count("relay_received") > 0 && !log.shows.received {
        warnings.push(
            "its relay lines name messages by a digest (0x1220…) that is not the message hash: a build from before \
             2024, of which no message can be found again"
                .to_owned(),
        );
    }
    if !log.ambiguous_ids.is_empty() {
        let ids = list(&log.ambiguous_ids);
        warnings.push(format!("short peer ids of several peers were not resolved: {ids}"));
    }
    if log.event_log_lines > 0 {
        let count = show_count(log.event_log_lines, "event");
        warnings.push(format!(
            "{count} of an event log stand in this node log and are not used; split the file"
        ));
    }
    let damaged = log.damaged_lines();
    if damaged > 0 || log.torn {
        let lines = if damaged > 0 {
            show_count(damaged, "line") + " damaged"
        } else {
            "its last line is cut off".to_owned()
        };
        warnings.push(format!("{lines}: it cannot show that something did not happen"));
    }
    warnings
}
