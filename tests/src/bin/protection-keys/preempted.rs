//! A value for each task, whenever tasks change.

use core::time::Duration;

use scenarios::programs::Stage;
use xenolith_guest::{
    check, check_eq,
    probe::exception::write,
    protection_keys::{self, Access, Pkrs},
    scenario::Checks,
    tasks, time,
    traps::{Fault, probe_read},
    x86_64::VirtAddr,
};

use crate::{
    PAGES,
    access::{load_expected, store_expected},
    keys,
};

/// How long two tasks take the processor from each other: some slices for each.
const TIME: Duration = Duration::from_millis(60);

/// What tasks are allowed with the page of each key.
const TASKS: [[Access; 2]; 2] = [[Access::Write, Access::None], [Access::Read, Access::Write]];

pub(crate) fn check(checks: &mut Checks, stage: &Stage) {
    let pages = [PAGES[0], PAGES[1]].map(|page| stage.page(page) + 32);
    keys()[0].set_access(Access::Write);
    let mine = protection_keys::current();
    // The second time in the places of those who have ended, and by their own will.
    for yields in [false, true] {
        let spawned =
            TASKS.map(|access| tasks::spawn("keys", move || strive(pages, access, yields)));
        let results = spawned.map(|task| task.map(tasks::join));
        for (result, access) in results.into_iter().zip(TASKS) {
            let Ok(Ok(result)) = result else {
                return checks.fail(format_args!("a task: {result:?}"));
            };
            let [wrong, preempted] = [result >> 32, result & 0xffff_ffff];
            check_eq!(
                checks,
                wrong,
                0,
                "what the task with {access:?} found wrong, yielding: {yields}"
            );
            check!(checks, preempted > 0 || yields, "a task was not preempted");
        }
        check_eq!(checks, protection_keys::current(), mine, "the task that waited");
    }
}

/// Behind a fault, another task's may have come before CR2 is read.
fn without_cr2(fault: Fault) -> Fault {
    Fault { cr2: 0, ..fault }
}

/// Uses both pages for a time. Returns how often something was wrong, and how often the task was
/// preempted.
fn strive(pages: [VirtAddr; 2], allowed: [Access; 2], yields: bool) -> u64 {
    let mut wrong = u64::from(protection_keys::current() != Some(Pkrs::DEFAULT));
    let mine = keys().into_iter().zip(allowed).fold(Pkrs::DEFAULT, |pkrs, (key, access)| {
        key.set_access(access);
        pkrs.with(key, access)
    });
    let end = time::now() + TIME;
    while time::now() < end {
        wrong += u64::from(protection_keys::current() != Some(mine));
        for (address, access) in pages.into_iter().zip(allowed) {
            let (stored, wanted) = (write(address, 5_u64), store_expected(access, address));
            wrong += u64::from(stored.map_err(without_cr2) != wanted.map_err(without_cr2));
            let loaded = probe_read::<u64>(address).map(|_| 5);
            let wanted = load_expected(access, address, 5);
            wrong += u64::from(loaded.map_err(without_cr2) != wanted.map_err(without_cr2));
        }
        if yields {
            tasks::schedule();
        }
    }
    wrong << 32 | tasks::current().account.preempted & 0xffff_ffff
}
