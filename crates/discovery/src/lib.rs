//! Finding service nodes: through node lists in DNS and peer exchange, filtered by what their records say, tested with
//! the protocol they are meant for, and chosen.
//!
//! ```text
//!  bootstrap ──DNS list──▶ records ─┐
//!      │                            ├─▶ candidates ──filter──▶ test dials ──▶ choice ──▶ service nodes
//!      └──peer exchange──▶ records ─┘   (candidate)  (Need)     (probe)      (search)
//! ```

pub mod bootstrap;
pub mod candidate;
pub mod enrtree;
pub mod networks;
pub mod note;
pub mod probe;
pub mod search;
#[cfg(any(test, feature = "test-support"))]
pub mod testing;
pub mod txt;

pub use bootstrap::{Bootstrap, BootstrapError};
pub use candidate::{LeftOutCounts, Need};
pub use networks::{NETWORKS, Network, Sharding};
pub use note::{Asked, Found, Note, NothingFound, Tested, Via};
pub use probe::{ProbeConfig, ProbeError, Prober};
pub use search::{Choice, Plan, Search};
pub use txt::{NameServers, TxtError, TxtResolver};
