//! Events that a kernel sends to itself, and ports that it unmasks: the resident serves both.
//!
//! It follows a pointer of the guest's, which may be bad in every way, and works on words that root
//! works on too. What it does must be what root would do, bit by bit; what it cannot do must get to
//! root as if it had not looked.
//! Expected: for ports of every kind the right answer and the right bits, without an exit where the
//! event stays in the vCPU; `-EFAULT` for a bad pointer, with no trace in `vcpu_info`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::Relaxed;

use scenarios::buffers::Buffers;
use xenolith_guest::{
    StartInfo,
    abi::{
        domain,
        errno::{EFAULT, EINVAL},
        event_channel::{SEND, UNMASK},
        hypercall::EVENT_CHANNEL_OP,
    },
    check, check_eq,
    events::{self, Port},
    hypercall::{
        event_channel::{Virq, alloc_unbound, bind_interdomain, bind_ipi, bind_virq, close},
        xenolith::exit_counts,
    },
    irq,
    probe::{Window, control, cpuid, hypercall, registers},
    scenario::Checks,
    shared_info::{self, shared_info},
    traps,
    vcpu::VcpuId,
    x86_64::structures::paging::PageTableFlags as Flags,
};

xenolith_guest::scenario!(run);

const VMCALL: usize = 18;
/// A domain that is not there.
const NOBODY: u16 = 99;

/// A port of every kind, all with numbers below 64.
struct Ports {
    ipi: Port,
    virq: Port,
    unbound: Port,
    /// Two ports that are connected to each other.
    near: Port,
    far: Port,
    closed: Port,
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut buffers = Buffers::new(start);
    // Faults in the resident are root's at first, then the kernel's.
    check_bad_pointers(checks, &mut buffers, "without handlers");
    check_eq!(checks, traps::install(), Ok(()));
    check_eq!(checks, events::install(), Ok(()));
    check_bad_pointers(checks, &mut buffers, "with handlers");
    let Some(ports) = bind(checks) else { return };
    check_sends(checks, &mut buffers, &ports);
    check_unmasks(checks, &mut buffers, &ports);
    check_user_page(checks, &mut buffers, &ports);
    check_registers(checks, &mut buffers, &ports);
    check_delivery(checks, &mut buffers, &ports);
}

fn bind(checks: &mut Checks) -> Option<Ports> {
    let own = domain::SELF;
    let near = alloc_unbound(own, own);
    let ports = [
        bind_ipi(VcpuId::BOOT),
        bind_virq(Virq(1), VcpuId::BOOT),
        alloc_unbound(own, NOBODY),
        near,
        near.and_then(|near| bind_interdomain(own, near)),
        bind_ipi(VcpuId::BOOT),
    ];
    let [Ok(ipi), Ok(virq), Ok(unbound), Ok(near), Ok(far), Ok(closed)] = ports else {
        checks.fail(format_args!("ports: {ports:?}"));
        return None;
    };
    check_eq!(checks, close(closed), Ok(()));
    Some(Ports { ipi, virq, unbound, near, far, closed })
}

/// Makes the call with the port in good memory.
fn call(buffers: &mut Buffers, operation: u32, port: u32) -> i64 {
    buffers.window().write(Buffers::GOOD, &port.to_le_bytes());
    operate(operation, buffers.good())
}

fn operate(operation: u32, at: u64) -> i64 {
    hypercall::syscall(EVENT_CHANNEL_OP.into(), [operation.into(), at, 0, 0, 0])
}

/// Masked and pending ports, selector and pending upcall.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Words {
    masked: u64,
    pending: u64,
    selector: u64,
    upcall: u8,
}

fn set_words(words: Words) {
    shared_info().mask(0).store(words.masked, Relaxed);
    shared_info().pending(0).store(words.pending, Relaxed);
    let vcpu = shared_info().vcpu(0);
    vcpu.pending_selector().store(words.selector, Relaxed);
    vcpu.upcall_pending().store(words.upcall, Relaxed);
}

fn words() -> Words {
    let vcpu = shared_info().vcpu(0);
    Words {
        masked: shared_info().mask(0).load(Relaxed),
        pending: shared_info().pending(0).load(Relaxed),
        selector: vcpu.pending_selector().load(Relaxed),
        upcall: vcpu.upcall_pending().load(Relaxed),
    }
}

const QUIET: Words = Words { masked: 0, pending: 0, selector: 0, upcall: 0 };

fn bit(port: Port) -> u64 {
    1 << port.0
}

