//! The forms of a report, and where each is written.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    str::FromStr,
};

use super::{Report, TextStyle, csv::write_csv, html::render_html, junit::render_junit, markdown::render_markdown};
use super::{render_json, render_text};
use crate::input::{self, Input};

/// Turns a report into one document.
pub trait Reporter {
    /// The document, whole.
    fn render(&self, report: &Report) -> String;
}

/// A form of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportKind {
    /// Tables for people, of 100 columns.
    Text,
    /// Everything, for programs; `docs/report.schema.json` describes it.
    Json,
    /// For a job summary or a comment.
    Markdown,
    /// For CI servers: one test case for each gate.
    Junit,
    /// One page with charts, for a browser.
    Html,
    /// A folder of tables.
    Csv,
}

impl Reporter for ReportKind {
    fn render(&self, report: &Report) -> String {
        match self {
            Self::Text => render_text(report, TextStyle::Plain),
            Self::Json => render_json(report),
            Self::Markdown => render_markdown(report),
            Self::Junit => render_junit(report),
            Self::Html => render_html(report),
            Self::Csv => super::csv::lost_csv(report),
        }
    }
}

/// A report to be written: `KIND=PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportTarget {
    /// The form.
    pub kind: ReportKind,
    /// The file, or the folder of `csv`; `-` is standard output.
    pub path: PathBuf,
}

impl FromStr for ReportTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || format!("{text:?}: write KIND=PATH, such as html=report.html");
        let (kind, path) = text
            .split_once('=')
            .filter(|(_, path)| !path.is_empty())
            .ok_or_else(form)?;
        let kind = match kind {
            "text" => ReportKind::Text,
            "json" => ReportKind::Json,
            "markdown" => ReportKind::Markdown,
            "junit" => ReportKind::Junit,
            "html" => ReportKind::Html,
            "csv" => ReportKind::Csv,
            _ => {
                return Err(format!(
                    "unknown kind of report {kind:?}: use text, json, markdown, junit, html or csv"
                ));
            }
        };
        if kind == ReportKind::Csv && path == "-" {
            return Err("csv is a folder of tables and cannot go to standard output".to_owned());
        }
        Ok(Self {
            kind,
            path: path.into(),
        })
    }
}

impl ReportTarget {
    /// Whether it goes to standard output.
    #[must_use]
    pub fn is_stdout(&self) -> bool {
        self.path == Path::new("-")
    }

    /// Writes the report. `logs` are the inputs as the user gave them: `csv` reads them again for single deliveries.
    ///
    /// # Errors
    /// What the system says about the file or folder.
    pub fn write(&self, report: &Report, logs: &[PathBuf]) -> io::Result<()> {
        let inputs = match self.kind {
            ReportKind::Csv => input::resolve(logs).map_err(io::Error::other)?,
            _ => Vec::new(),
        };
        self.write_from(report, &inputs)
    }

    /// The same with inputs that have been found.
    pub(crate) fn write_from(&self, report: &Report, logs: &[Input]) -> io::Result<()> {
        if self.kind == ReportKind::Csv {
            return write_csv(&self.path, report, logs);
        }
        let text = self.kind.render(report);
        if self.is_stdout() {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes())?;
            return out.flush();
        }
        fs::write(&self.path, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_nonsense_is_refused() {
        let target: ReportTarget = "html=out/a=b.html".parse().unwrap();
        assert_eq!(
            (target.kind, target.path.to_str()),
            (ReportKind::Html, Some("out/a=b.html"))
        );
        assert!("json=-".parse::<ReportTarget>().unwrap().is_stdout());
        for text in ["html", "html=", "pdf=a.pdf", "=a", "csv=-", "HTML=a"] {
            assert!(text.parse::<ReportTarget>().is_err(), "{text}");
        }
    }
}
