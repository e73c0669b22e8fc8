//! The small HTTP server of every role: `/health` for whoever waits for it, `/metrics` for Prometheus.

mod exposition;
mod health;
mod listener;
mod server;

pub use health::Health;
pub use server::{HttpError, HttpServer, HttpServerBuilder};
