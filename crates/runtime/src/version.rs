//! What the event log and the agent string say about the program.

/// The version of the workspace, with the commit it was built from where that is known: from `LPT_COMMIT` at build time
/// (a build without git, such as an image or a tarball), otherwise, in release builds, from git.
#[must_use]
pub fn version() -> String {
    match option_env!("LPT_COMMIT").filter(|commit| !commit.is_empty()) {
        Some(commit) => format!("{}+{commit}", env!("CARGO_PKG_VERSION")),
        None => env!("CARGO_PKG_VERSION").to_owned(),
    }
}