/// What a call begins with, answers and leaves, and how many exits it takes.
type Case = (&'static str, Port, Words, i64, Words, u64);

fn check_cases(checks: &mut Checks, buffers: &mut Buffers, operation: u32, cases: &[Case]) {
    for &(name, port, before, answer, after, exits) in cases {
        set_words(before);
        let Ok(counted) = exit_counts() else { return };
        let found = call(buffers, operation, port.0);
        let seen = words();
        let Ok(counts) = exit_counts() else { return };
        check_eq!(checks, found, answer, "{name}");
        check_eq!(checks, seen, after, "words behind: {name}");
        let grown = counts.of(VMCALL) - counted.of(VMCALL);
        check_eq!(checks, grown, 1 + exits, "exits, with one for counting: {name}");
    }
    set_words(QUIET);
}

fn check_sends(checks: &mut Checks, buffers: &mut Buffers, ports: &Ports) {
    let raised = |port| Words { pending: bit(port), selector: 1, upcall: 1, ..QUIET };
    let pending = |port| Words { pending: bit(port), ..QUIET };
    let masked = |port| Words { masked: bit(port), ..QUIET };
    let both = |port| Words { masked: bit(port), pending: bit(port), ..QUIET };
    let selected = Words { selector: 1, ..QUIET };
    let known = Words { upcall: 1, ..QUIET };
    let (ipi, near, far) = (ports.ipi, ports.near, ports.far);
    let not_served = |name, port, answer| (name, port, QUIET, answer, QUIET, 1);
    let cases = [
        ("own IPI", ipi, QUIET, 0, raised(ipi), 0),
        ("pending IPI", ipi, pending(ipi), 0, pending(ipi), 0),
        ("masked IPI", ipi, masked(ipi), 0, both(ipi), 0),
        ("masked, pending IPI", ipi, both(ipi), 0, both(ipi), 0),
        ("selected", ipi, selected, 0, Words { pending: bit(ipi), ..selected }, 0),
        ("upcall pending", ipi, known, 0, raised(ipi), 0),
        ("connected to far end", near, QUIET, 0, raised(far), 0),
        ("connected to near end", far, QUIET, 0, raised(near), 0),
        ("far end masked", near, masked(far), 0, both(far), 0),
        ("near end masked", near, masked(near), 0, Words { masked: bit(near), ..raised(far) }, 0),
        not_served("unbound", ports.unbound, 0),
        not_served("virtual interrupt", ports.virq, -EINVAL),
        not_served("closed", ports.closed, -EINVAL),
        not_served("port 0", Port(0), -EINVAL),
        not_served("not made yet", Port(64), -EINVAL),
        not_served("last", Port(4095), -EINVAL),
        not_served("first that cannot be", Port(4096), -EINVAL),
        not_served("2^31", Port(1 << 31), -EINVAL),
        not_served("2^32 - 1", Port(u32::MAX), -EINVAL),
    ];
    check_cases(checks, buffers, SEND, &cases);
}

fn check_unmasks(checks: &mut Checks, buffers: &mut Buffers, ports: &Ports) {
    let mut cases = [("", Port(0), QUIET, 0, QUIET, 0); 26];
    let kinds = [
        ("IPI", ports.ipi),
        ("interrupt", ports.virq),
        ("unbound", ports.unbound),
        ("connected", ports.near),
    ];
    let mut next = cases.iter_mut();
    let mut add = |case| *next.next().expect("there is room") = case;
    for (name, port) in kinds {
        let masked = Words { masked: bit(port), ..QUIET };
        let pending = Words { pending: bit(port), ..QUIET };
        let both = Words { masked: bit(port), ..pending };
        let raised = Words { selector: 1, upcall: 1, ..pending };
        add((name, port, QUIET, 0, QUIET, 0));
        add((name, port, masked, 0, QUIET, 0));
        add((name, port, pending, 0, pending, 0));
        add((name, port, both, 0, raised, 0));
        let selected = Words { selector: 1, ..pending };
        add((name, port, Words { selector: 1, ..both }, 0, selected, 0));
    }
    let closed = Words { masked: bit(ports.closed), pending: bit(ports.closed), ..QUIET };
    add(("closed", ports.closed, closed, 0, closed, 1));
    let others = Words { masked: !bit(ports.ipi), pending: !0, ..QUIET };
    let all = Words { masked: !0, ..others };
    let after = Words { selector: 1, upcall: 1, ..others };
    add(("one of many", ports.ipi, all, 0, after, 0));
    add(("not made yet", Port(64), QUIET, -EINVAL, QUIET, 1));
    add(("last", Port(4095), QUIET, -EINVAL, QUIET, 1));
    add(("first that cannot be", Port(4096), QUIET, -EINVAL, QUIET, 1));
    add(("2^32 - 1", Port(u32::MAX), QUIET, -EINVAL, QUIET, 1));
    check_cases(checks, buffers, UNMASK, &cases);
}

/// Pointers to what cannot be read are errors, whoever handles faults, with and without a stack.
fn check_bad_pointers(checks: &mut Checks, buffers: &mut Buffers, when: &str) {
    for operation in [SEND, UNMASK] {
        for (what, at) in buffers.unreadable(4) {
            let cr2 = shared_info::of_vcpu(VcpuId::BOOT).cr2();
            check_eq!(checks, operate(operation, at), -EFAULT, "{what}, {when}");
            let arguments = [operation.into(), at, 0, 0, 0];
            let answer = hypercall::without_stack(EVENT_CHANNEL_OP.into(), arguments);
            check_eq!(checks, answer, -EFAULT, "{what}, {when}, no stack");
            check_eq!(checks, shared_info::of_vcpu(VcpuId::BOOT).cr2(), cr2, "cr2, {what}, {when}");
        }
        // Port 0, across two pages that are mapped.
        let crossing = Buffers::crossing_offset(4);
        buffers.window().write(crossing, &[0; 4]);
        let answer = if operation == SEND { -EINVAL } else { 0 };
        check_eq!(checks, operate(operation, buffers.crossing(4)), answer, "crossing, {when}");
    }
}

/// CR4: SMAP.
const SMAP: u64 = 1 << 21;

/// A pointer to a process's page is good, whether or not the kernel may follow it.
fn check_user_page(checks: &mut Checks, buffers: &mut Buffers, ports: &Ports) {
    const PAGE: usize = 20;
    let window = buffers.window();
    let frame = window.own_frame(PAGE);
    window.write(PAGE * 4096, &ports.ipi.0.to_le_bytes());
    window.map(PAGE, frame, Window::DATA | Flags::USER_ACCESSIBLE);
    let at = buffers.at(PAGE * 4096);
    let cr4 = control::cr4();
    let has_smap = cpuid::read(7, 0).ebx >> 20 & 1 != 0;
    for smap in [0, SMAP].into_iter().take(1 + usize::from(has_smap)) {
        control::write_cr4(cr4 | smap);
        for operation in [SEND, UNMASK] {
            set_words(QUIET);
            check_eq!(checks, operate(operation, at), 0, "user page, CR4 {smap:#x}");
            let sent = if operation == SEND { bit(ports.ipi) } else { 0 };
            check_eq!(checks, words().pending, sent, "user page, CR4 {smap:#x}");
        }
    }
    control::write_cr4(cr4);
    set_words(QUIET);
}

/// Only the registers change that a hypercall may change.
fn check_registers(checks: &mut Checks, buffers: &mut Buffers, ports: &Ports) {
    for (seed, operation) in (0..8).zip([SEND, UNMASK].into_iter().cycle()) {
        for (port, masked) in [(ports.ipi, 0), (ports.near, bit(ports.far)), (ports.unbound, 0)] {
            set_words(Words { masked, ..QUIET });
            buffers.window().write(Buffers::GOOD, &port.0.to_le_bytes());
            let mut before = registers::Registers::pattern(seed);
            (before.rax, before.rdi) = (EVENT_CHANNEL_OP.into(), operation.into());
            before.rsi = buffers.good();
            let mut after = before;
            registers::syscall(&mut after);
            check_eq!(checks, after.rax, 0, "answer for {port:?}");
            before.rflags |= irq::Flags::IF.bits();
            (before.rax, before.rcx, before.r11) = (after.rax, after.rcx, after.r11);
            after.rflags |= irq::Flags::IF.bits();
            check_eq!(checks, after, before, "registers, operation {operation} of {port:?}");
        }
    }
    set_words(QUIET);
}

/// With events enabled the handler has run when the call returns, and nothing has left the guest.
fn check_delivery(checks: &mut Checks, buffers: &mut Buffers, ports: &Ports) {
    for port in [ports.ipi, ports.far] {
        events::set_handler(port, |_| {});
    }
    for (name, port, operation, served) in [
        ("own IPI", ports.ipi, SEND, ports.ipi),
        ("connected", ports.near, SEND, ports.far),
        ("unmask", ports.ipi, UNMASK, ports.ipi),
    ] {
        let pending = if operation == UNMASK { bit(served) } else { 0 };
        set_words(Words { masked: pending, pending, ..QUIET });
        irq::irq_enable();
        let Ok(counted) = exit_counts() else { return };
        let before = events::count(served);
        let answer = call(buffers, operation, port.0);
        let after = events::count(served);
        let Ok(counts) = exit_counts() else { return };
        irq::irq_disable();
        check_eq!(checks, answer, 0, "{name}");
        check_eq!(checks, after, before + 1, "{name}: served when the call returns");
        check_eq!(checks, counts.of(VMCALL) - counted.of(VMCALL), 1, "{name}: exits");
    }
    check!(checks, events::unexpected() == 0, "no other port had an event");
}
