//! What a run looks like over time and in groups: buckets, outages, presence, reordering, ages, latency by group.

mod ages;
mod buckets;
mod collect;
mod groups;
mod histogram;
mod latencies;
mod lost;
mod outages;
mod presence;
mod reordering;

pub use ages::{AgeBin, DuplicateSummary};
pub(crate) use ages::{AgeTally, RunAges};
pub use buckets::{Bucket, MAX_BUCKETS, OverTime};
pub(crate) use collect::{Frame, PairLatency, ReceiverSeries, Series, Share};
pub use groups::{GroupLatency, LatencyGroups};
pub(crate) use groups::{Kinds, NOT_LOGGED};
pub use histogram::LatencyBin;
#[cfg(test)]
pub(crate) use histogram::histogram;
pub(crate) use latencies::{Latencies, LatencyTallies, RunLatency};
pub use lost::{LostMessage, LostMessages, MAX_LOST_LISTED};
pub use outages::{MIN_OUTAGE_MESSAGES, Outage, OutageKind, OutageLoss, OutagePlace};
pub use presence::Presence;
pub(crate) use reordering::Distances;
pub use reordering::Reordering;
