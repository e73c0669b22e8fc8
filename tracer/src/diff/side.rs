//! One side of a comparison: logs, or the JSON report that was made of them.

use std::{fs, io, path::Path};

use thiserror::Error;

use super::values::Values;
use crate::{
    gate::facts::Facts,
    input::{self, InputError},
    join::Book,
    judge::Judge,
    model::Archive,
    options::Options,
    place::Evidence,
    receivers::receivers,
    report::{self, REPORT_VERSION, ReasonCode},
    run,
    select::select,
};

/// Largest JSON report that is read, bytes: one that lists ten million duplicates is smaller.
const MAX_REPORT_BYTES: u64 = 4 << 30;

/// Why a side cannot be compared.
#[derive(Debug, Error)]
pub enum SideError {
    /// Logs that cannot be read.
    #[error(transparent)]
    Logs(#[from] InputError),
    /// A report that cannot be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The path.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// A file that is too large.
    #[error("{path} has {bytes} bytes, at most {MAX_REPORT_BYTES} are read: compare the logs instead")]
    TooLarge {
        /// The path.
        path: String,
        /// Its size.
        bytes: u64,
    },
    /// A file that is no report.
    #[error("{path} is no JSON report of this tracer (tracer report --format json): {error}")]
    NoReport {
        /// The path.
        path: String,
        /// What is wrong with it.
        error: String,
    },
    /// Logs of several runs, or of none that was asked for.
    #[error("{path}: {text}")]
    Run {
        /// The path.
        path: String,
        /// Which runs there are.
        text: String,
    },
    /// An option for logs, and a report.
    #[error("{path} is a report, which is judged already: {option} is for logs")]
    ReportWithOption {
        /// The path.
        path: String,
        /// The option.
        option: &'static str,
    },
    /// A report of another version.
    #[error(
        "{path} is a report of version {version}, this tracer reads version {REPORT_VERSION}: compare the logs instead"
    )]
    Version {
        /// The path.
        path: String,
        /// Its version.
        version: u64,
    },
}

/// What is compared.
#[derive(Debug)]
pub(crate) struct Side {
    pub(super) path: String,
    pub(super) facts: Facts,
    pub(super) is_report: bool,
    /// Latency since intended of all first arrivals, as far as the source tells it.
    pub(super) from_intended: Option<Values>,
    /// The same since sent.
    pub(super) from_sent: Option<Values>,
}

impl Side {
    /// Reads one side: a `.json` file is a report, everything else is logs.
    pub(super) fn read(path: &Path, options: &Options) -> Result<Self, SideError> {
        if is_report(path) {
            return Self::of_report(path);
        }
        let archive = run::read(&input::resolve(&[path.to_owned()])?, options)?;
        let side = Self::of_archive(&path.display().to_string(), &archive, options);
        match select(&archive, options)
            .reasons
            .into_iter()
            .find(|reason| no_run(reason.code))
        {
            Some(reason) => Err(SideError::Run {
                path: side.path,
                // The option has two names here.
                text: reason.text.replace("--run", "--run-before or --run-after"),
            }),
            None => Ok(side),
        }
    }

    pub(super) fn of_archive(path: &str, archive: &Archive, options: &Options) -> Self {
        let (from_intended, from_sent) = latencies(archive, options);
        Self {
            path: path.to_owned(),
            facts: Facts::of(&report::build(archive, options)),
            is_report: false,
            from_intended: Some(from_intended),
            from_sent: Some(from_sent),
        }
    }

    fn of_report(path: &Path) -> Result<Self, SideError> {
        let name = path.display().to_string();
        let unreadable = |error| SideError::Unreadable {
            path: name.clone(),
            error,
        };
        let bytes = fs::metadata(path).map_err(unreadable)?.len();
        if bytes > MAX_REPORT_BYTES {
            return Err(SideError::TooLarge { path: name, bytes });
        }
        Self::of_json(name.clone(), &fs::read(path).map_err(unreadable)?)
    }

    /// The report `json`, read from `name`.
    fn of_json(name: String, json: &[u8]) -> Result<Self, SideError> {
        let no_report = |error: serde_json::Error| SideError::NoReport {
            path: name.clone(),
            error: error.to_string(),
        };
        // The version first: of another version the fields may be others.
        let version: Version = serde_json::from_slice(json).map_err(no_report)?;
        if version.report_version != u64::from(REPORT_VERSION) {
            return Err(SideError::Version {
                path: name,
                version: version.report_version,
            });
        }
        let facts: Facts = serde_json::from_slice(json).map_err(no_report)?;
        Ok(Self {
            from_intended: Values::binned(&facts.latency_histogram, &facts.totals.from_intended),
            // There is no histogram of it.
            from_sent: None,
            facts,
            path: name,
            is_report: true,
        })
    }
}

/// A report from memory.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn of_json(name: &str, json: &[u8]) -> Result<Side, SideError> {
    Side::of_json(name.to_owned(), json)
}

/// Whether a side is a JSON report, by its name.
pub(super) fn is_report(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json") && !path.is_dir()
}

/// Whether no run was chosen, so that there is nothing to compare.
fn no_run(code: ReasonCode) -> bool {
    matches!(code, ReasonCode::MixedRuns | ReasonCode::RunNotFound)
}

#[derive(serde::Deserialize)]
struct Version {
    report_version: u64,
}

/// The latencies since intended and since sent of all first arrivals.
fn latencies(archive: &Archive, options: &Options) -> (Values, Values) {
    let selection = select(archive, options);
    let book = Book::new(archive, &selection.publishers);
    // Where messages were lost is not asked.
    let evidence = Evidence::default();
    let mut judge = Judge::new(archive, &book, &evidence, options);
    let (mut from_intended_ns, mut from_sent_ns) = (Vec::new(), Vec::new());
    for receiver in &receivers(archive, &selection.receivers, options.late_after_ns) {
        let latencies = judge.arrivals(receiver).latencies();
        from_intended_ns.extend_from_slice(latencies.from_intended_ns);
        from_sent_ns.extend_from_slice(latencies.from_sent_ns);
    }
    (Values::each(from_intended_ns), Values::each(from_sent_ns))
}
