//! Where ordinary code may run inside entry code.
//!
//! Entry code is in a section of its own, `.noinstr.text`, and calls nothing outside it but between
//! two marked points. `cargo xtask test noinstr` reads the points from the linked binary and checks
//! that on every path. A point is a `nop` of its own, so that no other path can reach its address
//! without passing it. What is called in between is never inlined and returns, as far as the
//! compiler knows: behind a call that does not, a path would seem to go on into whatever is next.

/// From here on, ordinary code may run.
#[inline(always)]
pub(crate) fn begin() {
    point::<1>();
}

/// From here on, only entry code may run.
#[inline(always)]
pub(crate) fn end() {
    point::<0>();
}

/// Marks a point where ordinary code is allowed (1) or no longer (0).
#[inline(always)]
fn point<const ALLOWED: u64>() {
    #[cfg(target_os = "none")]
    // SAFETY: the instruction does nothing; the section is not loaded. Without `nomem`, so that
    // nothing moves across.
    unsafe {
        core::arch::asm!(
            "2: nop",
            ".pushsection .noinstr.points, \"\", @progbits",
            ".quad 2b, {allowed}",
            ".popsection",
            allowed = const ALLOWED,
            options(nostack, preserves_flags),
        );
    }
}
