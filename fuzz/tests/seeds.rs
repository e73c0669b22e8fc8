//! Every seed, and every input that once found a fault, runs through its target. This needs no fuzzer.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{collections::BTreeSet, fs, path::Path};

use fuzz::{TARGETS, target};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");

#[test]
fn every_seed_passes() {
    for target in TARGETS {
        let folder = Path::new(CORPUS).join(target.name);
        let mut seeds = 0;
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            (target.run)(&fs::read(entry.unwrap().path()).unwrap());
            seeds += 1;
        }
        assert!(seeds > 0, "{} has no seed", target.name);
    }
}

#[test]
fn every_folder_of_seeds_is_of_a_target() {
    let folders = fs::read_dir(CORPUS).unwrap();
    let names: BTreeSet<String> = folders
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in names {
        assert!(target(&name).is_some(), "{name} is no target");
    }
}
