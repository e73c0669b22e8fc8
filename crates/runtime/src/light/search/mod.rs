//! Service nodes that are searched for instead of given.

mod agents;
mod args;
mod feed;
mod finder;
mod metrics;
mod target;

pub use args::{ChoiceArg, SearchArgs};
#[cfg(feature = "test-support")]
pub use feed::TestFeed;
pub use feed::{FeedNews, NodeFeed};
pub use finder::{SearchFrame, find_service_nodes};
pub use metrics::SearchMetrics;
pub use target::{SearchPlan, Target, TargetError};
