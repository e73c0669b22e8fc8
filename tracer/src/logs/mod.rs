//! `tracer logs`: what was recognised in each file, before anything is concluded from it.

mod command;
mod describe;
mod render;

pub use command::LogsArgs;
pub(crate) use command::run_logs;
pub(crate) use describe::Inventory;
pub use describe::{LogDescription, describe};
#[cfg(feature = "fuzzing")]
pub(crate) use render::show;
