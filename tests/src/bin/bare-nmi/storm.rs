//! Thousands of them, at any instruction of processes and of the kernel below them.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use scenarios::processes;
use xenolith_guest::{
    StartInfo, check, check_eq,
    entry::{PtRegs, Vector},
    println,
    probe::{Window, nmi, raise},
    process::{
        self,
        table::{Parent, Status},
    },
    scenario::Checks,
    traps,
    x86_64::structures::paging::PageTableFlags,
};

use crate::gs_base;

/// Between two: few enough that something else happens, in 838 ns.
const PERIOD: u16 = 3;

/// Instructions at which the kernel has the stack of a process: SWAPGS and two moves behind SYSCALL,
/// SWAPGS and SYSRET.
const IN_GAP: usize = 5;

static NMIS: AtomicU32 = AtomicU32::new(0);
static IN_PROCESSES: AtomicU32 = AtomicU32::new(0);
static WRONG_GS: AtomicU32 = AtomicU32::new(0);
static GS: AtomicU64 = AtomicU64::new(0);
/// Where the kernel was interrupted on the stack of a process, each once.
static SEEN: [AtomicU64; 16] = [const { AtomicU64::new(0) }; 16];

fn count(regs: &mut PtRegs) {
    let number = NMIS.fetch_add(1, Relaxed);
    WRONG_GS.fetch_add(u32::from(gs_base() != GS.load(Relaxed)), Relaxed);
    if regs.is_user() {
        IN_PROCESSES.fetch_add(1, Relaxed);
    } else if regs.rsp >> 47 == 0 {
        let rip = regs.rip;
        let place = SEEN.iter().find(|it| [0, rip].contains(&it.load(Relaxed)));
        if let Some(place) = place {
            place.store(rip, Relaxed);
        }
    }
    // Behind the IRET of an exception the next one may come at any time: in the handler, and with some
    // delay also on its way back.
    raise::breakpoint();
    (0..number % 1024).for_each(|_| core::hint::spin_loop());
}

pub(crate) fn check(checks: &mut Checks, start: &'static StartInfo) {
    let mut window = Window::take(start);
    if !processes::start(checks, start) {
        return;
    }
    let flags = Window::DATA | PageTableFlags::NO_CACHE;
    window.map(0, nmi::IO_APIC, flags);
    GS.store(gs_base(), Relaxed);
    traps::set_handler(Vector(2), Some(count));
    traps::set_handler(Vector(3), Some(|_| ()));
    // What takes long without them: programs are loaded.
    for (name, arguments) in PROGRAMS {
        processes::run_well(checks, name, arguments);
    }
    nmi::start_clock(window.address(0), PERIOD);
    processes::check_balance(checks, "a storm", run_all);
    nmi::stop_clock(window.address(0));
    report(checks);
}

const PROGRAMS: &[(&str, &str)] =
    &[("measure", "getpid 5000"), ("storm", "2"), ("vectors", "1 5"), ("measure", "yield 1000")];

/// Runs all programs side by side.
fn run_all(checks: &mut Checks) {
    let all = [0, 1, 2, 3].map(|number: usize| {
        let (name, arguments) = PROGRAMS[number];
        process::spawn(name, arguments.as_bytes(), Parent::Kernel).ok()
    });
    for (process, (name, arguments)) in all.into_iter().zip(PROGRAMS) {
        let status = process.and_then(|process| process::wait(process, Parent::Kernel).ok());
        check_eq!(checks, status, Some(Status::Exited(0)), "{name} {arguments}");
    }
}

fn report(checks: &mut Checks) {
    let (nmis, in_processes) = (NMIS.load(Relaxed), IN_PROCESSES.load(Relaxed));
    let places = SEEN.iter().filter(|it| it.load(Relaxed) != 0).count();
    println!("{nmis} interrupts, {in_processes} of processes, {places} places on their stack");
    check!(checks, nmis > 1000, "{nmis} interrupts");
    check!(checks, in_processes > 100, "{in_processes} of processes");
    check_eq!(checks, places, IN_GAP, "places on the stack of processes");
    check_eq!(checks, WRONG_GS.load(Relaxed), 0, "handlers with another GS");
}
