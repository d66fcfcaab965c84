//! Calls about the state of the calling vCPU that no other scenario is about.
//!
//! Expected: Xen's answers, in Xen's order of checks; registers that the processor then has; a second
//! time record that says what the first one does.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::{
    calls::{Call, call, check_all},
    programs::Stage,
};
use xenolith_guest::{
    StartInfo,
    abi::{
        errno::{EEXIST, EFAULT, EINVAL, ENODEV, ENOENT, ENOSYS, EPERM},
        hypercall::{FPU_TASKSWITCH, GET_DEBUGREG, PHYSDEV_OP, SET_DEBUGREG, VCPU_OP},
        physdev, vcpu,
    },
    check, check_eq,
    probe::{Window, control, debug},
    scenario::Checks,
    shared_info::shared_info,
};

xenolith_guest::scenario!(run);

const UNMAPPED: u64 = 0x1234_5678_9000;
const HOLE: u64 = 0xffff_8000_0000_0000;
/// Where arguments go, and where what they point to is.
const ARGUMENT: usize = Stage::FREE * 4096;
const AREA: usize = ARGUMENT + 4096;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut window = Window::take(start);
    check_states(checks, &window);
    check_time_area(checks, &mut window);
    check_ports(checks, &mut window);
    check_debug_registers(checks);
    check_task_switched(checks);
}

/// Operations that start, stop and ask for vCPUs, where there is one and it runs.
fn check_states(checks: &mut Checks, window: &Window) {
    // `vcpu_guest_context` has more than a page; the pages of the window are mapped one by one.
    let context = window.address(ARGUMENT).as_u64();
    let op = u64::from;
    let table = [
        ("is_up", [op(vcpu::IS_UP), 0, 0], 1),
        ("is_up of another", [op(vcpu::IS_UP), 1, 0], -ENOENT),
        ("is_up of the last that Linux asks for", [op(vcpu::IS_UP), 8191, 0], -ENOENT),
        ("is_up of the highest number", [op(vcpu::IS_UP), op(u32::MAX), 0], -ENOENT),
        ("is_up of 33 bits", [op(vcpu::IS_UP), 1 << 32, 0], 1),
        ("initialise", [op(vcpu::INITIALISE), 0, context], -EEXIST),
        ("initialise with nothing", [op(vcpu::INITIALISE), 0, UNMAPPED], -EFAULT),
        ("initialise another", [op(vcpu::INITIALISE), 1, context], -ENOENT),
        ("up", [op(vcpu::UP), 0, 0], 0),
        ("up of another", [op(vcpu::UP), 1, 0], -ENOENT),
        ("down of another", [op(vcpu::DOWN), 1, 0], -ENOENT),
        ("physid", [op(vcpu::PHYSID), 0, context], -EINVAL),
        ("physid of another", [op(vcpu::PHYSID), 1, context], -ENOENT),
        ("send_nmi to another", [op(vcpu::SEND_NMI), 1, 0], -ENOENT),
        ("time area at nothing", [op(vcpu::REGISTER_VCPU_TIME_MEMORY_AREA), 0, UNMAPPED], -EFAULT),
        ("the next number", [14, 0, 0], -ENOSYS),
        ("no such operation", [op(u32::MAX), 0, 0], -ENOSYS),
        ("no such operation of another", [op(u32::MAX), 1, 0], -ENOENT),
    ];
    check_all(
        checks,
        VCPU_OP,
        &table.map(|(name, arguments, answer)| Call { name, arguments, answer }),
    );
}

