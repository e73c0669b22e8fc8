//! What publisher and receiver share: the options of a light client and of a run, identities, topics, the log of a
//! client's connections, and the frame of a run from its first log line to its last.

mod args;
mod board;
mod connections;
mod engine;
mod identity;
mod metrics;
mod names;
mod node_event;
mod program;
pub mod search;
mod service_node;
mod service_nodes;
mod session;
#[cfg(feature = "test-support")]
pub mod testing;
mod topics;
mod transports;

pub use args::{DEFAULT_CONTENT_TOPIC, NetworkArgs, RunArgs};
pub use board::{Board, DialPlace};
pub use connections::ConnectionLog;
pub use engine::{ClientsPlan, Frame, StartedClient, prepare, start_clients, unless_log_fails};
pub use identity::keypair;
pub use metrics::{DURATION_BUCKETS_S, Label};
pub use names::{NameError, client_name, parse_node_name, parse_run_id, random_node_name, random_run_id};
pub use node_event::{NodeEvent, NodeEvents};
pub use program::{report_outcome, run_program};
pub use search::{FeedNews, NodeFeed, SearchFrame, SearchMetrics, SearchPlan, Target, TargetError, find_service_nodes};
pub use service_node::{NodeId, ServiceNode, ServiceNodeError};
pub use service_nodes::{MAX_SERVICE_NODES, distinct};
pub use session::{Session, SessionError, SessionPlan, Unavailable};
pub use topics::{MAX_CONTENT_TOPICS, Route, TopicsError, resolve_routes, shards};
pub use transports::{StartError, TransportConfig, Transports};
