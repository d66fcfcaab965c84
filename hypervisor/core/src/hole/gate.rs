//! Gates of the IDT, by which the CPU enters the resident.

use super::Hole;
use crate::address::{Gpa, Gva};
use crate::resident::{EVENT_VECTOR, Header};
use xenolith_abi::xenolith::KERNEL_CS;

/// Limit of the IDT: all vectors.
pub const IDT_LIMIT: u32 = 0xfff;
/// Bytes of an IDT entry.
pub const GATE_BYTES: u64 = 16;

/// Returns the gate through which privilege level `dpl` and above reach `entry` in the resident
/// (SDM 3A, "64-Bit Mode IDT"), or that of the event vector.
///
/// It is a trap gate, which leaves IF alone. IF means nothing to the guest, and interrupts exit
/// whatever it is, but Bochs 2.7 holds them back behind a VM entry with IF clear.
pub fn gate(entry: Gva, dpl: u8) -> [u64; 2] {
    const TRAP_GATE: u64 = 0x8f00;
    let rights = TRAP_GATE | u64::from(dpl & 3) << 13;
    let low = (entry.0 & 0xffff) | u64::from(KERNEL_CS) << 16;
    [low | rights << 32 | (entry.0 >> 16 & 0xffff) << 48, entry.0 >> 32]
}

/// Returns the gate through which root injects events.
pub fn event_gate(hole: &Hole, header: &Header) -> (Gpa, [u64; 2]) {
    let entry = Gva(hole.text().0 + u64::from(header.event));
    (hole.gate(EVENT_VECTOR), gate(entry, 0))
}
