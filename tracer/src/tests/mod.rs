//! Tests of the whole way from lines to report.

mod diffs;
mod documents;
mod fixture;
mod fleets;
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
mod rotated;
mod sets;
mod tables;
mod text;
mod trace_ways;
mod traces;
mod transports;
mod verdict_doubts;
mod verdict_logs;
mod verdict_loss;
mod verdict_time;
