//! The swarm task of a service node.

mod behaviour;
mod mesh;
mod peers;
mod relaying;
mod start;
mod task;

pub(crate) use peers::Peers;
pub use start::StartError;
pub(crate) use start::{Deliver, NetworkHandle, start};
