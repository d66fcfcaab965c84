//! The local APIC with its timer.

use x86_64::{PhysAddr, structures::paging::PageTableFlags as Flags};

use super::interrupts::{REQUEST, SPURIOUS, TIMER};
use crate::{StartInfo, paging::AddressSpace, pvops, static_pages::StaticPages};

/// The page of the image that is mapped to the registers; its own frame is given up for it.
static REGISTERS: StaticPages<1> = StaticPages::new();

const APIC_BASE: u32 = 0x1b;
const X2APIC: u64 = 1 << 10;
const ENABLED: u64 = 1 << 11;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

const END_OF_INTERRUPT: usize = 0xb0;
const SPURIOUS_VECTOR: usize = 0xf0;
#[cfg(feature = "probe")]
const ID: usize = 0x20;
pub(crate) const COMMAND: usize = 0x300;
#[cfg(feature = "probe")]
const COMMAND_HIGH: usize = 0x310;
const LVT_TIMER: usize = 0x320;
const LVT_LINT0: usize = 0x350;
const INITIAL_COUNT: usize = 0x380;
const CURRENT_COUNT: usize = 0x390;
const DIVIDE: usize = 0x3e0;

const SOFTWARE_ENABLE: u32 = 1 << 8;
/// The legacy controllers say the vector.
const EXTERNAL: u32 = 7 << 8;
/// A non-maskable interrupt, to the CPU that [`COMMAND_HIGH`] names.
#[cfg(feature = "probe")]
pub(crate) const NMI: u32 = 4 << 8 | 1 << 14;
const TO_SELF: u32 = 1 << 18;
const DIVIDE_BY_1: u32 = 0xb;

fn register(offset: usize) -> *mut u32 {
    REGISTERS.page(0).as_mut_ptr::<u32>().wrapping_byte_add(offset)
}

fn read(offset: usize) -> u32 {
    // SAFETY: `init` has mapped the page to the registers; those used here can be read.
    unsafe { register(offset).read_volatile() }
}

fn write(offset: usize, value: u32) {
    // SAFETY: as above; those used here can be written.
    unsafe { register(offset).write_volatile(value) };
}

/// Maps and switches the local APIC on, its timer stopped, the legacy controllers let through.
///
/// # Panics
///
/// If firmware has left its registers where only MSRs reach them.
pub(super) fn init(start: &StartInfo) {
    // SAFETY: every 64-bit processor has a local APIC and its MSR.
    let base = unsafe { pvops::read_msr(APIC_BASE) };
    assert!(base & X2APIC == 0, "firmware has left the local APIC in x2APIC mode");
    // SAFETY: the bit only switches the APIC on.
    unsafe { pvops::write_msr(APIC_BASE, base | ENABLED) };
    let flags = Flags::PRESENT | Flags::WRITABLE | Flags::NO_EXECUTE | Flags::NO_CACHE;
    let frame = PhysAddr::new(base & ADDRESS);
    // SAFETY: the page is reserved for this mapping; nothing has touched its old frame.
    unsafe { AddressSpace::of_boot(start).map(REGISTERS.page(0), frame, flags) }
        .expect("the page tables map the whole image");
    write(SPURIOUS_VECTOR, SOFTWARE_ENABLE | u32::from(SPURIOUS));
    write(LVT_LINT0, EXTERNAL);
    write(DIVIDE, DIVIDE_BY_1);
    write(INITIAL_COUNT, 0);
    write(LVT_TIMER, u32::from(TIMER));
}

/// Acknowledges the interrupt in service.
pub(super) fn end_of_interrupt() {
    write(END_OF_INTERRUPT, 0);
}

/// Has this CPU interrupted by [`REQUEST`].
pub(super) fn interrupt_self() {
    write(COMMAND, TO_SELF | u32::from(REQUEST));
}

/// Returns the physical address of the registers' page.
#[cfg(feature = "probe")]
pub(crate) fn physical() -> PhysAddr {
    // SAFETY: every 64-bit processor has the register.
    PhysAddr::new(unsafe { pvops::read_msr(APIC_BASE) } & ADDRESS)
}

/// Has this CPU meet a non-maskable interrupt. The shorthand for itself is for fixed vectors only.
#[cfg(feature = "probe")]
pub(crate) fn send_nmi() {
    write(COMMAND_HIGH, read(ID));
    write(COMMAND, NMI);
}

/// Lets the timer interrupt once, after `ticks` of its clock; 0 stops it.
pub(super) fn start_timer(ticks: u32) {
    write(INITIAL_COUNT, ticks);
}

/// Returns the ticks that are left.
pub(super) fn timer_ticks() -> u32 {
    read(CURRENT_COUNT)
}
