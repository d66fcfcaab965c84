//! Upcalls that find the kernel about to make a call again, and what they do to it.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use scenarios::events;
use xenolith_guest::{
    abi::{errno::EAGAIN, event_channel::VIRQ_TIMER, xenolith::NO_RESTART},
    check,
    entry::PtRegs,
    hypercall::timer,
    irq,
    probe::{hypercall::by_page_in_pieces, memory::read_bytes},
    scenario::Checks,
    time::{self, SystemTime},
    x86_64::VirtAddr,
};

/// Nanoseconds from one event to the next; 0 for none.
static PERIOD_NS: AtomicU64 = AtomicU64::new(0);
/// Upcalls on a SYSCALL.
static CUTS: AtomicU64 = AtomicU64::new(0);
/// What is done to the next call that is cut: 0 is nothing, else 1 and up for each of [`TRICKS`].
static TRICK: AtomicU64 = AtomicU64::new(0);

/// Something that is done to a call that has been cut, by its number and its arguments.
pub(crate) type Trick = fn(u64, &mut [u64; 5]);

/// What can be done.
const TRICKS: [Trick; 2] = [crate::unmapped::strike, crate::lies::lie];

/// Has the kernel's own observer called as well.
pub(crate) fn install(checks: &mut Checks, observer: fn(&mut PtRegs)) {
    let port = events::virq(VIRQ_TIMER, |_| arm());
    check!(checks, port.is_ok(), "VIRQ_TIMER");
    xenolith_guest::events::set_observer(Some(observer));
}

/// Looks at an upcall; returns whether it has cut a call.
pub(crate) fn observe(frame: &mut PtRegs) -> bool {
    if read_bytes(VirtAddr::new(frame.rip)) != [0x0f, 0x05] {
        return false;
    }
    CUTS.fetch_add(1, Relaxed);
    let mut arguments = [frame.rdi, frame.rsi, frame.rdx, frame.r10, frame.r8];
    play(frame.rax, &mut arguments);
    [frame.rdi, frame.rsi, frame.rdx, frame.r10, frame.r8] = arguments;
    true
}

/// Has something done to the next call that is cut.
pub(crate) fn prepare(trick: Trick) {
    let index = TRICKS.iter().position(|&known| core::ptr::fn_addr_eq(known, trick));
    TRICK.store(index.map_or(0, |index| index as u64 + 1), Relaxed);
}

/// Has nothing done to the next call.
pub(crate) fn forget() {
    TRICK.store(0, Relaxed);
}

/// Does what is to be done to a call that has been cut; returns whether there was anything.
pub(crate) fn play(number: u64, arguments: &mut [u64; 5]) -> bool {
    let trick = TRICK.swap(0, Relaxed);
    let trick = usize::try_from(trick).ok().and_then(|trick| TRICKS.get(trick.checked_sub(1)?));
    if let Some(trick) = trick {
        trick(number, arguments);
    }
    trick.is_some()
}

/// Returns how many upcalls have cut calls.
pub(crate) fn count() -> u64 {
    CUTS.load(Relaxed)
}

/// Has the next event raised, a little later than this.
pub(crate) fn arm() {
    let period = PERIOD_NS.load(Relaxed);
    if period != 0 {
        let next = SystemTime::from_ns(time::now().ns() + period);
        // An error shows in that no call is cut.
        let _ = timer::set(Some(next));
    }
}

/// While this lives, events come and cut calls.
#[must_use = "events stop when it is dropped"]
pub(crate) struct Cutting;

impl Cutting {
    pub(crate) fn every_us(period_us: u64) -> Self {
        PERIOD_NS.store(period_us * 1000, Relaxed);
        irq::irq_enable();
        arm();
        Self
    }
}

impl Drop for Cutting {
    fn drop(&mut self) {
        PERIOD_NS.store(0, Relaxed);
        let _ = timer::set(None);
        irq::irq_disable();
    }
}

/// Makes a call in pieces; the first time it is cut something is done to it.
pub(crate) fn in_pieces(number: u32, mut arguments: [u64; 5]) -> i64 {
    loop {
        let result = by_page_in_pieces(number | NO_RESTART, &mut arguments);
        if result != -EAGAIN {
            return result;
        }
        play(number.into(), &mut arguments);
    }
}
