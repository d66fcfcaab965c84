//! What happens in an upcall, and how the hypervisor is told where upcalls go.

use core::sync::atomic::{
    AtomicBool, AtomicU32, AtomicU64,
    Ordering::{Relaxed, SeqCst},
    compiler_fence,
};

use super::{Bitmaps, Cursor, drain, handlers};
use crate::{
    abi::shared_info::LEGACY_MAX_VCPUS,
    atomic_fn::AtomicFn,
    context,
    entry::PtRegs,
    hypercall::Errno,
    platform,
    shared_info::{self, BITMAP_WORDS},
    tasks, vcpu,
};

/// What is shared between an upcall and those nested in it.
struct State {
    /// Set while events are being drained.
    draining: AtomicBool,
    /// Set by an upcall that came meanwhile.
    again: AtomicBool,
    cursor: AtomicU32,
}

impl State {
    const fn new() -> Self {
        Self {
            draining: AtomicBool::new(false),
            again: AtomicBool::new(false),
            cursor: AtomicU32::new(0),
        }
    }
}

/// One for each vCPU.
static STATES: [State; LEGACY_MAX_VCPUS] = [const { State::new() }; LEGACY_MAX_VCPUS];

/// Upcalls so far.
static UPCALLS: AtomicU64 = AtomicU64::new(0);

static OBSERVER: AtomicFn<fn(&mut PtRegs)> = AtomicFn::empty();

/// Masks every port and has upcalls come. Events stay disabled.
///
/// # Errors
///
/// `ENOSYS` under a hypervisor without events.
pub fn install() -> Result<(), Errno> {
    for word in 0..BITMAP_WORDS {
        shared_info::mask_word(word).store(u64::MAX, Relaxed);
    }
    (platform::current().install_upcall)()
}

/// Has every upcall seen by `observer` before its events are served.
pub fn set_observer(observer: Option<fn(&mut PtRegs)>) {
    OBSERVER.store(observer);
}

/// Returns the number of upcalls so far.
pub fn upcalls() -> u64 {
    UPCALLS.load(Relaxed)
}

/// Handles an upcall; called by its entry with events disabled, on the stack of upcalls.
#[inline(never)]
pub(crate) extern "C" fn handle(regs: &mut PtRegs) {
    tasks::check_interrupted_stack(regs);
    let count = &context::current().count;
    count.enter_hardirq();
    UPCALLS.fetch_add(1, Relaxed);
    if let Some(observer) = OBSERVER.load() {
        observer(regs);
    }
    serve();
    count.leave_hardirq();
}

/// Serves all events, with events disabled.
///
/// A handler that enables events may be interrupted by another upcall. That one only leaves word
/// and returns: events are served by the outermost, so the stack never holds more than two.
pub fn serve() {
    let (vcpu, state) = (shared_info::of_vcpu(vcpu::current()), &STATES[vcpu::current().index()]);
    if state.draining.swap(true, Relaxed) {
        // Without this the upcall would be due again before its return.
        vcpu.clear_due();
        state.again.store(true, Relaxed);
        return;
    }
    loop {
        state.again.store(false, Relaxed);
        drain_once(&vcpu, state);
        // A handler may have left events enabled.
        crate::irq::irq_disable();
        if !state.again.load(Relaxed) {
            break;
        }
    }
    state.draining.store(false, Relaxed);
    compiler_fence(SeqCst);
}

fn drain_once(vcpu: &impl Bitmaps, state: &State) {
    let cursor = Cursor::from_word(state.cursor.load(Relaxed));
    let cursor = drain(vcpu, cursor, handlers::call);
    state.cursor.store(cursor.word(), Relaxed);
}
