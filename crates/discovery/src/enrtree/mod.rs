//! Node lists published in DNS (EIP-1459): a Merkle tree of TXT records below a domain, its root signed by the key that
//! the list's URL names.
//!
//! ```text
//!  enrtree://<key>@<domain>
//!        │
//!  <domain>            enrtree-root:v1 e=<hash> l=<hash> seq=<n> sig=<signature>
//!  <hash>.<domain>     enrtree-branch:<hash>,<hash>,…     further down
//!                      enr:…                              a node        (below e)
//!                      enrtree://<key>@<domain>           another list  (below l)
//! ```
//!
//! Every record below the root is found under, and checked against, its own hash, so that the signature of the root
//! covers all of them.

mod entry;
mod url;
mod walk;

#[cfg(test)]
pub(crate) mod tests;

pub use entry::{Entry, EntryError, Root, RootError, SubtreeHash};
pub use url::{TreeUrl, TreeUrlError};
pub use walk::{MAX_DEPTH, MAX_LISTS, MAX_LOOKUPS, NodeList, WalkError, walk};
