//! What a value can be in truth.

/// A measured value and what is known for certain about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    /// The value as the report shows it.
    pub(crate) value: f64,
    /// The true value is not below.
    pub(crate) low: f64,
    /// The true value is not above.
    pub(crate) high: f64,
}

impl Range {
    /// Whether the truth is one number.
    pub(crate) fn is_certain(self) -> bool {
        self.low == self.high
    }

    pub(super) fn exact(value: f64) -> Self {
        Self {
            value,
            low: value,
            high: value,
        }
    }

    pub(super) fn count(value: u64) -> Self {
        Self::exact(value as f64)
    }

    /// A count that may be larger by `more`.
    pub(super) fn at_least(value: u64, more: u64) -> Self {
        Self {
            high: value.saturating_add(more) as f64,
            ..Self::count(value)
        }
    }

    /// A count that may be smaller by `less`.
    pub(super) fn at_most(value: u64, less: u64) -> Self {
        Self {
            low: value.saturating_sub(less) as f64,
            ..Self::count(value)
        }
    }

    /// A count that may be off by `error` to either side.
    pub(super) fn about(value: u64, error: u64) -> Self {
        Self {
            high: value.saturating_add(error) as f64,
            ..Self::at_most(value, error)
        }
    }

    pub(super) fn scaled(self, factor: f64) -> Self {
        Self {
            value: self.value * factor,
            low: self.low * factor,
            high: self.high * factor,
        }
    }
}
