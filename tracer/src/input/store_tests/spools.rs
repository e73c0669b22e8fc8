//! The folder of what was answered.

use std::fs;

use serde_json::json;

use crate::input::{
    SourceArgs, Spool,
    spool::{NAMES_FILE, logs_in},
};

#[test]
fn names_in_a_foreign_folder_do_not_lead_out_of_it() {
    let folder = tempfile::tempdir().unwrap();
    for (file, is_taken) in [("1/0.log", true), ("../x", false), ("/etc/passwd", false)] {
        fs::write(folder.path().join(NAMES_FILE), json!({file: "name"}).to_string()).unwrap();
        assert_eq!(logs_in(folder.path()).is_some(), is_taken, "{file}");
    }
}

#[test]
fn without_sources_nothing_is_asked() {
    let spool = Spool::fetch(&SourceArgs::default()).unwrap();
    assert_eq!(spool.inputs(&["a".into()]), [std::path::PathBuf::from("a")]);
}
