//! The shared folder: the current run, who is in it, and who has ended.
//!
//! Files appear whole: they are written under another name and renamed. A place is taken by creating a file that must
//! not exist, which is atomic on local disks and on NFS.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::member::Member;
use crate::fleet::phase::Phase;

/// Largest coordination file read; real ones hold a few addresses each of hundreds of nodes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Names the current run.
const CURRENT: &str = "current";

/// Tells where the service nodes are.
const SERVICE_NODES: &str = "service-nodes.json";

/// Why the shared folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file of it.
    #[error("{path}: {source}; does everybody have the shared folder, and may this user write to it?")]
    Io {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Something else stands where a record is expected.
    #[error("{path} is not a record of this fleet: {reason}")]
    Content {
        /// Its path.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// The folder that all parts share.
#[derive(Debug, Clone)]
pub(super) struct FleetFolder(pub(super) PathBuf);

/// One run in it.
#[derive(Debug, Clone)]
pub(super) struct RunFolder {
    pub(super) run_id: String,
    pub(super) path: PathBuf,
}

/// Where a member is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// `host:port` of its `/health` and `/metrics`.
    pub(super) http: String,
    /// Where a service node of ours listens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
}

/// The service nodes of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ServiceNodes {
    /// Their addresses; none when each role's own environment names them.
    pub(super) addresses: Vec<String>,
}

impl FleetFolder {
    /// Makes a new run the current one.
    pub(super) fn begin(&self, run_id: &str) -> Result<RunFolder, FolderError> {
        let run = self.run(run_id);
        fs::create_dir_all(&run.path).map_err(at(&run.path))?;
        write_whole(&self.0.join(CURRENT), run_id.as_bytes())?;
        Ok(run)
    }

    /// The current run, unless there is none yet or the last one has ended.
    pub(super) fn current(&self) -> Result<Option<RunFolder>, FolderError> {
        let Some(text) = read_text(&self.0.join(CURRENT))? else {
            return Ok(None);
        };
        let refused = |reason: String| FolderError::Content {
            path: self.0.join(CURRENT),
            reason,
        };
        let run_id = runtime::light::parse_run_id(text.trim()).map_err(|error| refused(error.to_string()))?;
        if run_id.starts_with('.') {
            return Err(refused("a run id here does not begin with a dot".into()));
        }
        let run = self.run(&run_id);
        Ok(if run.ended(&Member::tracer())?.is_some() {
            None
        } else {
            Some(run)
        })
    }

    fn run(&self, run_id: &str) -> RunFolder {
        RunFolder {
            run_id: run_id.to_owned(),
            path: self.0.join(run_id),
        }
    }
}

impl RunFolder {
    /// The event log of a member.
    pub(super) fn log(&self, member: &Member) -> PathBuf {
        self.path.join(format!("{member}.jsonl"))
    }

    /// Takes the place of `member`; false when somebody has it.
    pub(super) fn claim(&self, member: &Member) -> Result<bool, FolderError> {
        let path = self.record_path(member);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(at(&path)(error)),
        }
    }

    /// Tells where `member`, whose place is taken, is reached.
    pub(super) fn announce(&self, member: &Member, record: &Record) -> Result<(), FolderError> {
        write_json(&self.record_path(member), record)
    }

    /// Where `member` is reached, once it has told.
    pub(super) fn record(&self, member: &Member) -> Result<Option<Record>, FolderError> {
        read_json(&self.record_path(member))
    }

    /// Tells that `member` has ended, and with which exit code.
    pub(super) fn end(&self, member: &Member, code: u8) -> Result<(), FolderError> {
        write_whole(&self.end_path(member), code.to_string().as_bytes())
    }

    /// The exit code of `member`, once it has ended.
    pub(super) fn ended(&self, member: &Member) -> Result<Option<u8>, FolderError> {
        let path = self.end_path(member);
        let Some(text) = read_text(&path)? else {
            return Ok(None);
        };
        text.trim().parse().map(Some).map_err(|_| FolderError::Content {
            path,
            reason: format!("{:?} is no exit code", runtime::escape::escape(&text)),
        })
    }

    /// Tells everybody where the service nodes are.
    pub(super) fn announce_nodes(&self, nodes: &ServiceNodes) -> Result<(), FolderError> {
        write_json(&self.path.join(SERVICE_NODES), nodes)
    }

    /// Where the service nodes are, once that is told.
    pub(super) fn service_nodes(&self) -> Result<Option<ServiceNodes>, FolderError> {
        read_json(&self.path.join(SERVICE_NODES))
    }

    /// Tells everybody that the run has come so far.
    pub(super) fn reach(&self, phase: Phase) -> Result<(), FolderError> {
        write_whole(&self.path.join(phase.file()), b"")
    }

    /// Whether the run has come so far.
    pub(super) fn has_reached(&self, phase: Phase) -> bool {
        self.path.join(phase.file()).exists()
    }

    fn record_path(&self, member: &Member) -> PathBuf {
        self.path.join(format!("{member}.json"))
    }

    fn end_path(&self, member: &Member) -> PathBuf {
        self.path.join(format!("{member}.ended"))
    }
}

