//! A kernel that changes the registers, and an argument, between two pieces of its call.
//!
//! Nothing but these says what is left, so a lie is believed: the kernel gets what it asks for then,
//! which is an error, or less than it wanted. Expected: the next calls, which are honest, do all
//! that they are to do.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use scenarios::{
    long_calls::{self, Job, Worker},
    random::Random,
};
use xenolith_guest::{
    abi::{
        hypercall::{GRANT_TABLE_OP, MEMORY_OP, MULTICALL},
        xenolith::NO_RESTART,
    },
    check, check_eq,
    hypercall::memory::current_reservation,
    println,
    scenario::Checks,
};

use crate::cuts::{self, Cutting};

const ROUNDS: u64 = 5;
const PERIOD_US: u64 = 150;
/// Jobs whose calls can be lied in without harm to anything but their own pages and frames.
const JOBS: [Job; 6] =
    [Job::Updates, Job::Operations, Job::Calls, Job::Copies, Job::Reservation, Job::Exchange];
/// Bit of a count: the list is not at its beginning.
const PREEMPTED: u64 = 1 << 31;
/// Addresses that cannot be used.
const NOWHERE: [u64; 6] =
    [0, 8, 1 << 47, 0xffff_8000_0000_0000, 0x5eed_0000_0000_0000, u64::MAX - 7];

/// The lies that come next, and how many were told.
static SEED: AtomicU64 = AtomicU64::new(1);
static TOLD: AtomicU64 = AtomicU64::new(0);

pub(crate) fn check(checks: &mut Checks, worker: &mut Worker) {
    let pages = current_reservation();
    for round in 0..ROUNDS {
        for job in JOBS {
            for form in [long_calls::page, cuts::in_pieces] {
                let cutting = Cutting::every_us(PERIOD_US);
                // What comes of it is the liar's.
                let lied = worker.work(job, &mut |number, arguments| {
                    cuts::prepare(lie);
                    form(number, arguments)
                });
                drop(cutting);
                cuts::forget();
                if job.is_of_memory() {
                    check_eq!(checks, worker.recover(), Ok(()), "{job:?}, round {round}");
                    check_eq!(checks, current_reservation(), pages, "memory, {job:?}");
                }
                let honest = worker.work(job, &mut long_calls::page);
                check_eq!(checks, honest, Ok(()), "{job:?} behind {lied:?}, round {round}");
            }
        }
    }
    let told = TOLD.load(Relaxed);
    println!("{told} lies");
    check!(checks, told > ROUNDS * 4, "{told} lies");
}

/// Tells a lie.
pub(crate) fn lie(number: u64, arguments: &mut [u64; 5]) {
    const GRANTS: u64 = GRANT_TABLE_OP as u64;
    const MEMORY: u64 = MEMORY_OP as u64;
    const CALLS: u64 = MULTICALL as u64;
    let mut random = Random::new(SEED.fetch_add(1, Relaxed));
    TOLD.fetch_add(1, Relaxed);
    let nowhere = random.one_of(&NOWHERE);
    let [rdi, rsi, rdx, r10, r8] = arguments;
    *r8 = random.next();
    let number = number & !u64::from(NO_RESTART);
    // To a list of calls this is a count, and behind its end are requests that take pages away.
    let flag = if number == CALLS { 0 } else { PREEMPTED };
    match number {
        MEMORY => match random.below(3) {
            0 => *rsi = nowhere,
            1 => *rdi = *rdi & 63 | random.next() << 6,
            _ => *rdi &= 63,
        },
        GRANTS => match random.below(3) {
            0 => *rsi = nowhere,
            1 => *rdx = random.one_of(&[0, *rdx / 2, 1 << 31]),
            _ => *rdi |= 1 << 12,
        },
        _ => match random.below(5) {
            0 => *rdi = nowhere,
            1 => *rsi = random.one_of(&[0, flag, *rsi & !PREEMPTED, (*rsi & !PREEMPTED) / 2]),
            2 => *rdx = nowhere,
            3 => *r10 = random.next(),
            _ => (*rdi, *rsi) = (nowhere, u64::MAX),
        },
    }
}
