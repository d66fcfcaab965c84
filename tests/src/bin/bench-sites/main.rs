//! Measures operations of pvops at sites, in either world, patched or as linked.
//!
//! Each is executed once and nine times in a row: the difference is eight of them, without what is around,
//! but with what loads their arguments where the compiler does that each time. Printing comes
//! last, so that no output disturbs what is measured. Operations that wait or leave the kernel are
//! measured as parts of others.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec::Vec;

use xenolith_guest::{
    StartInfo, check,
    clock::ticks,
    command_line,
    hypercall::xenolith::exit_counts,
    irq::Flags,
    println,
    probe::pvops as probe,
    pvops::{self, World},
    scenario::Checks,
    x86_64::{
        PhysAddr, VirtAddr,
        instructions::tables::{sgdt, sidt},
        registers::control::Cr3,
        structures::DescriptorTablePointer,
    },
};

xenolith_guest::scenario!(run);

/// Rounds of each, and operations in what is left of one.
const ROUNDS: u64 = 100;
const EACH: u64 = 8;

/// What operations need.
struct Arguments {
    root: PhysAddr,
    gdt: DescriptorTablePointer,
    idt: DescriptorTablePointer,
}

/// An operation, once and nine times in a row.
struct Small {
    name: &'static str,
    once: fn(&Arguments),
    nine_times: fn(&Arguments),
}

macro_rules! small {
    ($name:literal, with $it:ident: $operation:expr) => { small!(@closure $name, $it, $operation) };
    ($name:literal, $operation:expr) => { small!(@closure $name, _unused, $operation) };
    (@closure $name:literal, $it:ident, $operation:expr) => {
        Small {
            name: $name,
            once: |$it| _ = $operation,
            nine_times: |$it| {
                small!(@three small!(@three _ = $operation;););
            },
        }
    };
    (@three $($statement:tt)+) => { $($statement)+ $($statement)+ $($statement)+ };
}

/// The base of GS that SWAPGS exchanges. All rounds together exchange an even number of times, and no
/// access to the register exits.
const KERNEL_GS_BASE: u32 = 0xc000_0102;

/// An address that is mapped.
const HERE: VirtAddr = VirtAddr::new_truncate(0xffff_ffff_8000_0000);

/// Those that do the same in both worlds, or nothing where there is nothing to do.
const OPERATIONS: &[Small] = &[
    small!("irq_disable", pvops::irq_disable()),
    small!("irq_enable", pvops::irq_enable()),
    small!("save_fl", pvops::save_fl()),
    small!("restore_fl(IF)", pvops::restore_fl(Flags::IF)),
    small!("restore_fl(0)", pvops::restore_fl(Flags::DISABLED)),
    small!("swapgs", probe::swapgs()),
    small!("read_cr2", pvops::read_cr2()),
    small!("read_cr3", pvops::read_cr3()),
    small!("write_cr3", with it: probe::write_cr3(it.root)),
    small!("flush_tlb", pvops::flush_tlb()),
    small!("flush_tlb_one", pvops::flush_tlb_one(HERE)),
    small!("wbinvd", pvops::wbinvd()),
    small!("make_pte", pvops::make_pte(0)),
    small!("pte_val", pvops::pte_val(0)),
    small!("set_pte", probe::set_pte(&mut 0, 0)),
    small!("load_gdt", with it: probe::load_gdt(&it.gdt)),
    small!("load_idt", with it: probe::load_idt(&it.idt)),
    small!("read_msr", probe::read_msr(KERNEL_GS_BASE)),
    small!("write_msr", probe::write_msr(KERNEL_GS_BASE, 0)),
    small!("cpuid", pvops::cpuid(0, 0)),
    small!("io_delay", pvops::io_delay()),
];

/// A task register that is loaded is busy and cannot be loaded again, but where nobody loads it.
const UNDER_XENOLITH: &[Small] = &[small!("load_tr", probe::load_tr(0))];

/// What a bare kernel could do instead.
const POPF: &[Small] = &[
    small!("restore_fl(IF)", probe::native_popf(Flags::IF)),
    small!("restore_fl(0)", probe::native_popf(Flags::DISABLED)),
];

/// What an operation costs: instructions and exits, each of `ROUNDS * EACH`.
struct Cost {
    name: &'static str,
    column: &'static str,
    instructions: u64,
    exits: u64,
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let is_called = command_line::value(start.command_line(), "pvops") == Some("unpatched");
    let world = pvops::world();
    let column = match (world, is_called) {
        (World::Xenolith, false) => "Xenolith, patched",
        (World::Xenolith, true) => "Xenolith, called",
        (World::Native, false) => "bare, patched",
        (World::Native, true) => "bare, called",
    };
    let root = Cr3::read().0.start_address();
    let arguments = Arguments { root, gdt: sgdt(), idt: sidt() };
    let measured = |list: &[Small], column| -> Vec<Cost> {
        list.iter().map(|small| measure(small, &arguments, column)).collect()
    };
    let mut costs = measured(OPERATIONS, column);
    if world == World::Xenolith {
        costs.extend(measured(UNDER_XENOLITH, column));
    } else if !is_called {
        costs.extend(measured(POPF, "bare, popf"));
    }
    for cost in costs {
        cost.print();
        let is_about_mask = cost.name.contains("irq_") || cost.name.contains("_fl");
        check!(checks, !is_about_mask || cost.exits == 0, "{}: exits", cost.name);
    }
}

fn measure(small: &Small, arguments: &Arguments, column: &'static str) -> Cost {
    let once = sum(small.once, arguments);
    let nine = sum(small.nine_times, arguments);
    let [instructions, exits] = [nine.0 - once.0, nine.1 - once.1];
    Cost { name: small.name, column, instructions, exits }
}

/// The ticks and exits of all rounds.
#[inline(never)]
fn sum(run: fn(&Arguments), arguments: &Arguments) -> (u64, u64) {
    let exits = || exit_counts().map_or(0, |counts| counts.total());
    let run = core::hint::black_box(run);
    let mut ticks_of_all = 0;
    let before = exits();
    // The first round is not like the others and does not count.
    for round in 0..=ROUNDS {
        pvops::irq_disable();
        let before = ticks();
        run(arguments);
        let after = ticks();
        ticks_of_all += if round > 0 { after - before } else { 0 };
    }
    pvops::irq_disable();
    (ticks_of_all, exits() - before)
}

impl Cost {
    fn print(&self) {
        let &Self { name, column, instructions, exits } = self;
        let tenths = instructions * 10 / (ROUNDS * EACH);
        // Exits include those of the first round.
        let hundredths = exits * 100 / ((ROUNDS + 1) * EACH);
        println!(
            "bench: pvops {name}: {column} | {}.{} | {}.{:02}",
            tenths / 10,
            tenths % 10,
            hundredths / 100,
            hundredths % 100,
        );
    }
}