/// Removes all but the `keep` newest folders directly in `parent` that `is_ours` accepts by name. What cannot be removed
/// is returned, to be told: it costs space, nothing else.
pub(crate) fn prune(parent: &Path, keep: usize, is_ours: impl Fn(&str) -> bool) -> Vec<String> {
    let mut folders: Vec<(SystemTime, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| entry.file_name().to_str().is_some_and(&is_ours))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    folders.sort();
    let surplus = folders.len().saturating_sub(keep);
    folders
        .iter()
        .take(surplus)
        .filter_map(|(_, path)| {
            fs::remove_dir_all(path)
                .err()
                .map(|error| format!("{}: {error}", path.display()))
        })
        .collect()
}

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    |source| FolderError::Io { path, source }
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FolderError> {
    let text = serde_json::to_vec(value).map_err(|error| FolderError::Content {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    write_whole(path, &text)
}

/// Writes under a name of this process's own and renames, so that nobody reads half a file.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let own = path.with_file_name(format!(".{name}.{}", runtime::light::random_run_id()));
    let written = fs::File::create(&own).and_then(|mut file| file.write_all(bytes));
    written.and_then(|()| fs::rename(&own, path)).map_err(at(path))
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FolderError> {
    match read_text(path)? {
        // Taken, but nothing told yet.
        None => Ok(None),
        Some(text) if text.is_empty() => Ok(None),
        Some(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| FolderError::Content {
                path: path.to_owned(),
                reason: error.to_string(),
            }),
    }
}

fn read_text(path: &Path) -> Result<Option<String>, FolderError> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(path)(error)),
    };
    let mut text = String::new();
    file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(at(path))?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

    use super::*;
    use crate::fleet::member::Kind;

    #[test]
    fn a_place_is_taken_once_and_told_later() {
        let dir = tempfile::tempdir().unwrap();
        let run = FleetFolder(dir.path().to_owned()).begin("run-1").unwrap();
        let member = Member::new(Kind::Receiver, 0);
        assert!(run.claim(&member).unwrap());
        assert!(!run.claim(&member).unwrap());
        assert_eq!(run.record(&member).unwrap(), None, "taken, but not told");
        let record = Record {
            http: "10.0.0.2:8003".into(),
            address: None,
        };
        run.announce(&member, &record).unwrap();
        assert_eq!(run.record(&member).unwrap(), Some(record));
    }

    #[test]
    fn a_run_that_has_ended_is_not_current() {
        let dir = tempfile::tempdir().unwrap();
        let fleet = FleetFolder(dir.path().to_owned());
        assert!(fleet.current().unwrap().is_none());
        let run = fleet.begin("run-1").unwrap();
        assert_eq!(fleet.current().unwrap().unwrap().run_id, "run-1");
        run.end(&Member::tracer(), 2).unwrap();
        assert!(fleet.current().unwrap().is_none());
        assert_eq!(run.ended(&Member::tracer()).unwrap(), Some(2));
    }

    #[test]
    fn foreign_content_is_an_error_with_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let fleet = FleetFolder(dir.path().to_owned());
        fs::write(dir.path().join(CURRENT), "../../etc").unwrap();
        let error = fleet.current().unwrap_err().to_string();
        assert!(error.contains("current") && error.contains("not allowed"), "{error}");
    }

    #[test]
    fn only_the_newest_of_our_folders_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        for (name, seconds) in [("a", 1), ("b", 2), ("c", 3), ("theirs", 0)] {
            let path = dir.path().join(name);
            fs::create_dir(&path).unwrap();
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            fs::File::open(&path).unwrap().set_modified(time).unwrap();
        }
        assert!(prune(dir.path(), 2, |name| name != "theirs").is_empty());
        let mut left: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["b", "c", "theirs"]);
    }
}
