//! The swarm task of a service node.

mod behaviour;
mod mesh;
mod peers;
mod task;

pub(crate) use peers::Peers;
pub(crate) use task::{Deliver, NetworkHandle, start};
pub use task::StartError;
