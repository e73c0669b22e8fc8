//! Tells the code which commit it is built from, where `LPT_COMMIT` does not: `version.rs` reads the answer.

#![allow(
    clippy::print_stdout,
    reason = "standard output is how a build script talks to cargo"
)]

use std::{env, path::Path, process::Command};

/// Hex digits of a commit that are shown: enough to be unique in any repository.
const COMMIT_DIGITS: &str = "--short=12";

fn main() {
    println!("cargo::rerun-if-env-changed=LPT_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    let is_told = env::var("LPT_COMMIT").is_ok_and(|commit| !commit.is_empty());
    // Not in development: a commit would rebuild every crate above this one.
    if is_told || env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    if let Some(commit) = git(&["rev-parse", COMMIT_DIGITS, "HEAD"]) {
        println!("cargo::rustc-env=LPT_COMMIT={commit}");
        for file in ["HEAD", "logs/HEAD"] {
            let path = git(&["rev-parse", "--path-format=absolute", "--git-path", file]);
            if let Some(path) = path.filter(|path| Path::new(path).exists()) {
                println!("cargo::rerun-if-changed={path}");
            }
        }
    }
}

/// What git says, or nothing: where there is no git and no repository, the version stands alone.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| output.status.success() && !text.is_empty())
}
