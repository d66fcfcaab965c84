//! An event that is due behind MOV to SS: it has to wait for one instruction more.
//!
//! Where a kernel changes SS and then RSP nothing may come in between. A string of port input that is
//! done in several exits is the instruction behind: after the first of them it is still to be done,
//! and the event is deliverable since the instruction before.
//! Expected: the upcall interrupts what comes behind the string, which is complete by then; without
//! MOV to SS it comes before the string is.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use scenarios::programs::{Ring, Stage, exception};
use xenolith_guest::{
    StartInfo,
    abi::xenolith::KERNEL_SS,
    check, check_eq,
    entry::{Frame, PtRegs},
    events::{self, Port},
    hypercall::event_channel::{bind_ipi, send},
    irq::{self, Flags},
    probe::exception::continue_with,
    scenario::Checks,
    shared_info,
    vcpu::VcpuId,
};

xenolith_guest::scenario!(run);

/// `mov byte ptr [rbx], 0`, which allows upcalls.
const ALLOW: [u8; 3] = [0xc6, 0x03, 0x00];
/// `mov ss, eax`
const MOV_SS: [u8; 2] = [0x8e, 0xd0];
/// `mov es, eax`, of the same length, which holds nothing back.
const MOV_ES: [u8; 2] = [0x8e, 0xc0];
/// `rep insb`
const STRING: [u8; 2] = [0xf3, 0x6c];

/// Bytes of the string: more than are done in one exit.
const BYTES: u64 = 3 * 4096;

/// RIP and RCX where the last upcall interrupted.
static AT: AtomicU64 = AtomicU64::new(0);
static LEFT: AtomicU64 = AtomicU64::new(0);

fn note(frame: &mut PtRegs) {
    AT.store(frame.rip, Relaxed);
    LEFT.store(frame.rcx, Relaxed);
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.error(format_args!("exceptions: {error}")),
    };
    check_eq!(checks, events::install(), Ok(()));
    let port = match bind_ipi(VcpuId::BOOT) {
        Ok(port) => port,
        Err(error) => return checks.fail(format_args!("bind_ipi: {error}")),
    };
    events::set_handler(port, |_| {});
    events::unmask(port);
    events::set_observer(Some(note));
    let (at, left) = interrupted(checks, &mut stage, port, MOV_ES);
    check_eq!(checks, at, ALLOW.len() + MOV_ES.len(), "behind MOV to ES: RIP");
    check!(checks, left != 0 && left < BYTES, "behind MOV to ES: {left} bytes left");
    let (at, left) = interrupted(checks, &mut stage, port, MOV_SS);
    check_eq!(checks, at, ALLOW.len() + MOV_SS.len() + STRING.len(), "behind MOV to SS: RIP");
    check_eq!(checks, left, 0, "behind MOV to SS: bytes left");
}

/// Returns how far into the program the upcall came, and how many bytes of the string were left.
fn interrupted(checks: &mut Checks, stage: &mut Stage, port: Port, load: [u8; 2]) -> (usize, u64) {
    irq::irq_disable();
    check_eq!(checks, send(port), Ok(()));
    let mask = shared_info::of_vcpu(VcpuId::BOOT).upcall_mask();
    let code = [&ALLOW[..], &load[..], &STRING[..]];
    let mut bytes = [0; ALLOW.len() + 2 + STRING.len()];
    for (byte, from) in bytes.iter_mut().zip(code.into_iter().flatten()) {
        *byte = *from;
    }
    let buffer = stage.page(Stage::FREE).as_u64();
    let frame = Frame {
        rax: if load == MOV_SS { KERNEL_SS.into() } else { 0 },
        rbx: core::ptr::from_ref(mask).addr() as u64,
        rcx: BYTES,
        rdx: 0x80,
        rdi: buffer,
        ..stage.load(Ring::Kernel, &bytes, Flags::DISABLED)
    };
    let before = events::count(port);
    let seen = continue_with(&frame);
    irq::irq_disable();
    check_eq!(checks, seen.cause(), exception(3), "the end of the program");
    check_eq!(checks, (seen.rcx, seen.rdi), (0, buffer + BYTES), "the string is complete");
    check_eq!(checks, events::count(port), before + 1, "one event");
    let at = AT.swap(0, Relaxed).wrapping_sub(frame.rip);
    (usize::try_from(at).unwrap_or(usize::MAX), LEFT.load(Relaxed))
}
