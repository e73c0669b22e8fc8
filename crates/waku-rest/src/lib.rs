//! The REST API of nwaku and go-waku as a second way to lightpush and filter: a typed client, and a light client over it
//! that keeps service nodes introduced and polls their mailboxes.
//!
//! ```text
//!  RestLightClient ──push, subscribe, ping──▶ RestClient ──HTTP──▶ service node
//!        │ one task a kept node: introduction, then polls or checks       │
//!  RestEvent ◀────────────────── GET /filter/v2/messages/… ◀──────────────┘
//! ```
//!
//! Facts about the servers come from logos-delivery (nwaku), revision 69fbffa3a, folder
//! `logos_delivery/waku/rest_api/endpoint` ("LD" in comments), and from go-waku, revision 84a4b1be, folder
//! `cmd/waku/server/rest` ("GO").

mod api;
mod client;
mod error;
mod event;
mod http;
mod introduction;
mod json;
mod keeper;
pub mod limits;
mod mailboxes;
mod node;

pub use api::{Polled, RestClient};
pub use client::{RestConfig, RestLightClient, Service};
pub use error::{PollError, RestError};
pub use event::{RestEvent, Risk};
pub use introduction::{Flavour, Introduction};
pub use json::{FilterRequest, FilterResponse, Info, JsonError, PushRequest, PushResponse, RestMessage};
pub use node::{RestAddressError, RestNode};
