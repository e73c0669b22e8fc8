//! The report: one structure, and the reporters that show it.

mod build;
mod clock;
mod counts;
mod csv;
mod escape;
mod gate;
mod html;
mod inventory;
mod json;
mod judging;
mod junit;
mod markdown;
mod model;
mod receiver;
mod reporter;
mod tables;
mod text;
mod text_latency;
mod text_series;
mod text_tables;
mod words;

pub(crate) use build::build;
pub use clock::*;
pub use counts::*;
pub(crate) use csv::unrepeatable_path;
#[cfg(feature = "fuzzing")]
pub(crate) use csv::write_deliveries as write_csv_of;
pub use escape::escape;
pub use gate::*;
pub use json::render_json;
pub use model::*;
pub use reporter::{ReportKind, ReportTarget, Reporter};
pub use text::{TextStyle, render_text};
pub(crate) use words::show_verdict;
