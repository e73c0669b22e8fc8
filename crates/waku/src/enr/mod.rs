//! Node records (EIP-778 "ENR") with Waku's own keys (RFC 31): what peer exchange hands out and what
//! `enr:` addresses carry.

pub mod builder;
pub mod capability;
mod field;
pub mod record;

#[cfg(test)]
mod tests;

pub use builder::NodeRecordBuilder;
pub use capability::{Capabilities, Capability};
pub use record::{EnrError, NodeRecord};
