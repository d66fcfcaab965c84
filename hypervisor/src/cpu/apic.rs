//! The local APIC with its timer, and the I/O APIC.

use super::interrupts::{SPURIOUS, TIMER};
use crate::memory::{IO_APIC, LOCAL_APIC};
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use x86_64::registers::model_specific::Msr;
use xenolith_core::address::{Hpa, to_usize};

const APIC_BASE: u32 = 0x1b;
const X2APIC: u64 = 1 << 10;
const ENABLED: u64 = 1 << 11;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
/// First of the MSRs through which an x2APIC is reached.
const X2APIC_MSRS: u32 = 0x800;

const ID: u32 = 0x20;
const END_OF_INTERRUPT: u32 = 0xb0;
const SPURIOUS_VECTOR: u32 = 0xf0;
const INTERRUPT_REQUEST: u32 = 0x200;
const LVT_TIMER: u32 = 0x320;
const LVT_LINT0: u32 = 0x350;
const INITIAL_COUNT: u32 = 0x380;
const CURRENT_COUNT: u32 = 0x390;
const DIVIDE: u32 = 0x3e0;
const SOFTWARE_ENABLE: u32 = 1 << 8;
const MASKED: u32 = 1 << 16;
const DIVIDE_BY_1: u32 = 0xb;

fn base_msr() -> u64 {
    // SAFETY: every CPU with VMX has a local APIC and its MSR.
    unsafe { Msr::new(APIC_BASE).read() }
}

/// Returns where the local APIC's registers are.
pub(crate) fn base() -> Hpa {
    Hpa(base_msr() & ADDRESS)
}

/// Whether the registers are MSRs, as firmware left it; reading that itself takes an MSR.
static IS_X2APIC: AtomicBool = AtomicBool::new(false);

fn is_x2apic() -> bool {
    IS_X2APIC.load(Relaxed)
}

fn register(offset: u32) -> *mut u32 {
    ptr::with_exposed_provenance_mut(to_usize(LOCAL_APIC + u64::from(offset)))
}

fn read(offset: u32) -> u32 {
    if is_x2apic() {
        // SAFETY: the registers used here can be read in either mode.
        let value = unsafe { Msr::new(X2APIC_MSRS + (offset >> 4)).read() };
        u32::try_from(value & 0xffff_ffff).expect("it is masked")
    } else {
        // SAFETY: the page is mapped to the local APIC, uncached.
        unsafe { register(offset).read_volatile() }
    }
}

fn write(offset: u32, value: u32) {
    if is_x2apic() {
        // SAFETY: the registers used here can be written in either mode.
        unsafe { Msr::new(X2APIC_MSRS + (offset >> 4)).write(u64::from(value)) };
    } else {
        // SAFETY: the page is mapped to the local APIC, uncached.
        unsafe { register(offset).write_volatile(value) };
    }
}

/// Switches the local APIC on, its timer stopped and the legacy controllers' line masked.
pub(super) fn init() {
    // SAFETY: the bit only switches the APIC on where firmware left it.
    unsafe { Msr::new(APIC_BASE).write(base_msr() | ENABLED) };
    IS_X2APIC.store(base_msr() & X2APIC != 0, Relaxed);
    write(SPURIOUS_VECTOR, SOFTWARE_ENABLE | u32::from(SPURIOUS));
    write(LVT_LINT0, MASKED);
    write(DIVIDE, DIVIDE_BY_1);
    write(INITIAL_COUNT, 0);
    write(LVT_TIMER, u32::from(TIMER));
}

/// Acknowledges the interrupt in service.
pub(super) fn end_of_interrupt() {
    write(END_OF_INTERRUPT, 0);
}

/// Returns whether interrupt `first` or `second` has been requested and not been taken; they share
/// a word of 32 vectors.
pub(super) fn is_requested(first: u8, second: u8) -> bool {
    debug_assert_eq!(first / 32, second / 32);
    let requests = read(INTERRUPT_REQUEST + u32::from(first / 32) * 0x10);
    requests & (1 << (first % 32) | 1 << (second % 32)) != 0
}

/// Lets the timer interrupt once, after `ticks` of its clock; 0 stops it.
pub(super) fn start_timer(ticks: u32) {
    write(INITIAL_COUNT, ticks);
}

/// Returns the ticks that are left.
pub(super) fn timer_ticks() -> u32 {
    read(CURRENT_COUNT)
}

/// Lets the I/O APIC's `input` interrupt this CPU as `vector`, by edge.
pub(super) fn route(input: u32, vector: u8) {
    const REDIRECTION: u32 = 0x10;
    let id = if is_x2apic() { read(ID) } else { read(ID) >> 24 };
    write_io(REDIRECTION + 2 * input + 1, id << 24);
    write_io(REDIRECTION + 2 * input, u32::from(vector));
}

fn write_io(index: u32, value: u32) {
    let window = |offset| ptr::with_exposed_provenance_mut::<u32>(to_usize(IO_APIC + offset));
    // SAFETY: the caller has found an I/O APIC, whose page is mapped uncached.
    unsafe { window(0).write_volatile(index) };
    // SAFETY: as above.
    unsafe { window(0x10).write_volatile(value) };
}
