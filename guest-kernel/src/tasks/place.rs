//! What belongs to the task in each place, apart from what the scheduler knows: saved registers,
//! the bounds of its stack, what it shall do.

use alloc::boxed::Box;
use core::{
    fmt,
    ops::Range,
    sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use x86_64::VirtAddr;

use super::{
    Name, PLACES, SCHEDULER,
    stack::{self, Stack},
};
use crate::{
    context, entry::Frame, irq::EventsOffLock, process::Process, protection_keys::SavedPkrs,
};

/// What a task does; returns its result.
pub(super) type Body = Box<dyn FnOnce() -> u64 + Send>;

/// What the task in a place leaves while it does not run.
#[derive(Debug)]
pub(super) struct Place {
    /// The stack pointer; the other registers are on the stack.
    pub(super) rsp: AtomicU64,
    /// The innermost point of [`traps::catch`](crate::traps::catch).
    pub(super) catch_point: AtomicPtr<()>,
    /// What it may do with pages that have a protection key.
    pub(super) keys: SavedPkrs,
    /// The process that the task runs, if it does.
    pub(super) process: AtomicPtr<Process>,
    /// The bounds of the stack; zero for a stack that is not ours to check.
    low: AtomicU64,
    top: AtomicU64,
}

static TABLE: [Place; PLACES] = [const { Place::empty() }; PLACES];

/// The stacks of all tasks but that of the main function, and what tasks have not begun.
static OWNED: EventsOffLock<[(Option<Stack>, Option<Body>); PLACES]> =
    EventsOffLock::new([const { (None, None) }; PLACES]);

/// The place of the running task.
static CURRENT: AtomicUsize = AtomicUsize::new(0);

impl Place {
    const fn empty() -> Self {
        Self {
            rsp: AtomicU64::new(0),
            catch_point: AtomicPtr::new(core::ptr::null_mut()),
            keys: SavedPkrs::new(),
            process: AtomicPtr::new(core::ptr::null_mut()),
            low: AtomicU64::new(0),
            top: AtomicU64::new(0),
        }
    }

    /// Says where the task's stack is.
    pub(super) fn set_stack(&self, low: VirtAddr, top: VirtAddr) {
        self.low.store(low.as_u64(), Relaxed);
        self.top.store(top.as_u64(), Relaxed);
    }

    /// Returns the end of the task's stack.
    pub(super) fn top(&self) -> VirtAddr {
        VirtAddr::new(self.top.load(Relaxed))
    }

    fn low(&self) -> VirtAddr {
        VirtAddr::new(self.low.load(Relaxed))
    }

    fn holds(&self, rsp: u64) -> bool {
        (self.low.load(Relaxed)..=self.top.load(Relaxed)).contains(&rsp)
    }
}

/// Returns the place of a number.
pub(super) fn place(number: usize) -> &'static Place {
    &TABLE[number]
}

/// Returns the place of the running task.
pub(super) fn current() -> &'static Place {
    place(CURRENT.load(Relaxed))
}

/// Says whose turn it is.
pub(super) fn set_current(number: usize) {
    CURRENT.store(number, Relaxed);
}

/// Says which process the running task runs, or that it runs none; events are disabled.
pub(crate) fn set_process(process: *mut Process) {
    current().process.store(process, Relaxed);
}

/// Returns the places of tasks whose process is one of those meant; events are disabled.
pub(super) fn of_process(is_meant: impl Fn(&Process) -> bool) -> impl Iterator<Item = usize> {
    let is_meant = move |place: &&Place| {
        // SAFETY: a process is there as long as its task says that it has one.
        unsafe { place.process.load(Relaxed).as_ref() }.is_some_and(&is_meant)
    };
    TABLE.iter().enumerate().filter(move |(_, place)| is_meant(place)).map(|(number, _)| number)
}

/// Gives the task in a place a stack and something to do.
pub(super) fn furnish(number: usize, stack: Stack, body: Body) {
    place(number).set_stack(stack.low(), stack.top());
    place(number).catch_point.store(core::ptr::null_mut(), Relaxed);
    place(number).keys.reset();
    OWNED.lock()[number] = (Some(stack), Some(body));
}

/// Takes what the running task shall do.
pub(super) fn take_body() -> Body {
    let body = OWNED.lock()[CURRENT.load(Relaxed)].1.take();
    body.expect("a task begins once")
}

/// Gives the stack of a task that has ended back.
pub(super) fn clear(number: usize) {
    // Dropped behind the lock: the heap has one of its own.
    let stack = OWNED.lock()[number].0.take();
    drop(stack);
}

/// Returns whether the caller runs on the stack of the running task.
pub(super) fn is_on_task_stack() -> bool {
    let here = 0_u8;
    current().holds(VirtAddr::from_ptr(&raw const here).as_u64())
}

/// Returns where the stack of the running task is, without its guard page.
pub fn stack() -> Range<VirtAddr> {
    let place = current();
    place.low()..place.top()
}

/// The bytes that a task must leave free for being interrupted.
const RESERVE: u64 = 512;

/// Ends the kernel if the running task, interrupted with these registers, has used up its stack.
pub(crate) fn check_interrupted_stack(frame: &Frame) {
    let place = current();
    if place.low.load(Relaxed) == 0 || frame.is_user() || context::current().count.in_interrupt() {
        return;
    }
    if place.holds(frame.rsp) && frame.rsp - place.low().as_u64() < RESERVE {
        overflowed(format_args!("{:#x} bytes are left", frame.rsp - place.low().as_u64()));
    }
    check_canary();
}

/// Ends the kernel if the running task has written over the end of its stack.
pub(super) fn check_canary() {
    let low = current().low();
    if !low.is_null() && !stack::is_canary_alive(low) {
        overflowed(format_args!("it has written over its end at {:#x}", low.as_u64()));
    }
}

fn overflowed(how: fmt::Arguments<'_>) {
    // Whoever holds the lock has been interrupted and will not go on.
    let name = SCHEDULER.try_lock().map_or(Name::new("?"), |it| it.current().name);
    panic!("stack overflow in task {name}: {how}");
}
