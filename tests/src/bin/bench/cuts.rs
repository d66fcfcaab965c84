//! What it costs to cut a call and to go on with it.
//!
//! An event that interrupts ordinary code has its price too, and so has its handler: what counts is
//! how much more it takes when it meets a long call. So there are four sums: of a call and of a loop,
//! with the timer's event in the middle and without.

use core::hint::black_box;

use xenolith_guest::{
    abi::{
        domain,
        event_channel::VIRQ_TIMER,
        hypercall::{MMU_UPDATE, SET_TRAP_TABLE},
        trap::TrapInfo,
        xenolith::KERNEL_CS,
    },
    clock::ticks,
    hypercall::{
        event_channel::{Virq, bind_virq},
        timer,
    },
    irq,
    probe::{Window, hypercall::syscall},
    time,
    vcpu::VcpuId,
};

use super::{Cost, ROUNDS, allowed, exits};

/// Rounds of a sum.
const CUT_ROUNDS: u64 = 250;

/// Requests of the calls, which take longer than until the latest event.
const HANDLERS: usize = 128;
const UPDATES: usize = 1024;

/// Turns of the loop, of a few instructions each.
const TURNS: u64 = 8000;

/// Instructions to the earliest event; how far apart events are spread; how often they differ.
const EARLIEST: u64 = 4000;
const SPREAD: u64 = 61;
const MOMENTS: u64 = 150;

/// A handler of a vector that nothing raises.
const HANDLER: TrapInfo =
    TrapInfo { vector: 0x90, flags: 0, cs: KERNEL_CS, padding: 0, address: 0xffff_8800_0000_0000 };

/// A long table, and its end.
static HANDLERS_TABLE: [TrapInfo; HANDLERS + 1] = {
    let mut table = [HANDLER; HANDLERS + 1];
    table[HANDLERS].address = 0;
    table
};

/// Measures a call that root serves, and one that the resident serves.
pub(crate) fn measure(window: &mut Window) -> [(&'static str, Cost); 2] {
    const PAGE: usize = 4096;
    bind_virq(Virq(VIRQ_TIMER), VcpuId::BOOT).expect("there is a virtual timer");
    for page in 0..=UPDATES * 16 / PAGE {
        window.restore(page);
    }
    let written = window.own_frame(0).as_u64();
    for index in 0..UPDATES {
        let words = [written + 8 * (index % 512) as u64, 0];
        for (word, value) in words.into_iter().enumerate() {
            window.write(PAGE + 16 * index + 8 * word, &value.to_le_bytes());
        }
    }
    let list = window.address(PAGE).as_u64();
    let table = HANDLERS_TABLE.as_ptr().addr() as u64;
    let updates = [list, UPDATES as u64, 0, domain::SELF.into(), 0];
    let event = sums(|| {
        for turn in 0..TURNS {
            black_box(turn);
        }
    });
    let root = sums(|| assert_eq!(syscall(SET_TRAP_TABLE.into(), [table, 0, 0, 0, 0]), 0));
    let resident = sums(|| assert_eq!(syscall(MMU_UPDATE.into(), updates), 0));
    [
        ("cut and resume, set_trap_table (root)", root.less(event)),
        ("cut and resume, mmu_update", resident.less(event)),
    ]
}

/// Returns what an event costs in the middle of something.
fn sums(run: impl Fn()) -> Cost {
    let with = sum(&run, |round| Some(EARLIEST + round % MOMENTS * SPREAD));
    with.less(sum(&run, |_| None))
}

/// Does something again and again, with an event after so many instructions.
fn sum(run: impl Fn(), event_after: impl Fn(u64) -> Option<u64>) -> Cost {
    let mut cost = Cost::default();
    for round in 0..=CUT_ROUNDS {
        irq::irq_disable();
        let due = event_after(round).map(|instructions| time::record().at(ticks() + instructions));
        timer::set(due).expect("the timer can be set");
        allowed(0, 0);
        let exits_before = exits();
        let before = ticks();
        run();
        let after = ticks();
        // The first round is not like the others and does not count.
        if round > 0 {
            cost.instructions += after - before;
            cost.exits += exits() - exits_before;
        }
    }
    irq::irq_disable();
    timer::set(None).expect("the timer can be stopped");
    let scale = |sum: u64| sum * ROUNDS / CUT_ROUNDS;
    Cost { instructions: scale(cost.instructions), exits: scale(cost.exits) }
}
