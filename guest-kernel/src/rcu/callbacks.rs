//! Waiting for a grace period, and having something done behind one.

use alloc::{boxed::Box, vec::Vec};
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::GracePeriod;
use crate::{
    context,
    irq::EventsOffLock,
    tasks::{self, Full, WaitQueue},
};

/// What shall be done behind a grace period.
type Callback = Box<dyn FnOnce() + Send>;

static CALLBACKS: EventsOffLock<Vec<Callback>> = EventsOffLock::new(Vec::new());

/// Where RCU's task waits for callbacks.
static WORK: WaitQueue = WaitQueue::new();

static GRACE_PERIODS: AtomicU64 = AtomicU64::new(0);

static CALLBACKS_RUN: AtomicU64 = AtomicU64::new(0);

/// Returns how many grace periods have ended.
pub fn grace_periods() -> u64 {
    GRACE_PERIODS.load(Relaxed)
}

/// Returns how many callbacks have been run.
pub fn callbacks_run() -> u64 {
    CALLBACKS_RUN.load(Relaxed)
}

/// Waits for a grace period: every reader that was reading has then finished.
///
/// # Panics
///
/// In a reader, in an upcall, and elsewhere where preemption is disabled.
pub fn synchronize() {
    let context = context::current();
    assert!(context.count.is_zero(), "a reader that waits for readers waits for ever");
    let vcpus = [&context.watching];
    let period = GracePeriod::begin(vcpus);
    loop {
        // On this vCPU, the change of tasks itself ends it.
        tasks::schedule();
        if !tasks::is_started() || period.has_ended(vcpus) {
            break;
        }
    }
    GRACE_PERIODS.fetch_add(1, Relaxed);
}

/// Has `callback` called behind a grace period, by RCU's task.
pub fn call(callback: impl FnOnce() + Send + 'static) {
    let callback = Box::new(callback);
    CALLBACKS.lock().push(callback);
    WORK.wake_one();
}

/// Starts RCU's task.
pub(crate) fn start() -> Result<(), Full> {
    let id = tasks::spawn("rcu", run)?;
    tasks::detach(id).map_err(|_| Full)
}

/// Runs for ever.
fn run() -> u64 {
    loop {
        let batch = WORK.wait_for(|| {
            let batch = core::mem::take(&mut *CALLBACKS.lock());
            (!batch.is_empty()).then_some(batch)
        });
        synchronize();
        for callback in batch {
            callback();
            CALLBACKS_RUN.fetch_add(1, Relaxed);
        }
    }
}
