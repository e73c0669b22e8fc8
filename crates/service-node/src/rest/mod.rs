//! Lightpush and filter by nwaku's REST API, over this node's own relay.
//!
//! nwaku pushes through its own lightpush service when it has no other (`lightpush/handlers.nim`,
//! `useSelfHostedLightPush`); its filter endpoints need another node to subscribe at, where this node listens to its own
//! relay. Paths, bodies, status codes and the size of the cache are nwaku's.

mod mailboxes;
mod routes;

pub(crate) use mailboxes::Mailboxes;
pub(crate) use routes::routes;
