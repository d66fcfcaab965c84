//! Jobs done over and over, in one form each.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use scenarios::{
    long_calls::{self, Job, Worker},
    random::Random,
};
use xenolith_guest::{
    check, println,
    scenario::Checks,
    tasks,
    time::{self, SystemTime},
};

/// How calls are made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    Inline,
    Page,
    Pieces,
    MorePieces,
}

impl Form {
    pub(crate) const ALL: [Self; 4] = [Self::Inline, Self::Page, Self::Pieces, Self::MorePieces];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Inline => "whole, inline",
            Self::Page => "whole, by page",
            Self::Pieces => "in pieces",
            Self::MorePieces => "in more pieces",
        }
    }
}

/// How often each job was done, by form.
static DONE: [[AtomicU64; Job::ALL.len()]; 2] = [const { [const { AtomicU64::new(0) }; 9] }; 2];
/// How often a call was cut and told so.
static CUTS: AtomicU64 = AtomicU64::new(0);
/// Whether somebody changes which memory the domain has.
static MEMORY: AtomicBool = AtomicBool::new(false);

/// Makes a call in a form; in pieces, others may run in between.
fn make(form: Form, number: u32, arguments: [u64; 5]) -> i64 {
    match form {
        Form::Inline => tasks::preemptible_call(|| long_calls::inline(number, arguments)),
        Form::Page => tasks::preemptible_call(|| long_calls::page(number, arguments)),
        Form::Pieces => long_calls::in_pieces(number, arguments, || {
            CUTS.fetch_add(1, Relaxed);
            tasks::cond_resched();
        }),
        Form::MorePieces => long_calls::in_pieces(number, arguments, || {
            CUTS.fetch_add(1, Relaxed);
            tasks::schedule();
        }),
    }
}

/// Does jobs until the end; returns how many, or how many came before one that went wrong, negated.
pub(crate) fn work(mut worker: Worker, form: Form, seed: u64, end: SystemTime) -> u64 {
    let mut random = Random::new(seed ^ (form as u64) << 32);
    let mut rounds: u64 = 0;
    while time::now() < end {
        let mut job = random.one_of(&Job::ALL);
        // The line is slow, and memory one task's at a time.
        if job == Job::Text && !random.once_in(8)
            || job.is_of_memory() && MEMORY.swap(true, Relaxed)
        {
            job = Job::Updates;
        }
        let result = worker.work(job, &mut |number, arguments| make(form, number, arguments));
        if job.is_of_memory() {
            MEMORY.store(false, Relaxed);
        }
        if let Err(wrong) = result {
            println!("{}: {job:?} in round {rounds}: {wrong}", form.name());
            return rounds.wrapping_add(1).wrapping_neg();
        }
        let in_pieces = matches!(form, Form::Pieces | Form::MorePieces);
        DONE[usize::from(in_pieces)][job as usize].fetch_add(1, Relaxed);
        rounds += 1;
        tasks::cond_resched();
    }
    rounds
}

/// Checks that every job was done in each form, and that calls were cut.
pub(crate) fn check(checks: &mut Checks, seconds: u64) {
    for (form, counts) in ["whole", "in pieces"].into_iter().zip(&DONE) {
        for job in Job::ALL {
            let count = counts[job as usize].load(Relaxed);
            println!("{job:?}, {form}: {count}");
            check!(checks, count > 0, "{job:?}, {form}: {count} times");
        }
    }
    let cuts = CUTS.load(Relaxed);
    println!("-EAGAIN: {cuts}");
    check!(checks, cuts > 10 * seconds, "{cuts} times -EAGAIN");
}
