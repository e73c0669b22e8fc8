//! Relay: gossipsub as nwaku speaks it (RFC 11), with a substream budget that renews itself.

mod config;
mod renewing;
mod renewing_handler;

pub use config::{KEEP_ALIVE_TOPIC, RelayConfigError, RelayLimits, max_message_bytes, new_behaviour};
pub use renewing::Relay;
