//! `lpt run`: a whole test on this machine.

mod args;
mod fleet;
mod folder;
mod program;
mod role_config;

pub use args::{Args, SizeRange};
pub use fleet::RunError;
pub use program::main_with;
