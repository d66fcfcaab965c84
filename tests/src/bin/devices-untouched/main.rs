//! A kernel that could drive the machine itself leaves it alone under Xenolith.
//!
//! The same binary has drivers for bare hardware: serial port, interrupt controllers, timers, the
//! clock of the firmware. One that runs in the wrong world would meet devices that are not there,
//! or belong to the hypervisor.
//! Expected: with everything of the library in use, from the first instruction on, the domain has
//! left its container for no I/O instruction, MSR, register of a local APIC, HLT or descriptor table.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::time::Duration;

use xenolith_guest::{
    StartInfo, check, check_eq, console, events,
    hypercall::xenolith::{exit_counts, exit_reason_name},
    irq, platform, println,
    pvops::{self, World},
    scenario::Checks,
    tasks, time, traps, user,
};

xenolith_guest::scenario!(run);

/// Exit reasons of what only drivers do (SDM 3D, appendix C): HLT, I/O instructions, RDMSR, WRMSR,
/// accesses to the local APIC by its page, to GDTR and IDTR, to LDTR and TR, EPT violations.
const DEVICES: [usize; 8] = [12, 30, 31, 32, 44, 46, 47, 48];

/// How many interrupts of the machine's timer must have come meanwhile, for the counts to mean
/// anything.
const TURNS: u64 = 5;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    check_eq!(checks, pvops::world(), World::Xenolith);
    check_eq!(checks, traps::install(), Ok(()));
    check_eq!(checks, events::install(), Ok(()));
    check!(checks, time::install().is_ok(), "the timer");
    check!(checks, console::install().is_ok(), "input");
    check!(checks, tasks::start(start).is_ok(), "tasks");
    check_eq!(checks, user::install(), Ok(()));
    irq::irq_enable();
    for _ in 0..TURNS {
        check_eq!(checks, time::sleep(Duration::from_millis(2)), Ok(()));
        println!("{} {}", time::wall_clock(), time::now());
    }
    check_eq!(checks, console::read_byte(), None, "input that nobody has typed");
    check!(checks, platform::memory_map().is_ok(), "the memory map");
    check!(checks, time::ticks() >= TURNS, "{} events of the timer", time::ticks());
    let Ok(counts) = exit_counts() else {
        return checks.error(format_args!("this hypervisor does not count exits"));
    };
    check!(checks, counts.total() > 0, "exits are counted");
    for reason in DEVICES {
        let name = exit_reason_name(reason);
        check_eq!(checks, counts.of(reason), 0, "exits for reason {reason}, {name}");
    }
}
