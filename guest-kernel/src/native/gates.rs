//! The interrupt descriptor table.

use x86_64::{VirtAddr, structures::DescriptorTablePointer};

use super::segments::{DEBUG_STACK, FATAL_STACK, NMI_STACK};
use crate::{
    abi::{trap, xenolith::KERNEL_CS},
    entry::{Vector, native},
    pvops,
    static_pages::StaticPages,
    traps,
};

static TABLE: StaticPages<1> = StaticPages::new();

/// The type of a gate that disables interrupts, and of one that does not.
const INTERRUPT_GATE: u64 = 0xe;
const TRAP_GATE: u64 = 0xf;
const PRESENT: u64 = 1 << 7;

/// Vectors that cannot rely on the stack of what they interrupt: #DB, NMI, #DF, #MC.
const OWN_STACKS: [(u8, u8); 4] =
    [(1, DEBUG_STACK), (2, NMI_STACK), (8, FATAL_STACK), (18, FATAL_STACK)];

/// Sets the gate of a vector: two words (SDM 3A, "64-Bit IDT Gate Descriptors").
fn set(vector: u8, target: VirtAddr, level: u8, kind: u64) {
    let own = OWN_STACKS.iter().find(|(of, _)| *of == vector);
    let stack = own.map_or(0, |&(_, stack)| u64::from(stack));
    let access = PRESENT | u64::from(level) << 5 | kind;
    let target = target.as_u64();
    let low = target & 0xffff
        | u64::from(KERNEL_CS) << 16
        | stack << 32
        | access << 40
        | (target >> 16 & 0xffff) << 48;
    let at = TABLE.page(0).as_mut_ptr::<u64>().wrapping_add(2 * usize::from(vector));
    // The high word first: the low one makes the gate present.
    for (at, word) in [(at.wrapping_add(1), target >> 32), (at, low)] {
        // SAFETY: the table has two words for each vector, and this file alone writes them.
        unsafe { at.write_volatile(word) };
    }
}

/// Sets the gate of a vector that leads to the common entry, with flags of `abi::trap`.
pub(super) fn install(vector: Vector, flags: u8) {
    let kind = if flags & trap::FLAG_MASK_EVENTS != 0 { INTERRUPT_GATE } else { TRAP_GATE };
    set(vector.0, native::vector_address(vector), flags & 3, kind);
}

/// Loads the table. Until a kernel installs handlers, every exception is its panic.
pub(super) fn load() {
    for vector in 0..traps::EXCEPTIONS {
        install(Vector(vector), trap::FLAG_MASK_EVENTS);
    }
    for (vector, target) in native::interrupts() {
        set(vector, target, 0, INTERRUPT_GATE);
    }
    let limit = u16::try_from(TABLE.bytes() - 1).expect("a page is less than 64 KiB");
    // SAFETY: the table stays, and each gate leads to an entry for its vector.
    unsafe { pvops::load_idt(&DescriptorTablePointer { limit, base: TABLE.page(0) }) };
}
