//! The run folder: configuration, event logs and report of one test, kept.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::dated::dated_name;

/// Where runs are kept when no folder is named.
const RUNS: &str = "lpt-runs";

/// A folder of its own for one run.
#[derive(Debug, Clone)]
pub(super) struct RunFolder(PathBuf);

/// Why there is no run folder, or not what belongs into it.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be made.
    #[error("cannot make the run folder {path}: {source}")]
    Create {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file in it cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A configuration has no TOML form.
    #[error("cannot write {path} as TOML: {reason}")]
    Toml {
        /// The file.
        path: PathBuf,
        /// What the serializer says.
        reason: String,
    },
}

impl RunFolder {
    /// Makes the folder, which must not exist: the logs of two runs never share one.
    pub(super) fn create(asked: Option<&Path>, run_id: &str) -> Result<Self, FolderError> {
        let path = asked.map_or_else(|| Path::new(RUNS).join(dated_name(run_id)), Path::to_owned);
        let failed = |source| FolderError::Create {
            path: path.clone(),
            source,
        };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        fs::create_dir(&path).map_err(failed)?;
        // Children are told absolute paths, so that their configuration works from anywhere.
        let path = path.canonicalize().map_err(failed)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The path of a file in the folder, as text for a configuration.
    pub(super) fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), FolderError> {
        let path = self.0.join(name);
        fs::write(&path, text).map_err(|source| FolderError::Write { path, source })
    }

    pub(super) fn write_toml(&self, name: &str, value: &impl Serialize) -> Result<(), FolderError> {
        let toml = toml::to_string(value);
        let text = toml.map_err(|error| FolderError::Toml {
            path: self.0.join(name),
            reason: error.to_string(),
        })?;
        self.write(name, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_exists_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep").join("run");
        let folder = RunFolder::create(Some(&path), "id").unwrap();
        folder.write("x", "y").unwrap();
        assert!(matches!(
            RunFolder::create(Some(&path), "id"),
            Err(FolderError::Create { .. })
        ));
        assert_eq!(fs::read_to_string(path.join("x")).unwrap(), "y");
    }
}
