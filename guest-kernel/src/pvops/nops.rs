//! The NOPs that fill what an alternative leaves of a site: one of each length, as the assembler makes
//! them for any processor of 64 bits.

use core::arch::naked_asm;

use super::{patch::LONGEST_NOP, record::Alternative};

/// The NOPs one behind the other, each recorded.
#[unsafe(naked)]
#[unsafe(link_section = ".text.pvops")]
unsafe extern "C" fn nops() {
    naked_asm!(
        ".set xenolith_guest_nop, 0",
        ".rept {longest}",
        ".set xenolith_guest_nop, xenolith_guest_nop + 1",
        "2: .nops xenolith_guest_nop",
        ".pushsection .pvops.alternatives, \"a\", @progbits",
        ".quad 2b",
        ".byte {nop}, {worlds}, xenolith_guest_nop, 0",
        ".long 0",
        ".popsection",
        ".endr",
        "ret",
        longest = const LONGEST_NOP,
        nop = const Alternative::NOP,
        worlds = const super::alternative::worlds!(Both),
    )
}

/// Nothing else keeps them.
#[used]
static NOPS: unsafe extern "C" fn() = nops;
