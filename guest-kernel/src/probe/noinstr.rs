//! Entry code that breaks its rule, so that `cargo xtask test noinstr` has something to find.

use crate::{events, instrumentation};

/// Calls ordinary code where none is allowed, and where it is.
#[inline(never)]
#[unsafe(link_section = ".noinstr.text")]
pub fn planted_violation() -> u64 {
    let planted = ordinary();
    instrumentation::begin();
    let allowed = ordinary();
    instrumentation::end();
    planted.wrapping_add(allowed)
}

/// Ordinary code, in a function of its own.
#[inline(never)]
fn ordinary() -> u64 {
    core::hint::black_box(events::unexpected())
}
