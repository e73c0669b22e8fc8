//! The inventory as a table.

use std::path::PathBuf;

use tabled::{
    builder::Builder,
    settings::{Alignment, Style, object::Columns},
};

use super::LogDescription;
use crate::{report::escape, units::show_count};

/// Most files listed that were not read.
const MAX_PASSED_OVER: usize = 20;

/// A table of the logs, the events of each kind below, and the warnings at the end where they are seen.
pub(super) fn table(logs: &[LogDescription]) -> String {
    let mut rows = Builder::default();
    rows.push_record([
        "log",
        "format",
        "written by",
        "events",
        "other lines",
        "unknown",
        "damaged",
    ]);
    for log in logs {
        let joined = |names: &[String]| {
            if names.is_empty() {
                "-".to_owned()
            } else {
                escape(&names.join(", ")).into_owned()
            }
        };
        let formats: Vec<String> = log.formats.iter().map(|name| (*name).to_owned()).collect();
        rows.push_record([
            escape(&log.path).into_owned(),
            joined(&formats),
            joined(&log.authors),
            log.events.to_string(),
            log.other_lines.to_string(),
            log.unknown_lines.to_string(),
            log.damaged_lines.to_string(),
        ]);
    }
    let mut table = rows.build();
    table.with(Style::blank()).modify(Columns::new(3..), Alignment::right());
    let mut text = format!("{table}\n");
    for log in logs.iter().filter(|log| log.events > 0) {
        let kinds: Vec<String> = log
            .kinds
            .iter()
            .map(|(kind, count)| format!("{kind} {count}"))
            .collect();
        text.push_str(&format!("\n{}\n  {}\n", escape(&log.path), kinds.join(", ")));
        if !log.parts.is_empty() {
            let parts: Vec<_> = log.parts.iter().map(|part| escape(part)).collect();
            text.push_str(&format!("  rotated, oldest first: {}\n", parts.join(", ")));
        }
        if let (Some(first), Some(last)) = (log.first, log.last) {
            text.push_str(&format!("  from {first} to {last}\n"));
        }
        if !log.levels.is_empty() {
            let levels: Vec<String> = log
                .levels
                .iter()
                .map(|(level, count)| format!("{level} {count}"))
                .collect();
            text.push_str(&format!("  lines by level: {}\n", levels.join(", ")));
        }
    }
    text
}

/// The files that were found and not read, so that nobody wonders.
pub(super) fn passed_over(paths: &[PathBuf]) -> String {
    let mut text = String::new();
    for path in paths.iter().take(MAX_PASSED_OVER) {
        let path = path.display().to_string();
        text.push_str(&format!("not read: the ending is of no log: {}\n", escape(&path)));
    }
    let more = paths.len().saturating_sub(MAX_PASSED_OVER);
    if more > 0 {
        text.push_str(&format!(
            "not read: {} more like that\n",
            show_count(more as u64, "file")
        ));
    }
    text
}

/// The warnings, one a line; those of files without a single event stand out.
pub(super) fn warnings(logs: &[LogDescription]) -> String {
    let mut text = String::new();
    for log in logs {
        for warning in &log.warnings {
            let loud = if log.events == 0 {
                "WARNING: NO EVENT in"
            } else {
                "warning:"
            };
            text.push_str(&format!("{loud} {}: {}\n", escape(&log.path), escape(warning)));
        }
    }
    let silent = logs.iter().filter(|log| log.events == 0).count();
    if silent > 0 {
        text.push_str(&format!(
            "{} of {} told nothing\n",
            silent,
            show_count(logs.len() as u64, "log")
        ));
    }
    text
}

/// Everything a person gets to see.
#[cfg(feature = "fuzzing")]
pub(crate) fn show(logs: &[LogDescription]) -> String {
    table(logs) + &warnings(logs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::describe;

    #[test]
    fn files_that_were_not_read_are_named_up_to_a_limit() {
        let paths: Vec<PathBuf> = (0..22).map(|n| format!("core.{n}\u{1b}").into()).collect();
        let text = passed_over(&paths);
        assert!(
            text.starts_with("not read: the ending is of no log: core.0\\u{1b}\n"),
            "{text}"
        );
        assert!(
            text.ends_with("core.19\\u{1b}\nnot read: 2 files more like that\n"),
            "{text}"
        );
        assert_eq!(passed_over(&[]), "");
    }

    #[test]
    fn a_silent_file_is_loud() {
        let logs = [describe("a\u{1b}.log", &b"nothing\n"[..]).unwrap()];
        let text = warnings(&logs);
        assert!(text.starts_with("WARNING: NO EVENT in a\\u{1b}.log: "), "{text}");
        assert!(text.ends_with("1 of 1 log told nothing\n"), "{text}");
        assert!(!table(&logs).contains('\u{1b}'));
    }
}
