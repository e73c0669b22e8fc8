//! The report: one structure, and the reporters that show it.

mod build;
mod clock;
mod counts;
mod escape;
mod gate;
mod inventory;
mod json;
mod model;
mod schema;
mod text;
mod text_tables;

pub(crate) use build::build;
pub use clock::*;
pub use counts::*;
pub use escape::escape;
pub use gate::*;
pub use json::render_json;
pub use model::*;
pub use schema::{report_schema, report_schema_text};
pub use text::{TextStyle, render_text};
