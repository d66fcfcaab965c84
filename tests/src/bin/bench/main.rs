//! Measures operations in instructions and VM exits, for `cargo xtask bench`.
//!
//! Under Bochs the time-stamp counter counts instructions, of guest and hypervisor together. Each
//! operation is timed on its own, many times, less the cost of timing nothing; exits are the
//! hypervisor's own count. After output there is a pause, so that the speed of the serial line is
//! not what is measured. Names are those of the table of Xen's figures, where it has them.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod cuts;
mod page_tables;
mod sites;
mod store;

use core::sync::atomic::Ordering::Relaxed;

use xenolith_guest::{
    StartInfo,
    abi::{
        domain,
        event_channel::{SEND, UNMASK},
        hypercall, vcpu,
    },
    clock::ticks,
    events::Port,
    hypercall::{
        console,
        event_channel::{alloc_unbound, bind_interdomain, bind_ipi, close, status},
        sched::{self, ShutdownReason},
        version,
        xenolith::exit_counts,
    },
    irq, println,
    probe::{
        Window, cpuid,
        hypercall::{direct, syscall},
        round_trip,
    },
    shared_info::shared_info,
    vcpu::VcpuId,
    x86_64::structures::paging::PageTableFlags,
};

xenolith_guest::entry!(main);

/// Operations that make up one figure.
const ROUNDS: u64 = 1000;

/// 64 bytes that are easy to filter from a console.
const LINE: &[u8; 64] = b"filler ........................................................\n";

/// Ticks in which the serial line sends such a line, with some to spare.
const LINE_TICKS: u64 = 150_000;

/// A number that no hypercall has.
const UNKNOWN: u32 = 100;

/// A system time, 1000 seconds after boot, that no round of a bench reaches.
const FAR_NS: u64 = 1_000_000_000_000;

/// `VCPUOP_is_up`.
const IS_UP: u64 = vcpu::IS_UP as u64;

/// An operation, what comes before it without being measured, the ticks to wait after it, and how
/// many entries it has for one figure.
struct Operation {
    name: &'static str,
    prepare: fn(),
    run: fn(),
    pause: u64,
    entries: u64,
}

const fn operation(name: &'static str, run: fn()) -> Operation {
    Operation { name, prepare: || (), run, pause: 0, entries: 1 }
}

/// One that begins in a state of its own.
const fn prepared(name: &'static str, prepare: fn(), run: fn()) -> Operation {
    Operation { name, prepare, run, pause: 0, entries: 1 }
}

const OPERATIONS: &[Operation] = &[
    operation("xen_version(hypercall_page)", || _ = version::version()),
    operation("xen_version(inline syscall)", || {
        _ = syscall(hypercall::XEN_VERSION.into(), [0; 5]);
    }),
    operation("stack_switch", round_trip::stack_switch),
    operation("set_segment_base(FS)", || _ = direct::<{ hypercall::SET_SEGMENT_BASE }>([0; 3])),
    operation("set_segment_base(GS_USER)", || {
        _ = direct::<{ hypercall::SET_SEGMENT_BASE }>([1, 0, 0]);
    }),
    operation("fpu_taskswitch(1)", || _ = direct::<{ hypercall::FPU_TASKSWITCH }>([1, 0, 0])),
    operation("fpu_taskswitch(0)", || _ = direct::<{ hypercall::FPU_TASKSWITCH }>([0, 0, 0])),
    operation("iret hypercall (kernel->kernel)", round_trip::iret),
    operation("set_timer_op(+1000s)", || _ = direct::<{ hypercall::SET_TIMER_OP }>([FAR_NS, 0, 0])),
    operation("vcpu_op(is_up)", || _ = direct::<{ hypercall::VCPU_OP }>([IS_UP, 0, 0])),
    operation("#UD kernel, asm handler + iret", round_trip::undefined),
    operation("#PF kernel read unmapped, asm handler", round_trip::load_of_nothing),
    prepared(
        "evtchn send IPI, upcall masked, already pending",
        || events(2, 0, false),
        || round_trip::port_operation(SEND, IPI),
    ),
    prepared(
        "evtchn send IPI, masked, newly pending",
        || events(0, 2, false),
        || round_trip::port_operation(SEND, IPI),
    ),
    prepared(
        "evtchn send IPI self -> handler -> iret",
        || allowed(0, 0),
        || round_trip::port_operation(SEND, IPI),
    ),
    prepared(
        "evtchn send loopback -> handler -> iret",
        || allowed(0, 0),
        || round_trip::port_operation(SEND, NEAR),
    ),
    prepared(
        "unmask + pending -> xen_version -> handler",
        || events(2, 0, true),
        round_trip::allow_and_call,
    ),
    prepared(
        "EVTCHNOP_unmask of pending port -> handler",
        || allowed(2, 2),
        || round_trip::port_operation(UNMASK, IPI),
    ),
    operation("EVTCHNOP_status", || _ = status(domain::SELF, IPI)),
    operation("EVTCHNOP bind_ipi + close pair", || {
        _ = bind_ipi(VcpuId::BOOT).map(close);
    }),
    operation("emulated: FEP cpuid", || _ = cpuid::read_forced(0, 0)),
    operation("bad hypercall nr (-ENOSYS)", || _ = direct::<UNKNOWN>([0; 3])),
    operation("sched_op(yield)", || _ = sched::yield_now()),
    Operation {
        name: "console_io(write 64 bytes)",
        prepare: || (),
        run: || _ = console::write(LINE),
        pause: LINE_TICKS,
        entries: 1,
    },
    operation("cpuid", || _ = cpuid::read(0, 0)),
];

