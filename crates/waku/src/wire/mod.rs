//! The protobuf messages of the Waku protocols, their protocol ids and their frame caps.
//!
//! Written by hand for [`prost`], which keeps `protoc` and a build script out. Fields that some peer wants to be
//! *present* are `optional` here and always set by the constructors; on reading an absent field is its default, or
//! what the accessor's documentation says.

pub mod filter;
pub mod frame_cap;
pub mod lightpush;
pub mod lightpush_v2;
pub mod message;
pub mod metadata;
pub mod peer_exchange;
pub mod protocol_id;
pub mod store;

#[cfg(test)]
mod properties;

pub use filter::{FilterSubscribeRequest, FilterSubscribeResponse, FilterSubscribeType, MessagePush};
pub use lightpush::{LightpushRequest, LightpushResponse};
pub use lightpush_v2::{PushRequest, PushResponse, PushRpc};
pub use message::WakuMessage;
pub use metadata::WakuMetadata;
pub use peer_exchange::{PeerExchangeRequest, PeerExchangeResponse, PeerExchangeRpc, PeerInfo};
pub use store::{
    StoreFilter, StorePage, StoreQueryRequest, StoreQueryResponse, StoreRequestError, WakuMessageKeyValue,
};
