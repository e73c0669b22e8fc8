//! The Waku wire protocols as a library: messages and their hash, topics and shards, codecs and limits, node records,
//! addresses of service nodes, and the light client that speaks with them.

pub mod address;
pub mod enr;
pub mod frame;
pub mod hash;
pub mod message;
pub mod net;
pub mod sharding;
pub mod status;
pub mod status_class;
pub mod topic;
pub mod wire;

pub use address::{AddressError, ServiceNodeAddr};
pub use enr::{Capabilities, Capability, EnrError, NodeRecord, NodeRecordBuilder};
pub use frame::{FrameError, encode_frame, read_frame, read_frame_bytes, write_frame};
pub use hash::{HashError, MessageHash, gossip_id, message_hash};
pub use message::MessageError;
pub use sharding::{NetworkPreset, ShardCount, ShardCountError, autoshard};
pub use status::Status;
pub use status_class::{ClassError, ClassTable, ServiceProtocol, StatusClass};
pub use topic::{ContentTopic, PubsubTopic, TopicError};
pub use wire::WakuMessage;
