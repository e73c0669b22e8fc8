//! `lpt soak`: a whole test again and again, and a page that shows how it went.
//!
//! Each run is `lpt run` as a child process in a folder of its own; the newest are kept. `history.json` has a line for
//! every run, `index.html` shows them.

mod args;
mod history;
mod page;
mod program;

pub use args::Args;
pub use program::{command, main_with};
