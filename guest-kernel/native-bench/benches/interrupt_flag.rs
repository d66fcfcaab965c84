//! What the operations on the event mask cost on this processor, beside the same on RFLAGS.
//!
//! The library's own code runs; its shared page is ordinary memory here, with nothing due. In ring 3
//! POPF leaves IF as it is but is the same instruction; CLI and STI cannot be executed there, so
//! the pairs on RFLAGS are PUSHF and POPF without the CLI between them. A package of its own keeps
//! Criterion out of what is built for guests and of the library's tests.

use std::arch::asm;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, criterion_group, criterion_main};
use xenolith_guest::{
    irq::{
        Flags, disable_for_now, irq_disable, irq_enable, native_save_flags, restore_fl, save_fl,
    },
    shared_info::relocate,
    static_pages::StaticPages,
    vcpu,
    x86_64::PhysAddr,
};

/// Does something 64 times, written out: a loop would cost as much as what is measured.
macro_rules! many {
    ($operation:expr) => {
        many!(@four many!(@four many!(@four $operation)))
    };
    (@four $operation:expr) => {{
        $operation;
        $operation;
        $operation;
        $operation;
    }};
}

/// Returns a word that the compiler knows nothing about; takes no instruction.
fn opaque(mut word: u64) -> u64 {
    // SAFETY: no instruction at all.
    unsafe { asm!("/* {0} */", inout(reg) word, options(nomem, nostack, preserves_flags)) };
    word
}

/// Loads RFLAGS.
fn native_restore_flags(flags: u64) {
    // SAFETY: these are the flags of a moment ago, so nothing changes but the arithmetic ones.
    unsafe { asm!("push {0}", "popfq", in(reg) flags) };
}

/// Starts the benches of an operation. Each sample takes as long as the others.
fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat);
    group
}

fn save(criterion: &mut Criterion) {
    let mut group = group(criterion, "save_fl");
    group.bench_function("mask", |bench| bench.iter(|| many!(opaque(save_fl().bits()))));
    group.bench_function("rflags", |bench| bench.iter(|| many!(opaque(native_save_flags()))));
}

/// To a word with IF, which is what ring 3 has in RFLAGS.
fn restore_enabled(criterion: &mut Criterion) {
    let mut group = group(criterion, "restore_fl_enabled");
    let enabled = || Flags::from_bits(opaque(Flags::IF.bits()));
    group.bench_function("mask", |bench| bench.iter(|| many!(restore_fl(enabled()))));
    let flags = native_save_flags();
    let restore = move || native_restore_flags(opaque(flags));
    group.bench_function("rflags", |bench| bench.iter(|| many!(restore())));
}

fn restore_disabled(criterion: &mut Criterion) {
    let mut group = group(criterion, "restore_fl_disabled");
    irq_disable();
    let disabled = || Flags::from_bits(opaque(Flags::DISABLED.bits()));
    group.bench_function("mask", |bench| bench.iter(|| many!(restore_fl(disabled()))));
    irq_enable();
    let flags = native_save_flags() & !Flags::IF.bits();
    let restore = move || native_restore_flags(opaque(flags));
    group.bench_function("rflags", |bench| bench.iter(|| many!(restore())));
}

fn native_pair() {
    let before = opaque(native_save_flags());
    native_restore_flags(before);
}

fn save_disable_restore(criterion: &mut Criterion) {
    let mut group = group(criterion, "save_disable_restore");
    group.bench_function("mask", |bench| bench.iter(|| many!(drop(disable_for_now()))));
    group.bench_function("rflags", |bench| bench.iter(|| many!(native_pair())));
}

fn disable_enable(criterion: &mut Criterion) {
    let mut group = group(criterion, "disable_enable");
    let pair = || {
        irq_disable();
        irq_enable();
    };
    group.bench_function("mask", |bench| bench.iter(|| many!(pair())));
    group.bench_function("rflags", |bench| bench.iter(|| many!(native_pair())));
}

/// Makes the compiler read where the record of the vCPU is, as in a kernel that moves it.
///
/// Else it sees that nobody does, and writes the address into each access.
fn perhaps_move_the_record() {
    static PLACE: StaticPages<1> = StaticPages::new();
    if opaque(0) != 0 {
        // SAFETY: not executed; there is no hypervisor here to be asked.
        let moved = unsafe { relocate(vcpu::current(), &PLACE, PhysAddr::zero(), 0) };
        moved.expect("not executed");
    }
}

/// Samples are short and many, so that some are free of whatever else the host does.
fn settings() -> Criterion {
    perhaps_move_the_record();
    Criterion::default()
        .sample_size(1000)
        .nresamples(1000)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots()
}

criterion_group! {
    name = benches;
    config = settings();
    targets = save, restore_enabled, restore_disabled, save_disable_restore, disable_enable
}
criterion_main!(benches);
