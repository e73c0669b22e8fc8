//! The embedded service node: relay, lightpush, filter, store, metadata and peer exchange in one process.
//!
//! ```text
//!  lightpush ──▶ network task (gossipsub) ──▶ relay peers
//!                     │ accepted messages, never waiting
//!                     ├──▶ filter: one queue and one task a subscriber ──▶ filter push
//!                     └──▶ store: one thread with SQLite
//! ```
//!
//! [`Node::start`] is what tests and `lpt run` use; the `service-node` binary and `lpt node` wrap it.

pub mod cli;
pub mod config;
mod delivery;
pub mod filter;
mod http;
mod inbound;
mod lightpush;
pub mod limits;
mod metadata;
pub mod metrics;
mod network;
mod node;
mod peer_exchange;
pub mod peer_exchange_pool;
pub mod rate_limit;
pub mod relay;
mod rest;
mod services;
pub mod store;
mod store_server;

pub use config::{FilterConfig, NodeConfig, StoreSettings};
pub use node::{Node, StartError};
