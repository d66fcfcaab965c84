//! From interrupts of devices to events: each source has a port whose bits are set as a hypervisor
//! would, and then everything goes the way of an upcall.

use core::sync::atomic::{
    AtomicBool,
    Ordering::{AcqRel, Relaxed},
};

use super::{apic, pic};
use crate::{
    abi::{
        errno::{EEXIST, EINVAL, ENOENT},
        event_channel::{VIRQ_CONSOLE, VIRQ_TIMER},
    },
    entry::PtRegs,
    events::{self, Bitmaps, Port},
    hypercall::{
        Errno,
        event_channel::{Connection, Status, Virq},
    },
    shared_info, vcpu,
};

/// The first vector of the legacy controllers.
pub(super) const FIRST_PIC: u8 = 0xe0;
/// Vector of the serial port: line 4.
pub(crate) const SERIAL: u8 = FIRST_PIC + 4;
/// Vectors of interrupts of the legacy controllers that went away; they are not acknowledged.
pub(crate) const SPURIOUS_PIC: [u8; 2] = [FIRST_PIC + 7, FIRST_PIC + 15];
/// Vector of the local APIC's timer.
pub(crate) const TIMER: u8 = 0xf0;
/// Vector by which the kernel interrupts itself.
pub(crate) const REQUEST: u8 = 0xf1;
/// Vector of interrupts of the local APIC that went away; it is not acknowledged.
pub(crate) const SPURIOUS: u8 = 0xff;

/// A source of events.
struct Source {
    virq: Virq,
    port: Port,
    is_bound: AtomicBool,
}

const fn source(virq: u32, port: u32) -> Source {
    Source { virq: Virq(virq), port: Port(port), is_bound: AtomicBool::new(false) }
}

static SOURCES: [Source; 2] = [source(VIRQ_TIMER, 1), source(VIRQ_CONSOLE, 2)];

/// Gives a source its port, and lets its interrupts come.
///
/// # Errors
///
/// `ENOENT` for a source that there is not, `EEXIST` for one that has its port.
pub(super) fn bind(virq: Virq) -> Result<Port, Errno> {
    let source = SOURCES.iter().find(|source| source.virq == virq).ok_or(Errno(ENOENT))?;
    if source.is_bound.swap(true, Relaxed) {
        return Err(Errno(EEXIST));
    }
    if virq.0 == VIRQ_CONSOLE {
        pic::unmask_serial();
    }
    Ok(source.port)
}

/// Returns what a port is connected to.
///
/// # Errors
///
/// `EINVAL` for a port that the bitmaps have no bits for.
pub(super) fn status(port: Port) -> Result<Status, Errno> {
    if !port.is_valid() {
        return Err(Errno(EINVAL));
    }
    let mut bound = SOURCES.iter().filter(|source| source.is_bound.load(Relaxed));
    let connection = bound
        .find(|source| source.port == port)
        .map_or(Connection::Closed, |source| Connection::Virtual(source.virq));
    Ok(Status { connection, vcpu: vcpu::current().number() })
}

/// Handles an interrupt, whose vector is in the place of the error code; called by its entry with
/// interrupts disabled, on the stack of upcalls.
#[inline(never)]
pub(crate) extern "C" fn handle(regs: &mut PtRegs) {
    let [vector, ..] = regs.error_code.to_le_bytes();
    match vector {
        TIMER => {
            raise(VIRQ_TIMER);
            apic::end_of_interrupt();
        }
        SERIAL => {
            raise(VIRQ_CONSOLE);
            pic::end_of_serial();
        }
        REQUEST => apic::end_of_interrupt(),
        _ => {}
    }
    events::handle(regs);
}

/// Sets the bits of a source's port.
fn raise(virq: u32) {
    let mut sources = SOURCES.iter().filter(|source| source.is_bound.load(Relaxed));
    let Some(Source { port, .. }) = sources.find(|source| source.virq.0 == virq) else { return };
    let (vcpu, word) = (shared_info::of_vcpu(vcpu::current()), port.word());
    let pending = shared_info::pending_word(usize::try_from(word).unwrap_or(usize::MAX));
    let is_new = pending.fetch_or(port.bit(), AcqRel) & port.bit() == 0;
    if is_new && vcpu.masked(word) & port.bit() == 0 && vcpu.select(word) {
        vcpu.set_due();
    }
}
