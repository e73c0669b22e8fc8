//! The folder of what was answered.

use std::{fs, path::Path};

use serde_json::json;

use super::server::*;
use crate::input::{SourceArgs, Spool, resolve, source::StoreKind};

#[test]
fn a_stray_file_of_names_renames_and_hides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.jsonl"), "x\n").unwrap();
    fs::write(folder.path().join("b.jsonl"), "x\n").unwrap();
    let names = json!({"a.jsonl": "another name"}).to_string();
    fs::write(folder.path().join(".tracer-spool.json"), names).unwrap();
    let inputs = resolve(&[folder.path().to_owned()]).unwrap();
    let shown: Vec<_> = inputs
        .iter()
        .map(|input| (input.name.as_deref(), &input.path))
        .collect();
    let path = |name| folder.path().join(name);
    assert_eq!(shown, [(None, &path("a.jsonl")), (None, &path("b.jsonl"))]);
}

#[test]
fn answers_stand_behind_the_files_given() {
    let given = tempfile::NamedTempFile::new().unwrap();
    let store = Store::start(|_, _| ok(&line("{}", 1, "x")));
    let spool = Spool::fetch_with(&http(), &[store.source(StoreKind::VictoriaLogs)]).unwrap();
    let inputs = spool.resolve(&[given.path().to_owned()]).unwrap();
    assert_eq!(
        (inputs[0].name.as_deref(), inputs[0].path.as_path()),
        (None, given.path())
    );
    assert_eq!(inputs[1].name.as_deref(), Some("victorialogs:{app=\"waku\"} {}"));
    assert!(spool.resolve(&["no such file".into()]).is_err());
}

#[test]
fn without_sources_nothing_is_asked() {
    let given = tempfile::NamedTempFile::new().unwrap();
    let spool = Spool::fetch(&SourceArgs::default()).unwrap();
    let inputs = spool.resolve(&[given.path().to_owned()]).unwrap();
    let paths: Vec<&Path> = inputs.iter().map(|input| input.path.as_path()).collect();
    assert_eq!(paths, [given.path()]);
    assert!(spool.resolve(&[]).is_err(), "nothing at all to read");
}
