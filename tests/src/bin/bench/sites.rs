//! Operations of pvops at sites: patched, by a call through the table, and what the bare processor has for
//! them; and what patching takes.

use xenolith_guest::{
    irq::{self, Flags},
    println,
    probe::pvops as probe,
    pvops,
};

use super::{Cost, drain_output, measure, operation};

/// Measures and prints all.
pub(crate) fn print() {
    for small in OF_PVOPS {
        super::print(small.name, measure_small(small), 8);
    }
    print_patching();
}

/// An operation of a few instructions, once and nine times in a row: the difference is eight of them,
/// without the call of the function around.
struct Small {
    name: &'static str,
    once: fn(),
    nine_times: fn(),
}

macro_rules! small {
    ($name:literal, $operation:expr) => {
        Small {
            name: $name,
            once: || _ = $operation,
            nine_times: || {
                small!(@three small!(@three _ = $operation;););
            },
        }
    };
    (@three $($statement:tt)+) => { $($statement)+ $($statement)+ $($statement)+ };
}

/// The operations on the event mask: patched, by a call through the table, and what the bare processor
/// has for it; and others, patched.
const OF_PVOPS: &[Small] = &[
    small!("pvops irq_disable: patched", pvops::irq_disable()),
    small!("pvops irq_disable: called", probe::irq_disable_by_call()),
    small!("pvops irq_disable: cli", probe::native_irq_disable()),
    small!("pvops irq_enable: patched", pvops::irq_enable()),
    small!("pvops irq_enable: called", probe::irq_enable_by_call()),
    small!("pvops irq_enable: sti", probe::native_irq_enable()),
    small!("pvops save_fl: patched", pvops::save_fl()),
    small!("pvops save_fl: called", probe::save_fl_by_call()),
    small!("pvops save_fl: pushf; pop; and", probe::native_save_fl()),
    small!("pvops restore_fl(IF): patched", pvops::restore_fl(Flags::IF)),
    small!("pvops restore_fl(IF): called", probe::restore_fl_by_call(Flags::IF)),
    small!("pvops restore_fl(IF): test; je; sti", probe::native_restore_fl(Flags::IF)),
    small!("pvops restore_fl(IF): push; popf", probe::native_popf(Flags::IF)),
    small!("pvops restore_fl(0): patched", pvops::restore_fl(Flags::DISABLED)),
    small!("pvops restore_fl(0): called", probe::restore_fl_by_call(Flags::DISABLED)),
    small!("pvops restore_fl(0): test; je; sti", probe::native_restore_fl(Flags::DISABLED)),
    small!("pvops read_cr2: patched", pvops::read_cr2()),
    small!("pvops make_pte: patched", pvops::make_pte(0)),
];

/// Measures eight operations of a few instructions.
fn measure_small(&Small { name, once, nine_times }: &Small) -> Cost {
    drain_output();
    let [once, nine] = [once, nine_times].map(|run| {
        let cost = measure(&operation(name, run));
        irq::irq_disable();
        cost
    });
    nine.less(once)
}

/// Sites of each of four operations that are only there to be patched.
const EACH: usize = 2500;

/// Prints what patching all sites at boot took, and how many there are.
fn print_patching() {
    let more = probe::many_sites::<EACH>();
    let patched = pvops::patched().expect("sites are patched");
    assert!(patched.sites > more, "sites are missing");
    let (sites, instructions) = (patched.sites, patched.ticks);
    println!("bench: pvops boot: patching {sites} sites | {instructions}.0 | 0.00");
    drain_output();
    println!("bench: pvops boot: one of them | {}.0 | 0.00", instructions / patched.sites as u64);
}
