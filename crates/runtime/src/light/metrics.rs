//! What the metrics of publisher and receiver have in common.

/// Upper bounds of the buckets of durations, seconds: from a local answer to past the longest sensible timeout.
pub const DURATION_BUCKETS_S: [f64; 14] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0,
];

/// One label, name and value, with values of our own: a closed set.
pub type Label = [(&'static str, &'static str); 1];
