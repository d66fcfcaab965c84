//! The beginning and the end of tasks.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use spin::Once;

use super::{
    Channel, Full, Name, NoSuchTask, SCHEDULER, Task, TaskId, Why, idle, place, preempt,
    scheduler::{IDLE, PLACES},
    stack::{Stack, plant_canary},
    switch,
};
use crate::{StartInfo, context, entry, irq, paging::AddressSpace, rcu, time};

/// The address space in which stacks get their guard pages; set when tasks are started.
static SPACE: Once<AddressSpace> = Once::new();

/// Why tasks cannot be started.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StartError {
    /// There is no timer: see [`time::install`](crate::time::install).
    NoTimer,
    /// There is no room for the first tasks.
    NoRoom,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTimer => "there is no timer",
            Self::NoRoom => "there is no room",
        })
    }
}

impl From<Full> for StartError {
    fn from(Full: Full) -> Self {
        Self::NoRoom
    }
}

/// Makes the caller the first task, and starts the idle task and that of RCU.
///
/// # Errors
///
/// Without a timer, or without room on the heap.
pub fn start(start: &StartInfo) -> Result<TaskId, StartError> {
    if time::timer_port().is_none() {
        return Err(StartError::NoTimer);
    }
    let space = AddressSpace::of_boot(start);
    let _off = irq::disable_for_now();
    let main = SCHEDULER.lock().start(time::now());
    furnish(IDLE, space, Box::new(idle::run))?;
    let stack = entry::boot_stack();
    // SAFETY: the main function has not used its whole stack, or it would have met the guard page.
    unsafe { plant_canary(stack.start) };
    place::place(main.place).set_stack(stack.start, stack.end);
    place::set_current(main.place);
    preempt::choose(start.command_line());
    SPACE.call_once(|| space);
    rcu::start()?;
    Ok(main)
}

/// Returns whether tasks have been started.
pub fn is_started() -> bool {
    SPACE.is_completed()
}

/// Adds a task, which runs `body` when it is its turn; the result of `body` is that of the task.
///
/// # Errors
///
/// If there are as many tasks as there can be, no room for its stack, or tasks were not started.
pub fn spawn(name: &str, body: impl FnOnce() -> u64 + Send + 'static) -> Result<TaskId, Full> {
    let space = *SPACE.get().ok_or(Full)?;
    let body = Box::new(body);
    let _off = irq::disable_for_now();
    let id = SCHEDULER.lock().add(Name::new(name))?;
    let furnished = furnish(id.place, space, body);
    if furnished.is_err() {
        SCHEDULER.lock().withdraw(id);
    }
    super::clock::arm();
    furnished.map(|()| id)
}

/// Gives the task in a place its stack, with registers to begin with.
fn furnish(number: usize, space: AddressSpace, body: place::Body) -> Result<(), Full> {
    let stack = Stack::new(space).ok_or(Full)?;
    // SAFETY: the stack is new.
    let rsp = unsafe { switch::prepare(stack.top(), first) };
    place::place(number).rsp.store(rsp, core::sync::atomic::Ordering::Relaxed);
    place::furnish(number, stack, body);
    Ok(())
}

/// Where every task begins, with events disabled.
extern "C" fn first() -> ! {
    switch::finish();
    context::current().trace.set(true);
    let body = place::take_body();
    irq::irq_enable();
    exit(body())
}

/// Ends the running task; what is on its stack is not dropped.
pub(crate) fn exit(result: u64) -> ! {
    irq::irq_disable();
    SCHEDULER.lock().finish(result);
    switch::note_quiescent_and_switch(Why::Voluntary);
    unreachable!("a task that has ended has another turn");
}

/// Waits for a task to end, and returns its result.
///
/// # Errors
///
/// If there is no such task: another has waited for it.
pub fn join(id: TaskId) -> Result<u64, NoSuchTask> {
    let _off = irq::disable_for_now();
    loop {
        if let Some(result) = SCHEDULER.lock().reap(id)? {
            return Ok(result);
        }
        SCHEDULER.lock().block(Some(Channel::End(id)), None);
        switch::schedule();
    }
}

/// Has a task forgotten when it ends.
///
/// # Errors
///
/// If there is no such task.
pub fn detach(id: TaskId) -> Result<(), NoSuchTask> {
    let mut scheduler = SCHEDULER.lock();
    scheduler.detach(id)?;
    // If it has ended already, now.
    scheduler.reap(id).map(drop)
}

/// Returns the running task, with its account up to now.
pub fn current() -> Task {
    let mut scheduler = SCHEDULER.lock();
    scheduler.charge(time::now());
    *scheduler.current()
}

/// Returns all tasks, with their accounts up to now.
pub fn list() -> Vec<Task> {
    // Room for them before the lock: the heap has a lock of its own.
    let mut tasks = Vec::with_capacity(PLACES);
    let mut scheduler = SCHEDULER.lock();
    if is_started() {
        scheduler.charge(time::now());
    }
    tasks.extend(scheduler.iter());
    tasks
}
