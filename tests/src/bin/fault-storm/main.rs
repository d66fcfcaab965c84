//! Many processes that fault on page after page, preempted in the middle of it.
//!
//! A fault that another interrupts must not lose a frame, nor give one to two processes: each writes
//! what only it knows, and looks at every page again. Where the processor has SMAP and SMEP, nothing of
//! a process is the kernel's to touch by accident, whatever AC the process has.
//! Expected: the programs' own checks of every page; as many frames free as before; a fault for the
//! kernel's access to a process's page unless AC is set, which it never is in a handler.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use scenarios::{
    processes::{check_balance, start},
    programs::exception,
};
use xenolith_guest::{
    StartInfo, check, check_eq, cpuid,
    entry::Vector,
    irq,
    probe::{
        Window, control,
        flags::{self, AC},
    },
    process::{
        self,
        table::{Parent, Status},
    },
    scenario::Checks,
    tasks,
    traps::{self, probe_read},
    user,
    x86_64::structures::paging::PageTableFlags,
};

xenolith_guest::scenario!(main);

/// Bits of CPUID leaf 7, EBX, and of CR4, for SMEP and SMAP.
const OFFERED: [u32; 2] = [1 << 7, 1 << 20];
const IN_CR4: [u64; 2] = [1 << 20, 1 << 21];

/// `int3; ud2`
const PROGRAM: [u8; 3] = [0xcc, 0x0f, 0x0b];

fn main(checks: &mut Checks, info: &'static StartInfo) {
    let mut window = Window::take(info);
    let of_user = Window::DATA | PageTableFlags::USER_ACCESSIBLE;
    window.map(0, window.own_frame(0), of_user);
    window.write(0, &PROGRAM);
    if !start(checks, info) {
        return;
    }
    check_protection(checks, &window);
    check_balance(checks, "a storm of faults", storm);
}

/// AC in the handler of what the process below raises.
static AC_INSIDE: AtomicU64 = AtomicU64::new(u64::MAX);

fn check_protection(checks: &mut Checks, window: &Window) {
    let offered = OFFERED.map(|bit| cpuid::read(7, 0).ebx & bit != 0);
    let is_on = IN_CR4.map(|bit| control::cr4() & bit != 0);
    check_eq!(checks, is_on, offered, "SMEP and SMAP");
    let [_, smap] = is_on;
    let page = window.address(0);
    let fault = probe_read::<u8>(page).map_err(|fault| (fault.vector, fault.error_code));
    let expected = if smap { Err((Vector(14), 1)) } else { Ok(PROGRAM[0]) };
    check_eq!(checks, fault, expected, "a process's page");
    flags::set(AC);
    let read = probe_read::<u8>(page).map_err(|fault| fault.error_code);
    flags::clear(AC);
    check_eq!(checks, read, Ok(PROGRAM[0]), "the same with AC");
    traps::set_handler(
        Vector(3),
        Some(|_| AC_INSIDE.store(irq::native_save_flags() & AC, Relaxed)),
    );
    let mut frame = user::program(page, page + 4096_u64);
    frame.rflags |= AC;
    check_eq!(checks, user::run(&mut frame), exception(6), "a process with AC");
    check_eq!(checks, frame.rflags & AC, AC, "AC is the process's");
    if smap {
        check_eq!(checks, AC_INSIDE.load(Relaxed), 0, "AC in the handler");
    }
    traps::set_handler(Vector(3), None);
}

/// Eight storms, and one process that is only busy.
fn storm(checks: &mut Checks) {
    const STORMS: usize = 8;
    let programs = [("storm", "10"); STORMS].into_iter().chain([("spin", "1")]);
    let all: [_; STORMS + 1] = {
        let mut programs = programs;
        core::array::from_fn(|_| {
            let (name, arguments) = programs.next().unwrap_or_default();
            process::spawn(name, arguments.as_bytes(), Parent::Kernel).ok()
        })
    };
    tasks::sleep(Duration::from_millis(50));
    let preempted: u64 = tasks::list().iter().map(|task| task.account.preempted).sum();
    for process in all {
        let status = process.and_then(|process| process::wait(process, Parent::Kernel).ok());
        check_eq!(checks, status, Some(Status::Exited(0)), "{process:?}");
    }
    check!(checks, preempted >= 2, "preempted {preempted} times");
}
