//! The network half: transport, streams, and the light client.
//!
//! ```text
//!  LightClient ──commands──▶ driver (one swarm task) ──dial/keep──▶ transport (tcp|ws → noise → yamux|mplex)
//!      │                        │
//!      └──requests──▶ streams ──┴── one stream an exchange ──▶ service node
//!  ClientEvent ◀── filter-push reader tasks ◀── streams opened by the service node
//! ```

pub mod backoff;
pub mod client;
pub mod dns;
pub mod kept;
pub mod streams;
pub mod text;
pub mod transport;

pub use client::{
    ClientConfig, ClientEvent, ClientLimits, LightClient, LightpushVersion, PushAnswer, RequestError, StartError,
};
