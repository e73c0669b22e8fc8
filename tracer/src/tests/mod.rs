//! Tests of the whole way from lines to report.

mod diffs;
mod documents;
mod fixture;
mod gates;
mod goldens;
mod hostile;
mod hostile_bytes;
mod invariance;
mod junit_schema;
mod page;
mod places;
mod reference;
mod reports;
mod sets;
mod tables;
mod text;
mod traces;
mod transports;
mod verdict_logs;
mod verdict_loss;
mod verdict_time;
