//! What every upcall must look like, whatever it interrupts.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use scenarios::programs::Stage;
use xenolith_guest::{
    abi::{
        guest_layout::{HYPERVISOR_VIRT_END, HYPERVISOR_VIRT_START},
        segment::{FLAT_USER_CS64, FLAT_USER_SS64},
        xenolith::{KERNEL_CS, KERNEL_SS},
    },
    entry::{Cause, Frame, PtRegs},
    events,
    irq::{self, EventsOffLock, Flags},
    probe::msr,
};

const GS_BASE: u32 = 0xc000_0101;
const KERNEL_GS_BASE: u32 = 0xc000_0102;
/// What the word at the base of GS is, for the kernel and for processes.
pub(crate) const GS_WORDS: [u64; 2] = [0x6b65_726e_656c, 0x70_726f_6365_7373];

/// TF, NT and AC: no handler may inherit them.
const DANGEROUS: u64 = 1 << 8 | 1 << 14 | 1 << 18;
const IOPL: u64 = 3 << 12;

static BASES: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// The frame of the upcall that is served now.
static SERVED: EventsOffLock<Frame> = EventsOffLock::new(Frame::ZERO);
/// What was wrong with an upcall, and the word that shows it.
static WRONG: EventsOffLock<Option<(&'static str, u64)>> = EventsOffLock::new(None);

/// Gives the kernel and its processes different bases of GS, and has every upcall looked at.
pub(crate) fn set_bases(stage: &mut Stage) {
    for (index, msr) in [GS_BASE, KERNEL_GS_BASE].into_iter().enumerate() {
        let base = stage.share(Stage::FREE + index, &[GS_WORDS[index]]).as_u64();
        msr::write(msr, base);
        BASES[index].store(base, Relaxed);
    }
    events::set_observer(Some(observe));
}

/// Returns the base of GS of processes.
pub(crate) fn process_base() -> u64 {
    BASES[1].load(Relaxed)
}

/// Returns whether the bases of GS are the kernel's: its own in use, the process's waiting.
pub(crate) fn has_kernel_bases() -> bool {
    [GS_BASE, KERNEL_GS_BASE].map(msr::read) == [0, 1].map(|i: usize| BASES[i].load(Relaxed))
}

/// Returns whether the base in use is the kernel's.
fn has_kernel_base() -> bool {
    msr::read(GS_BASE) == BASES[0].load(Relaxed)
}

/// Returns the address that the upcall served now has interrupted.
pub(crate) fn interrupted() -> u64 {
    SERVED.lock().rip
}

/// Returns what was wrong since this was asked last.
pub(crate) fn take_wrong() -> Option<(&'static str, u64)> {
    WRONG.lock().take()
}

/// Returns whether an address is in the hypervisor's part of the address space.
pub(crate) fn is_hypervisors(address: u64) -> bool {
    (HYPERVISOR_VIRT_START..HYPERVISOR_VIRT_END).contains(&address)
}

fn observe(frame: &mut PtRegs) {
    let flags = irq::native_save_flags() & DANGEROUS;
    *SERVED.lock() = **frame;
    let selectors =
        if frame.is_user() { [FLAT_USER_CS64, FLAT_USER_SS64] } else { [KERNEL_CS, KERNEL_SS] };
    for (what, holds, word) in [
        ("not an event", frame.cause() == Cause::Event, frame.error_code),
        ("rip", !is_hypervisors(frame.rip), frame.rip),
        ("rsp", !is_hypervisors(frame.rsp), frame.rsp),
        // With the saved mask above it: only an event that was not masked may come.
        ("cs", frame.cs == selectors[0].into(), frame.cs),
        ("ss", frame.ss == selectors[1].into(), frame.ss),
        ("rflags", frame.rflags & (Flags::IF.bits() | IOPL) == Flags::IF.bits(), frame.rflags),
        ("flags of the handler", flags == 0, flags),
        ("mask", !irq::save_fl().is_enabled(), 0),
        ("base of GS", has_kernel_base(), msr::read(GS_BASE)),
    ] {
        if !holds {
            *WRONG.lock() = Some((what, word));
        }
    }
}