/// The first port that is bound, and two that are connected to each other.
const IPI: Port = Port(1);
const NEAR: Port = Port(2);

/// Sets the words of events, with upcalls masked.
fn events(pending: u64, masked: u64, upcall: bool) {
    irq::irq_disable();
    round_trip::set_words(pending, masked, upcall);
}

/// Sets the words of events, with upcalls allowed.
fn allowed(pending: u64, masked: u64) {
    round_trip::set_words(pending, masked, false);
    shared_info().vcpu(0).upcall_mask().store(0, Relaxed);
}

/// What a process repeats: its name, its instructions.
const OF_PROCESSES: &[(&str, &[u8])] = &[
    ("user SYSCALL -> kernel -> user (SYSRET)", &[0x0f, 0x05]),
    ("user #PF -> kernel -> user", &[0x48, 0x8b, 0x01]),
    ("user #UD -> kernel -> user", &[0x0f, 0x0b]),
];

/// What all rounds of an operation cost.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    instructions: u64,
    exits: u64,
}

fn main(start: &'static StartInfo) -> ! {
    round_trip::install().expect("the hypervisor takes handlers");
    let of_store = store::measure(start);
    // The services' ports, which nobody needs here: so the numbers begin at 1.
    let _ = [1, 2].map(|port| close(Port(port)));
    let own = domain::SELF;
    let bound = bind_ipi(VcpuId::BOOT)
        .and_then(|_| alloc_unbound(own, own))
        .and_then(|near| bind_interdomain(own, near));
    assert_eq!(bound, Ok(Port(3)), "the numbers of ports");
    let nothing = measure(&operation("", || ()));
    let mut window = Window::take(start);
    page_tables::set_up(&mut window);
    for operation in OPERATIONS.iter().chain(page_tables::OPERATIONS) {
        let cost = measure(operation);
        irq::irq_disable();
        print(operation.name, cost.less(nothing), operation.entries);
    }
    sites::print_patching();
    let of_store = of_store.less(nothing);
    let nothing = measure_process(&mut window, &[]);
    for (name, code) in OF_PROCESSES {
        let cost = measure_process(&mut window, code);
        irq::irq_disable();
        print(name, cost.less(nothing), 1);
    }
    for (name, cost) in cuts::measure(&mut window) {
        print(name, cost, 1);
    }
    print("store: READ of a node", of_store, 1);
    sched::shutdown(ShutdownReason::POWEROFF)
}

impl Cost {
    fn less(self, other: Self) -> Self {
        Self {
            instructions: self.instructions - other.instructions,
            exits: self.exits - other.exits,
        }
    }
}

fn print(name: &str, cost: Cost, entries: u64) {
    let instructions = cost.instructions * 10 / (ROUNDS * entries);
    let exits = cost.exits * 100 / (ROUNDS * entries);
    println!(
        "bench: {name} | {}.{} | {}.{:02}",
        instructions / 10,
        instructions % 10,
        exits / 100,
        exits % 100,
    );
}

/// Returns the exits so far.
fn exits() -> u64 {
    exit_counts().map_or(0, |counts| counts.total())
}

/// Executes an operation many times, each timed on its own.
#[inline(never)]
fn measure(&Operation { prepare, run, pause, .. }: &Operation) -> Cost {
    let run = core::hint::black_box(run);
    let mut cost = Cost::default();
    // The first round is not like the others and does not count.
    for round in 0..=ROUNDS {
        let exits_before = exits();
        prepare();
        let before = ticks();
        run();
        let after = ticks();
        if round > 0 {
            cost.exits += exits() - exits_before;
            cost.instructions += after - before;
        }
        while ticks() - after < pause {
            let _ = sched::yield_now();
        }
    }
    cost
}

/// Waits until no output waits for the line any more, so that nothing interrupts what is measured.
fn drain_output() {
    let begin = ticks();
    while ticks() - begin < LINE_TICKS {
        let _ = sched::yield_now();
    }
}

/// Has a process execute `code` many times, each timed on its own; RCX is 0 at first.
fn measure_process(window: &mut Window, code: &[u8]) -> Cost {
    /// `2: rdtsc; mov r12d, eax`
    const BEGIN: [u8; 5] = [0x0f, 0x31, 0x41, 0x89, 0xc4];
    /// `rdtsc; sub eax, r12d; add r13, rax; dec r14; jnz 2b; int3`
    const END: [u8; 14] =
        [0x0f, 0x31, 0x44, 0x29, 0xe0, 0x49, 0x01, 0xc5, 0x49, 0xff, 0xce, 0x75, 0, 0xcc];
    window.restore(0);
    window.write(0, &BEGIN);
    window.write(BEGIN.len(), code);
    let end = BEGIN.len() + code.len();
    window.write(end, &END);
    let jump = u8::try_from(end + END.len() - 1).expect("the loop is short").wrapping_neg();
    window.write(end + 12, &[jump]);
    for page in 0..2 {
        let flags = Window::DATA | PageTableFlags::USER_ACCESSIBLE;
        window.map(page, window.own_frame(page), flags);
    }
    drain_output();
    let before = exits();
    let stack = window.address(2 * 4096);
    let instructions = round_trip::in_process(window.address(0), stack, ROUNDS);
    Cost { instructions, exits: exits() - before }
}
