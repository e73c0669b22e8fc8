//! How much a native log can show, and what to tell the user about it.

use super::{line::Level, read::NodeLog};
use crate::{select::list, units::show_count};

/// What a log would show if it had happened. Levels differ by version and service, so it is taken from what stands in
/// the log: who logs one relay message logs them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// What this log would show.
    pub(crate) fn shows(&self) -> Shows {
        let any = |names: &[&str]| names.iter().any(|name| self.count(name) > 0);
        Shows {
            received: any(&["relay_received"]),
            sent: any(&["relay_sent", "relay_published"]),
            pushes: any(&["filter_push_done", "filter_nobody"]),
        }
    }
}

/// Why a log tells no message, and what to do; `None` when it tells some.
fn hint(log: &NodeLog) -> Option<String> {
    let messages = log.events() - log.count("address");
    if messages > 0 {
        return None;
    }
    let Some((level, _)) = log.levels.first_key_value() else {
        return Some(
            "no line has a form that is known: is it the log of a service node, an event log, or of something else?"
                .to_owned(),
        );
    };
    let advice = match level {
        Level::Trace => "it is logged at trace level, so no message passed, or this version's lines are not known",
        Level::Debug => {
            "its most detailed line is debug: nwaku after 0.38 logs messages at trace only, start it with --log-level=TRACE"
        }
        Level::Info | Level::Notice | Level::Warn => {
            "the log level is too low: start nwaku with --log-level=DEBUG (after 0.38 TRACE), go-waku with \
             --log-level=DEBUG"
        }
    };
    Some(advice.to_owned())
}

/// What the user must know about a native log before trusting conclusions from it.
pub(crate) fn warnings(log: &NodeLog) -> Vec<String> {
    let mut warnings: Vec<String> = hint(log)
        .map(|hint| format!("no message in this node log: {hint}"))
        .into_iter()
        .collect();
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
    if log.too_long_lines > 0 || log.torn {
        warnings.push("lines are damaged: it cannot show that something did not happen".to_owned());
    }
    warnings
}