fn check_time_area(checks: &mut Checks, window: &mut Window) {
    let argument = window.address(ARGUMENT).as_u64();
    let register = [vcpu::REGISTER_VCPU_TIME_MEMORY_AREA.into(), 0, argument];
    for bad in [HOLE, 0xffff_87ff_ffff_fff8, 1 << 47] {
        window.write(ARGUMENT, &bad.to_le_bytes());
        check_eq!(checks, call(VCPU_OP, register), -EFAULT, "a time area at {bad:#x}");
    }
    // Within a page, and across two.
    for offset in [AREA, AREA + 4096 - 32, AREA + 4096 - 8] {
        window.fill(offset, 32, 0xee);
        window.write(ARGUMENT, &window.address(offset).as_u64().to_le_bytes());
        check_eq!(checks, call(VCPU_OP, register), 0, "a time area, {offset:#x}");
        let words = shared_info().vcpu(0).time();
        check_eq!(checks, window.u32(offset) & 1, 0, "version, {offset:#x}");
        let load = core::sync::atomic::Ordering::Relaxed;
        check_eq!(checks, window.u64(offset + 8), words.tsc_timestamp.load(load), "{offset:#x}");
        check_eq!(checks, window.u64(offset + 16), words.system_time.load(load), "{offset:#x}");
        check_eq!(
            checks,
            window.u32(offset + 24),
            words.tsc_to_system_mul.load(load),
            "{offset:#x}"
        );
        let [shift, flags] = window.bytes(offset + 28);
        check_eq!(checks, shift, words.tsc_shift.load(load).cast_unsigned(), "{offset:#x}");
        check_eq!(checks, flags, words.flags.load(load), "{offset:#x}");
    }
    // Where nothing is mapped it is no error: the guest may map it later.
    window.write(ARGUMENT, &UNMAPPED.to_le_bytes());
    check_eq!(checks, call(VCPU_OP, register), 0, "a time area that is not mapped");
}

fn check_ports(checks: &mut Checks, window: &mut Window) {
    let argument = window.address(ARGUMENT).as_u64();
    for (level, answer) in [(0, 0), (1, 0), (2, 0), (3, 0), (4, -EINVAL), (u32::MAX, -EINVAL)] {
        window.write(ARGUMENT, &level.to_le_bytes());
        let set = call(PHYSDEV_OP, [physdev::SET_IOPL.into(), argument, 0]);
        check_eq!(checks, set, answer, "level {level}");
    }
    for (bitmap, ports, answer) in [
        (argument, 0, 0),
        (argument, 65536, 0),
        (0, 0, 0),
        (argument, 65537, -EINVAL),
        (HOLE, 8, -EINVAL),
    ] {
        window.write(ARGUMENT, &u64::to_le_bytes(bitmap));
        window.write(ARGUMENT + 8, &u64::to_le_bytes(ports));
        let set = call(PHYSDEV_OP, [physdev::SET_IOBITMAP.into(), argument, 0]);
        check_eq!(checks, set, answer, "bitmap {bitmap:#x} of {ports}");
    }
    let op = u64::from;
    let table = [
        ("set_iopl of nothing", [op(physdev::SET_IOPL), UNMAPPED, 0], -EFAULT),
        ("set_iobitmap of nothing", [op(physdev::SET_IOBITMAP), UNMAPPED, 0], -EFAULT),
        ("eoi", [op(physdev::EOI), argument, 0], -EINVAL),
        ("pirq_eoi_gmfn", [op(physdev::PIRQ_EOI_GMFN_V2), argument, 0], -ENOSYS),
        ("no such operation", [op(u32::MAX), argument, 0], -ENOSYS),
    ];
    check_all(
        checks,
        PHYSDEV_OP,
        &table.map(|(name, arguments, answer)| Call { name, arguments, answer }),
    );
}

const DEBUGGING_EXTENSIONS: u64 = 1 << 3;
const STATUS: i64 = 0xffff_0ff0;
const CONTROL: i64 = 0x400;

