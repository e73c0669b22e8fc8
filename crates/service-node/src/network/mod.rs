//! The swarm task of a service node.

mod behaviour;
mod mesh;
mod peers;
mod task;

pub(crate) use peers::Peers;
pub use task::StartError;
pub(crate) use task::{Deliver, NetworkHandle, start};
