//! The change from one task to another.
//!
//! It is a call that returns in another task: only what a call must preserve is saved. The vector
//! registers are not, because kernels are compiled without them.
//!
//! ```text
//! low   r15 r14 r13 r12 rbp rbx   ← the saved stack pointer
//! high  return address            where the task goes on, or its first instruction
//! ```

use core::{arch::naked_asm, sync::atomic::Ordering::Relaxed};

use x86_64::VirtAddr;

use super::{SCHEDULER, Switch, Why, clock, life, place};
use crate::{context, irq, process, time, traps};

/// Lets other tasks run; returns when it is this one's turn again.
///
/// # Panics
///
/// In an upcall, and where preemption is disabled.
pub fn schedule() {
    if !life::is_started() {
        return;
    }
    let _off = irq::disable_for_now();
    let context = context::current();
    assert!(context.count.is_zero(), "scheduling where preemption is disabled");
    // Events are disabled here by hand, which tracing is not told of.
    let traced = context.trace.is_enabled();
    note_quiescent_and_switch(Why::Voluntary);
    context.trace.set(traced);
}

/// Changes to the next task, with events disabled.
pub(crate) fn note_quiescent_and_switch(why: Why) {
    let context = context::current();
    place::check_canary();
    // It belongs to the task, not to whoever runs next.
    let in_call = context.take_preemptible_call();
    context.watching.note_quiescent();
    let switch = SCHEDULER.lock().switch(time::now(), why);
    context.set_need_resched(false);
    clock::arm();
    if let Some(switch) = switch {
        change(switch);
        finish();
    }
    if in_call {
        context.set_preemptible_call(true);
    }
    if process::is_interrupt_due() {
        // Its way back to ring 3 looks for that only if something is due.
        context.set_need_resched(true);
    }
}

fn change(Switch { from, to }: Switch) {
    let (old, new) = (place::place(from), place::place(to));
    PREVIOUS.store(from, Relaxed);
    place::set_current(to);
    let processes = [old, new].map(|place| place.process.load(Relaxed));
    process::change(processes[0], processes[1], new.top());
    old.keys.change_to(&new.keys);
    let point = traps::exchange_catch_point(new.catch_point.load(Relaxed));
    old.catch_point.store(point, Relaxed);
    // SAFETY: the task to change to has left its registers there, or `prepare` has, and its stack
    // is its own.
    unsafe { switch_stacks(old.rsp.as_ptr(), new.rsp.load(Relaxed)) }
}

/// The place of the task that ran before.
static PREVIOUS: core::sync::atomic::AtomicUsize = core::sync::atomic::AtomicUsize::new(0);

/// Completes a change, in the task that was changed to.
pub(super) fn finish() {
    let previous = PREVIOUS.load(Relaxed);
    let ended = SCHEDULER.lock().has_ended(previous);
    if ended {
        place::clear(previous);
    }
}

/// Words that [`switch_stacks`] saves.
const SAVED: u64 = 6;

/// Lays out the stack of a task that begins with `first`; returns its stack pointer.
///
/// # Safety
///
/// The stack below `top` must be mapped and nobody else's.
pub(super) unsafe fn prepare(top: VirtAddr, first: extern "C" fn() -> !) -> u64 {
    // As a call leaves it: the return address, which ends every chain of frames, is zero.
    let address = top - 2 * 8;
    let slot: *mut extern "C" fn() -> ! = address.as_mut_ptr();
    // SAFETY: the slot is on the stack, which is the caller's to give.
    unsafe { slot.write(first) };
    address.as_u64() - SAVED * 8
}

/// Saves registers on the stack and the stack pointer at `save`; goes on with those at `load`.
///
/// # Safety
///
/// `load` must be a stack pointer saved here or made by [`prepare`], and used once.
#[unsafe(naked)]
unsafe extern "C" fn switch_stacks(_save: *mut u64, _load: u64) {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rdi], rsp",
        "mov rsp, rsi",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
    )
}