/// What is set is what the processor has, and what it has is what is told.
fn check_debug_registers(checks: &mut Checks) {
    for (number, address) in
        [(0, 0x1000), (1, u64::MAX), (2, 0x7fff_ffff_ffff), (3, 0xffff_8800_0000_0000)]
    {
        check_eq!(checks, call(SET_DEBUGREG, [number, address, 0]), 0, "DR{number}");
        check_eq!(checks, call(GET_DEBUGREG, [number, 0, 0]), address.cast_signed(), "DR{number}");
        for bad in [1 << 47, HOLE, 0xffff_87ff_ffff_ffff, 0x5eed_0000_0000_0000] {
            check_eq!(checks, call(SET_DEBUGREG, [number, bad, 0]), -EPERM, "DR{number} {bad:#x}");
        }
    }
    let addresses = [0x1000, u64::MAX, 0x7fff_ffff_ffff, 0xffff_8800_0000_0000];
    check_eq!(checks, debug::read_addresses(), addresses, "DR0 to DR3");
    // Bits that are always set are, whatever is asked for.
    for (given, found) in
        [(0, STATUS), (0xf, STATUS | 0xf), (0x1000, STATUS), (0xe00f, STATUS | 0xe00f)]
    {
        check_eq!(checks, call(SET_DEBUGREG, [6, given, 0]), 0, "DR6 {given:#x}");
        check_eq!(checks, call(GET_DEBUGREG, [6, 0, 0]), found, "DR6 {given:#x}");
        check_eq!(checks, debug::read_status().cast_signed(), found, "DR6 {given:#x}");
    }
    for (given, found) in [(0, CONTROL), (0xdc00, CONTROL), (0xffff_0000, 0xffff_0400)] {
        check_eq!(checks, call(SET_DEBUGREG, [7, given, 0]), 0, "DR7 {given:#x}");
        check_eq!(checks, call(GET_DEBUGREG, [7, 0, 0]), found, "DR7 {given:#x}");
        check_eq!(checks, debug::read_control().cast_signed(), found, "DR7 {given:#x}");
    }
    check_debug_aliases(checks);
    debug::write_control(0x400);
}

/// What depends on CR4.DE: breakpoints at ports, and registers 4 and 5.
fn check_debug_aliases(checks: &mut Checks) {
    const PORT: u64 = 0x2_0002;
    let numbers = [4, 5, 8, 63, u64::from(u32::MAX)];
    let cr4 = control::cr4();
    for extensions in [0, DEBUGGING_EXTENSIONS] {
        control::write_cr4(cr4 & !DEBUGGING_EXTENSIONS | extensions);
        let aliased = extensions == 0;
        check_eq!(checks, call(SET_DEBUGREG, [7, 0, 0]), 0, "DR7");
        let port = call(SET_DEBUGREG, [7, PORT, 0]);
        check_eq!(checks, port, if aliased { -EPERM } else { 0 }, "a breakpoint at a port");
        check_eq!(checks, call(SET_DEBUGREG, [7, 0, 0]), 0, "DR7");
        for number in numbers {
            let known = aliased && number < 6;
            let set = call(SET_DEBUGREG, [number, 0, 0]);
            check_eq!(checks, set, if known { 0 } else { -ENODEV }, "set DR{number}, {extensions}");
            let found = call(GET_DEBUGREG, [number, 0, 0]);
            let value = if number == 4 { STATUS } else { CONTROL };
            check_eq!(
                checks,
                found,
                if known { value } else { -ENODEV },
                "DR{number}, {extensions}"
            );
        }
    }
    control::write_cr4(cr4);
    for bad in [1 << 32, u64::MAX] {
        check_eq!(checks, call(SET_DEBUGREG, [6, bad, 0]), -EINVAL, "DR6 {bad:#x}");
        check_eq!(checks, call(SET_DEBUGREG, [7, bad, 0]), -EINVAL, "DR7 {bad:#x}");
    }
    check_eq!(checks, call(SET_DEBUGREG, [7, 0x2000, 0]), -EPERM, "general detect");
}

/// TS in CR0 is set by anything but 0, as an `int`.
fn check_task_switched(checks: &mut Checks) {
    const TS: u64 = 1 << 3;
    for (argument, set) in
        [(1, true), (0, false), (2, true), (1 << 32, false), (1 << 31, true), (0, false)]
    {
        check_eq!(checks, call(FPU_TASKSWITCH, [argument, 0, 0]), 0, "{argument:#x}");
        check_eq!(checks, control::cr0() & TS != 0, set, "{argument:#x}");
        check!(checks, control::cr0() | TS == 0x8005_003b, "the rest of CR0");
    }
}
