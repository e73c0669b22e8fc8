//! Random bytes that fill a numbered message up to the size it is meant to have.

use rand::RngCore;

/// Bytes in the pool: above the 150 KiB that service nodes accept as one message, so that no real payload repeats
/// itself.
pub const POOL_BYTES: usize = 256 * 1024;

/// A pool of random bytes drawn once; each payload takes a slice of it that starts somewhere else.
///
/// Drawing fresh random bytes for each message would cost more than everything else a publisher does.
#[derive(Clone)]
pub struct Padding {
    pool: std::sync::Arc<[u8]>,
}

impl Padding {
    /// Draws the pool.
    pub fn new(rng: &mut impl RngCore) -> Self {
        let mut pool = vec![0_u8; POOL_BYTES];
        rng.fill_bytes(&mut pool);
        Self { pool: pool.into() }
    }

    /// Appends `count_bytes` bytes of the pool to `out`; `seed` picks where the slice starts, past the end it wraps
    /// round.
    pub fn append(&self, out: &mut Vec<u8>, count_bytes: usize, seed: u64) {
        // Fibonacci hashing: neighbouring seeds start far apart.
        let start = (seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % self.pool.len();
        let mut missing_bytes = count_bytes;
        let mut from = start;
        while missing_bytes > 0 {
            let take = missing_bytes.min(self.pool.len() - from);
            out.extend_from_slice(&self.pool[from..from + take]);
            missing_bytes -= take;
            from = 0;
        }
    }
}

impl std::fmt::Debug for Padding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Padding").field("pool_bytes", &self.pool.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn any_length_is_filled_exactly() {
        let padding = Padding::new(&mut StdRng::seed_from_u64(1));
        for count_bytes in [0, 1, POOL_BYTES - 1, POOL_BYTES, 3 * POOL_BYTES + 7] {
            let mut out = b"head".to_vec();
            padding.append(&mut out, count_bytes, 99);
            assert_eq!(out.len(), 4 + count_bytes);
            assert!(out.starts_with(b"head"));
        }
    }

    #[test]
    fn different_seeds_give_different_bytes() {
        let padding = Padding::new(&mut StdRng::seed_from_u64(1));
        let slice = |seed| {
            let mut out = Vec::new();
            padding.append(&mut out, 64, seed);
            out
        };
        assert_ne!(slice(1), slice(2));
        assert_eq!(slice(1), slice(1));
    }
}
