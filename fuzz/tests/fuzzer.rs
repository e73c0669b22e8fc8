//! One fuzzer for all targets; `FUZZ_TARGET` names the one to run. `fuzz/run` builds and starts it.
#![no_main]

use std::sync::LazyLock;

use fuzz::{Target, target};

/// The target of this process.
static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    match target(&name) {
        Some(target) => target,
        None => {
            eprintln!("FUZZ_TARGET={name:?}: there is no such target; fuzz/src/lib.rs lists them");
            std::process::exit(64)
        }
    }
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| (TARGET.run)(data));
