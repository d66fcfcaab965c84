//! The command that makes every hypercall once and shows what it answers and costs.

use xenolith_guest::{
    StartInfo,
    abi::{domain::SELF, vm_assist::TYPE_WRITABLE_PAGETABLES},
    clock::ticks,
    events::Port,
    hypercall::{
        Errno, console, event_channel, memory, sched, segment, task, timer, vcpu, version,
        vm_assist, xenolith,
    },
    println, time,
    vcpu::VcpuId,
    x86_64::VirtAddr,
};

type Call = (&'static str, fn() -> Result<u64, Errno>);

const CALLS: &[Call] = &[
    ("xen_version: version", || version::version().map(|is| is.major << 16 | is.minor)),
    ("xen_version: get_features", || version::features(0).map(u64::from)),
    ("console_io: write nothing", || console::write(&[]).map(|()| 0)),
    ("sched_op: yield", || sched::yield_now().map(|()| 0)),
    ("sched_op: poll without ports", || sched::poll(&[], Some(time::now())).map(|()| 0)),
    ("set_timer_op: stop", || timer::set(None).map(|()| 0)),
    ("vcpu_op: is_up", || vcpu::is_up(VcpuId::BOOT).map(u64::from)),
    ("event_channel_op: status", || {
        event_channel::status(SELF, Port(1)).map(|status| status.vcpu.into())
    }),
    ("set_segment_base: fs", || {
        // SAFETY: this kernel does not use FS.
        unsafe { segment::set_base(segment::Base::Fs, VirtAddr::zero()) }.map(|()| 0)
    }),
    ("fpu_taskswitch", || task::fpu_taskswitch(task::FpuUse::Allowed).map(|()| 0)),
    ("memory_op: current_reservation", memory::current_reservation),
    ("memory_op: maximum_ram_page", memory::maximum_ram_page),
    ("memory_op: machphys_mapping", || memory::machphys_mapping().map(|table| table.max_mfn)),
    ("vm_assist: writable_pagetables", || vm_assist::enable(TYPE_WRITABLE_PAGETABLES).map(|()| 0)),
    ("xenolith: exit_counts", || xenolith::exit_counts().map(|counts| counts.total())),
];

/// Makes every call and prints a line for each, then where the domain's VM exits come from.
pub(crate) fn show_all(start: &StartInfo, _: &str) {
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
    show_exits(start, "");
}

/// Prints how often this domain has left its container, and why.
pub(crate) fn show_exits(_: &StartInfo, _: &str) {
    match xenolith::exit_counts() {
        Ok(counts) => {
            println!("  VM exits so far: {}, of which", counts.total());
            for (reason, count) in counts.iter() {
                println!("  {count:>10}  {}", xenolith::exit_reason_name(reason));
            }
        }
        Err(error) => println!("  VM exits so far: {error}"),
    }
}
