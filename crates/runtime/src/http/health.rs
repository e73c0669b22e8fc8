//! What `/health` answers.

use std::collections::BTreeMap;

use serde::Serialize;

/// What `/health` says: the status word and what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Whether the answer is 200 (else 503).
    #[serde(skip)]
    pub is_ready: bool,
    /// `ready`, `starting`, `draining`, …
    pub status: &'static str,
    /// Numbers behind the status, such as clients subscribed.
    pub details: BTreeMap<&'static str, u64>,
}

impl Health {
    /// 200, `ready`.
    #[must_use]
    pub fn ready() -> Self {
        Self {
            is_ready: true,
            status: "ready",
            details: BTreeMap::new(),
        }
    }

    /// 503, `starting`.
    #[must_use]
    pub fn starting() -> Self {
        Self::not_ready("starting")
    }

    /// 503 with the given status word.
    #[must_use]
    pub fn not_ready(status: &'static str) -> Self {
        Self {
            is_ready: false,
            status,
            details: BTreeMap::new(),
        }
    }

    /// The same with one more number.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: u64) -> Self {
        self.details.insert(name, value);
        self
    }
}
