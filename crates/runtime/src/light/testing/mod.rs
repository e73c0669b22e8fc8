//! What the tests of publisher and receiver have in common. Behind the feature `test-support`, in no program.

mod binary;
mod memory;

pub use binary::{Binary, expect, nobody};
pub use memory::Memory;
