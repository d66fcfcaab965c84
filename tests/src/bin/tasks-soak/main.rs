//! Tasks, timers and long hypercalls at once, for a long time, with every result checked.
//!
//! What a change of tasks in the middle of a call could lose: arguments, the count of what was done,
//! the mark of the call, a wake-up. Each would show sooner or later as a wrong word, a wrong count,
//! a late sleeper or a hang.
//! Expected: nothing of the kind, in calls that go on by themselves and in calls made piece by
//! piece; many changes of tasks in both.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::{format, vec::Vec};
use core::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use xenolith_guest::{
    StartInfo,
    abi::mmu::MmuUpdate,
    check, check_eq, command_line, println,
    probe::{Window, memory::read_u64, mmu},
    rcu,
    scenario::Checks,
    tasks::{self, TaskId, WaitQueue},
    time::{self, SystemTime},
    x86_64::VirtAddr,
};

xenolith_guest::scenario!(run);

/// Updates in a list: several slices' worth.
const UPDATES: usize = 3000;

/// The count of a list that is done.
const DONE: u32 = 3000;

/// Words of a page, each updated several times in a list.
const WORDS: usize = 512;

/// How often a call was cut and told so.
static CUTS: AtomicU64 = AtomicU64::new(0);

/// A page that a task updates, by address and by frame.
#[derive(Clone, Copy)]
struct Page {
    address: VirtAddr,
    frame: u64,
}

fn list(page: Page, round: u64) -> Vec<MmuUpdate> {
    let update = |index: usize| MmuUpdate {
        ptr: page.frame + 8 * (index % WORDS) as u64,
        val: (round << 32) + index as u64,
    };
    (0..UPDATES).map(update).collect()
}

/// Whether each word has the value of its last update.
fn is_done(page: Page, round: u64) -> bool {
    let last = |word: usize| (UPDATES - 1 - (UPDATES - 1 - word) % WORDS) as u64;
    (0..WORDS).all(|word| read_u64(page.address + 8 * word as u64) == (round << 32) + last(word))
}

/// Updates a page until the end; returns how many rounds, or the first that went wrong, negated.
fn update(page: Page, end: SystemTime, make: fn(&[MmuUpdate]) -> bool) -> u64 {
    let mut round = 0;
    while time::now() < end {
        round += 1;
        let list = list(page, round);
        if !make(&list) || !is_done(page, round) {
            return round.wrapping_neg();
        }
        tasks::cond_resched();
    }
    round
}

fn whole(list: &[MmuUpdate]) -> bool {
    tasks::preemptible_call(|| mmu::update(list)) == Ok(DONE)
}

fn in_pieces(list: &[MmuUpdate]) -> bool {
    let between = || {
        CUTS.fetch_add(1, Relaxed);
        tasks::cond_resched();
    };
    mmu::update_in_pieces(list, between) == Ok(DONE)
}

/// Sleeps again and again; returns how often, or 0 if one was too short.
fn sleep(end: SystemTime) -> u64 {
    let mut count = 0;
    while time::now() < end {
        let wanted = Duration::from_micros(500 + 137 * (count % 50));
        let before = time::now();
        tasks::sleep(wanted);
        if time::now() - before < wanted {
            return 0;
        }
        count += 1;
    }
    count
}

/// Hands a token to and fro with its twin; returns how often.
fn pass(side: u64, end: SystemTime) -> u64 {
    static TOKEN: AtomicU64 = AtomicU64::new(0);
    static PASSED: WaitQueue = WaitQueue::new();
    let mut count = 0;
    while time::now() < end {
        let deadline = end + Duration::from_millis(1);
        let mine = PASSED.wait_until(deadline, || (TOKEN.load(Relaxed) % 2 == side).then_some(()));
        if mine.is_some() {
            TOKEN.fetch_add(1, Relaxed);
            count += 1;
            PASSED.wake_all();
        }
        let reader = rcu::read_lock();
        drop(reader);
    }
    count
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    if scenarios::tasks::start(checks, start).is_none() {
        return;
    }
    let mut window = Window::take(start);
    let seconds = command_line::number(start.command_line(), "seconds").unwrap_or(5);
    let end = time::now() + Duration::from_secs(seconds);
    let mut ids: Vec<(&str, TaskId)> = Vec::new();
    for number in 0..2 {
        window.map(number, window.own_frame(number), Window::DATA);
        let (address, frame) = (window.address(4096 * number), window.own_frame(number).as_u64());
        let page = Page { address, frame };
        let (name, make) =
            [("whole", whole as fn(&[MmuUpdate]) -> bool), ("pieces", in_pieces)][number];
        add(checks, &mut ids, name, move || update(page, end, make));
    }
    add(checks, &mut ids, "sleeper", move || sleep(end));
    for side in 0..2 {
        add(checks, &mut ids, "passer", move || pass(side, end));
    }
    tasks::sleep(Duration::from_secs(seconds).saturating_sub(Duration::from_millis(50)));
    let accounts = tasks::list();
    for (name, id) in ids {
        let account = accounts.iter().find(|task| task.id == id).map(|task| task.account);
        println!("{name}: {account:?}");
        let result = tasks::join(id);
        check!(checks, matches!(result, Ok(1..0x8000_0000)), "{name}: {result:x?} rounds");
        println!("{name}: {result:?} rounds");
        if name == "whole" {
            let preempted = account.unwrap_or_default().preempted;
            check!(checks, preempted > 10 * seconds, "{name}: preempted {preempted} times");
        }
    }
    let cuts = CUTS.load(Relaxed);
    check!(checks, cuts > 10 * seconds, "{cuts} times -EAGAIN");
    check_eq!(
        checks,
        tasks::list().len(),
        3,
        "tasks that are left: {}",
        format!("{:?}", tasks::list())
    );
}

fn add(
    checks: &mut Checks,
    ids: &mut Vec<(&str, TaskId)>,
    name: &'static str,
    body: impl FnOnce() -> u64 + Send + 'static,
) {
    match tasks::spawn(name, body) {
        Ok(id) => ids.push((name, id)),
        Err(error) => checks.fail(format_args!("{name}: {error:?}")),
    }
}
