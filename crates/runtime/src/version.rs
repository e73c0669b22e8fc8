//! What the event log and the agent string say about the program.

/// The version of the workspace, with the commit when the build was told one in `LPT_COMMIT`.
#[must_use]
pub fn version() -> String {
    match option_env!("LPT_COMMIT").filter(|commit| !commit.is_empty()) {
        Some(commit) => format!("{}+{commit}", env!("CARGO_PKG_VERSION")),
        None => env!("CARGO_PKG_VERSION").to_owned(),
    }
}
