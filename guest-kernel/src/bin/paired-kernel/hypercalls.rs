//! The command that makes every hypercall once and shows what it answers and costs.

use xenolith_guest::{
    StartInfo,
    abi::vm_assist::TYPE_WRITABLE_PAGETABLES,
    clock::ticks,
    hypercall::{Errno, console, memory, sched, version, vm_assist, xenolith},
    println,
};

type Call = (&'static str, fn() -> Result<u64, Errno>);

const CALLS: &[Call] = &[
    ("xen_version: version", || version::version().map(|is| is.major << 16 | is.minor)),
    ("xen_version: get_features", || version::features(0).map(u64::from)),
    ("console_io: write nothing", || console::write(&[]).map(|()| 0)),
    ("sched_op: yield", || sched::yield_now().map(|()| 0)),
    ("memory_op: current_reservation", memory::current_reservation),
    ("memory_op: maximum_ram_page", memory::maximum_ram_page),
    ("memory_op: machphys_mapping", || memory::machphys_mapping().map(|table| table.max_mfn)),
    ("vm_assist: writable_pagetables", || vm_assist::enable(TYPE_WRITABLE_PAGETABLES).map(|()| 0)),
    ("xenolith: exit_counts", || xenolith::exit_counts().map(|counts| counts.total())),
];

/// Makes every call and prints a line for each, then where the domain's VM exits come from.
pub(crate) fn show_all(_: &StartInfo) {
    println!("  {:<34}{:>12}{:>12}", "hypercall", "answer", "TSC ticks");
    for (name, call) in CALLS {
        let before = ticks();
        let answer = call();
        let cost = ticks() - before;
        match answer {
            Ok(value) => println!("  {name:<34}{value:>#12x}{cost:>12}"),
            Err(error) => println!("  {name:<34}{error:>12}{cost:>12}"),
        }
    }
    if let Ok(counts) = xenolith::exit_counts() {
        println!("  VM exits so far: {}, of which", counts.total());
        for (reason, count) in counts.iter() {
            println!("  {count:>10}  {}", xenolith::exit_reason_name(reason));
        }
    }
}
