//! Protection keys of supervisor pages, where the processor has them, and their absence elsewhere.
//!
//! The register that says what may be done belongs to a task, and to nobody who interrupts it: a handler
//! that kept it could do what its kernel never allowed it, one that lost it would leave the task without.
//! What the processor has and the hypervisor hides must not be there by another way.
//! Expected: with keys, page faults that say so, the kernel's own value in handlers and the interrupted
//! one beside the registers, and each task's own behind every change of tasks. Without, an answer that
//! says so, and #GP for whoever tries all the same.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod access;
mod entries;
mod hidden;
mod preempted;

use scenarios::programs::Stage;
use xenolith_guest::{
    StartInfo, check, check_eq, command_line,
    irq::EventsOffLock,
    println,
    probe::raise,
    protection_keys::{self, Access, Key},
    scenario::Checks,
    traps,
};

xenolith_guest::scenario!(run);

/// Pages with the first key, with the second, and without.
const PAGES: [usize; 3] = [Stage::FREE, Stage::FREE + 1, Stage::FREE + 2];

/// The keys of the first two.
static KEYS: EventsOffLock<Option<[Key; 2]>> = EventsOffLock::new(None);

/// Returns the keys that `take` has taken.
fn keys() -> [Key; 2] {
    KEYS.lock().expect("they are taken first")
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    match command_line::value(start.command_line(), "keys") {
        Some("hidden") => hidden::check(checks),
        Some(_) if !hidden::processor_has_keys() => checks.skip("the processor has no PKS"),
        Some("dump") => dump(),
        _ => offered(checks, start),
    }
}

fn take(checks: &mut Checks) {
    let taken = [protection_keys::allocate(), protection_keys::allocate()];
    let numbers = taken.map(|key| key.map(Key::number));
    check_eq!(checks, numbers, [Ok(1), Ok(2)], "the first keys");
    if let [Ok(first), Ok(second)] = taken {
        *KEYS.lock() = Some([first, second]);
    }
}

fn offered(checks: &mut Checks, start: &'static StartInfo) {
    check!(checks, protection_keys::is_offered(), "keys are turned on");
    take(checks);
    if scenarios::tasks::start(checks, start).is_none() {
        return;
    }
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.fail(format_args!("the stage: {error}")),
    };
    for (page, key) in PAGES.into_iter().zip(keys()) {
        check_eq!(checks, stage.window.set_key(page, Some(key)), Ok(()));
    }
    access::check(checks, &mut stage.window);
    entries::check(checks, &mut stage);
    preempted::check(checks, &stage);
    access::check_last(checks);
}

/// Meets an exception that nobody handles, with access that shows.
fn dump() {
    let key = protection_keys::allocate().expect("it is the first");
    traps::install().expect("exceptions have entries");
    key.set_access(Access::Read);
    raise::invalid_opcode();
    println!("went on");
}
