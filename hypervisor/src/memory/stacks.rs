//! The stacks of a CPU, each with an unmapped page below it.
//!
//! ```text
//! window + 0x00000   guard
//!          0x01000   double fault     16 KiB
//!          0x05000   guard
//!          0x06000   NMI              16 KiB
//!          0x0a000   guard
//!          0x0b000   machine check    16 KiB
//!          0x0f000   guard
//!          0x10000   main             128 KiB
//! ```

use super::address_space::{AddressSpace, Protection};
use super::{Memory, STACKS};
use core::sync::atomic::{AtomicU64, Ordering};
use xenolith_core::address::PAGE_SIZE;
use xenolith_core::memory_map::Range;
use xenolith_core::page_map::MapError;

const WINDOW_BYTES: u64 = 1 << 20;
const EMERGENCY_BYTES: u64 = 4 * PAGE_SIZE;
const MAIN_BYTES: u64 = 32 * PAGE_SIZE;
const DOUBLE_FAULT: u64 = 0x1000;
const NMI: u64 = 0x6000;
const MACHINE_CHECK: u64 = 0xb000;
const MAIN: u64 = 0x10000;

/// The address above the highest byte of each stack, a multiple of 16.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StackTops {
    /// For double faults.
    pub(crate) double_fault: u64,
    /// For non-maskable interrupts.
    pub(crate) nmi: u64,
    /// For machine checks.
    pub(crate) machine_check: u64,
    /// For all else.
    pub(crate) main: u64,
}

/// The stacks of a window: where they begin, and how long they are, in bytes.
const LAYOUT: [(u64, u64); 4] = [
    (DOUBLE_FAULT, EMERGENCY_BYTES),
    (NMI, EMERGENCY_BYTES),
    (MACHINE_CHECK, EMERGENCY_BYTES),
    (MAIN, MAIN_BYTES),
];

/// CPUs whose stacks are mapped: those before this number.
static MAPPED: AtomicU64 = AtomicU64::new(0);

/// Returns whether `bytes` bytes at `address` lie in one stack.
pub(crate) fn contains(address: u64, bytes: u64) -> bool {
    let Some(at) = address.checked_sub(STACKS) else { return false };
    let offset = at % WINDOW_BYTES;
    at / WINDOW_BYTES < MAPPED.load(Ordering::Relaxed)
        && LAYOUT.iter().any(|&(start, length)| offset >= start && offset + bytes <= start + length)
}

/// Allocates and maps the stacks of CPU number `cpu`.
///
/// # Errors
///
/// When memory runs out.
pub(crate) fn map(
    space: &AddressSpace,
    memory: &mut Memory,
    cpu: u64,
) -> Result<StackTops, MapError> {
    let window = STACKS + cpu * WINDOW_BYTES;
    let mut map_one = |offset, bytes| {
        let start = memory.allocate_zeroed(bytes, PAGE_SIZE).ok_or(MapError::OutOfMemory)?;
        let range = Range::sized(start, bytes);
        space.map(memory, window + offset, range, Protection::Data)?;
        Ok(window + offset + bytes)
    };
    let tops = StackTops {
        double_fault: map_one(DOUBLE_FAULT, EMERGENCY_BYTES)?,
        nmi: map_one(NMI, EMERGENCY_BYTES)?,
        machine_check: map_one(MACHINE_CHECK, EMERGENCY_BYTES)?,
        main: map_one(MAIN, MAIN_BYTES)?,
    };
    MAPPED.fetch_max(cpu + 1, Ordering::Relaxed);
    Ok(tops)
}
