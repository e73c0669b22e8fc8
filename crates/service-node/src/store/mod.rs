//! The store: keeps messages in SQLite and answers queries (store version 3, RFC 13), as nwaku's archive does.
//!
//! One thread owns the database. Inserts and queries reach it through one bounded queue and are served in the order
//! they came, so a query sees every message accepted before it; inserts that wait together share a transaction.

mod config;
mod database;
mod entry;
mod handle;
mod insert;
mod query;
mod retention;
mod select;
mod worker;

#[cfg(test)]
mod tests;

pub use config::{StoreConfig, StoreError};
pub use entry::{InsertError, InsertOutcome, StoreEntry};
pub use handle::{INSERT_QUEUE_BYTES, INSERT_QUEUE_MAX, QUERY_QUEUE_MAX, Store};
pub use worker::{BATCH_MAX, RETENTION_INTERVAL};
