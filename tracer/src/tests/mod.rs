//! Tests of the whole way from lines to report.

mod fixture;
mod goldens;
mod invariance;
mod places;
mod reference;
mod sets;
mod text;
mod verdict_logs;
mod verdict_loss;
mod verdict_time;
