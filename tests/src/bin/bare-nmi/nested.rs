//! More of them while one is handled, with and without an IRET in the handler.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use xenolith_guest::{
    check_eq,
    entry::{PtRegs, Vector},
    probe::{nmi, raise},
    scenario::Checks,
    traps::{self, probe_read},
    x86_64::VirtAddr,
};

/// What a handler does that may end in an IRET.
type Deed = (&'static str, fn());

const DEEDS: &[Deed] = &[
    ("nothing", || ()),
    ("breakpoint", raise::breakpoint),
    ("single step", raise::single_step),
    ("invalid opcode", raise::invalid_opcode),
    ("page fault", || {
        let fault = probe_read::<u64>(VirtAddr::new_truncate(0x1234_5678_9000));
        WRONG.fetch_add(u32::from(fault.is_ok()), Relaxed);
    }),
];

/// The deed, how often handlers still send two, and what is seen.
static DEED: AtomicU32 = AtomicU32::new(0);
static TO_SEND: AtomicU32 = AtomicU32::new(0);
static HANDLED: AtomicU32 = AtomicU32::new(0);
static RUNNING: AtomicU32 = AtomicU32::new(0);
static DEEPEST: AtomicU32 = AtomicU32::new(0);
/// The frames' sums, the first and those that differ from it.
static FIRST: AtomicU64 = AtomicU64::new(0);
static WRONG: AtomicU32 = AtomicU32::new(0);
static EXCEPTIONS: AtomicU32 = AtomicU32::new(0);

fn sum(regs: &PtRegs) -> u64 {
    let all = [regs.rip, regs.rsp, regs.rflags, regs.rbx, regs.rbp, regs.r12, regs.r15, regs.cs];
    all.iter().fold(0, |sum: u64, word| sum.rotate_left(7) ^ word)
}

fn handle(regs: &mut PtRegs) {
    let running = RUNNING.fetch_add(1, Relaxed) + 1;
    DEEPEST.fetch_max(running, Relaxed);
    let before = sum(regs);
    if HANDLED.fetch_add(1, Relaxed) == 0 {
        FIRST.store(before, Relaxed);
    }
    let deed = DEEDS[DEED.load(Relaxed) as usize].1;
    deed();
    if TO_SEND.load(Relaxed) != 0 {
        TO_SEND.fetch_sub(1, Relaxed);
        // Two are as good as one. Behind an IRET each comes at once, to the same stack.
        nmi::send_to_self();
        deed();
        nmi::send_to_self();
    }
    deed();
    let is_same = sum(regs) == before && before == FIRST.load(Relaxed);
    WRONG.fetch_add(u32::from(!is_same), Relaxed);
    RUNNING.fetch_sub(1, Relaxed);
}

/// Goes on behind what a deed raises.
fn count(_: &mut PtRegs) {
    EXCEPTIONS.fetch_add(1, Relaxed);
}

pub(crate) fn check(checks: &mut Checks) {
    const ROUNDS: u32 = 5;
    traps::set_handler(
        Vector(1),
        Some(|regs| {
            regs.rflags &= !(1 << 8);
            count(regs);
        }),
    );
    traps::set_handler(Vector(3), Some(count));
    traps::set_handler(
        Vector(6),
        Some(|regs| {
            regs.rip += 2;
            count(regs);
        }),
    );
    traps::set_handler(Vector(2), Some(handle));
    for (number, (name, _)) in (0..).zip(DEEDS) {
        DEED.store(number, Relaxed);
        TO_SEND.store(ROUNDS, Relaxed);
        for count in [&HANDLED, &DEEPEST, &EXCEPTIONS] {
            count.store(0, Relaxed);
        }
        nmi::send_to_self();
        check_eq!(checks, TO_SEND.load(Relaxed), 0, "{name}: sent");
        // One for each two that were sent, and the first.
        check_eq!(checks, HANDLED.load(Relaxed), ROUNDS + 1, "{name}: handled");
        check_eq!(checks, DEEPEST.load(Relaxed), 1, "{name}: at a time");
        check_eq!(checks, RUNNING.load(Relaxed), 0, "{name}: ended");
        check_eq!(checks, WRONG.load(Relaxed), 0, "{name}: frames");
        let raised = if matches!(number, 1..=3) { 2 * (ROUNDS + 1) + ROUNDS } else { 0 };
        check_eq!(checks, EXCEPTIONS.load(Relaxed), raised, "{name}: exceptions");
    }
    for vector in [1, 2, 3, 6] {
        traps::set_handler(Vector(vector), None);
    }
}
