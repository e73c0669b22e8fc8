//! The report as one page: no network, readable without script, light and dark, wide and narrow.

mod charts;
mod page;
mod tables;
mod text;

pub(super) use page::render_html;
