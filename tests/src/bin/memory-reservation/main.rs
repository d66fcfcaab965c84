//! Memory given back, had again, and exchanged; and what a kernel that touches what it gave back
//! gets.
//!
//! A frame leaves the second translation, out of the middle of a large page too, and must not come
//! back with what it held. Expected: counts as asked, the machine-to-physical table in step, zeros
//! in what comes back, memory around it untouched; with `touch` on the command line, a crash.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo,
    abi::{
        domain::SELF,
        errno::{EACCES, ENOMEM},
        guest_layout::MACH2PHYS_VIRT_START,
        hypercall::MEMORY_OP,
        memory::{
            ADD_TO_PHYSMAP, DECREASE_RESERVATION, EXCHANGE, INCREASE_RESERVATION, POPULATE_PHYSMAP,
        },
    },
    check_eq,
    clock::ticks,
    command_line,
    hypercall::memory::{current_reservation, maximum_reservation},
    println,
    probe::{Window, hypercall::syscall, memory::read_u64},
    scenario::Checks,
    x86_64::{PhysAddr, VirtAddr},
};

xenolith_guest::scenario!(run);

const PAGE: usize = 4096;
/// Pages of the window: arguments and short lists, pages to look through, lists.
const ARGUMENT: usize = 0;
const LIST: usize = 256;
const OUTPUT: usize = 512;
const LOOK: usize = 1;
const LONG: usize = 2 * PAGE;
/// Frames of a large page.
const LARGE: u64 = 512;
/// Single frames in a long list: 16 MiB.
const MANY: usize = 4096;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut window = Window::take(start);
    // Memory that nobody uses: the last of it.
    let free = (start.pages() - 4 * LARGE) & !(LARGE - 1);
    if command_line::value(start.command_line(), "touch").is_some() {
        change(&mut window, DECREASE_RESERVATION, &[free + 7], 0);
        let _ = look(&mut window, free + 7);
        return checks.fail(format_args!("the frame is still there"));
    }
    check_eq!(checks, maximum_reservation(), Ok(start.pages()));
    check_one(checks, &mut window, free + 5, start.pages());
    check_large(checks, &mut window, free, start.pages());
    check_many(checks, &mut window, free - MANY as u64, start.pages());
    check_exchange(checks, &mut window, free, start.pages());
    window.fill(ARGUMENT, 24, 0);
    window.write(ARGUMENT, &SELF.to_le_bytes());
    let answer =
        syscall(MEMORY_OP.into(), [ADD_TO_PHYSMAP.into(), window.address(0).as_u64(), 0, 0, 0]);
    check_eq!(checks, answer, -EACCES, "add_to_physmap");
}

/// Writes a `xen_memory_reservation` for a list at an offset of the window.
fn reservation(window: &mut Window, at: usize, list: usize, extents: u64, order: u32) {
    window.fill(at, 32, 0);
    let list = window.address(list).as_u64();
    window.write(at, &list.to_le_bytes());
    window.write(at + 8, &extents.to_le_bytes());
    window.write(at + 16, &order.to_le_bytes());
    window.write(at + 24, &SELF.to_le_bytes());
}

fn memory_op(window: &Window, command: u32) -> i64 {
    syscall(MEMORY_OP.into(), [command.into(), window.address(ARGUMENT).as_u64(), 0, 0, 0])
}

fn change(window: &mut Window, command: u32, list: &[u64], order: u32) -> i64 {
    for (at, frame) in list.iter().enumerate() {
        window.write(LIST + 8 * at, &frame.to_le_bytes());
    }
    reservation(window, ARGUMENT, LIST, list.len() as u64, order);
    memory_op(window, command)
}

/// Returns what a frame begins with.
fn look(window: &mut Window, frame: u64) -> u64 {
    window.map(LOOK, PhysAddr::new(frame * PAGE as u64), Window::DATA);
    window.u64(LOOK * PAGE)
}

fn mark(window: &mut Window, frame: u64, value: u64) {
    window.map(LOOK, PhysAddr::new(frame * PAGE as u64), Window::DATA);
    window.write(LOOK * PAGE, &value.to_le_bytes());
}

/// Returns the machine-to-physical entry of a frame.
fn m2p(frame: u64) -> u64 {
    read_u64(VirtAddr::new(MACH2PHYS_VIRT_START + 8 * frame))
}

fn check_one(checks: &mut Checks, window: &mut Window, frame: u64, pages: u64) {
    for frame in [frame - 1, frame, frame + 1] {
        mark(window, frame, frame);
    }
    window.restore(LOOK);
    check_eq!(checks, change(window, DECREASE_RESERVATION, &[frame], 0), 1);
    check_eq!(checks, current_reservation(), Ok(pages - 1));
    check_eq!(checks, m2p(frame), u64::MAX, "of what was given back");
    check_eq!(checks, change(window, DECREASE_RESERVATION, &[frame], 0), 0, "again");
    check_eq!(checks, change(window, POPULATE_PHYSMAP, &[0x1234, 0x1235], 0), 1, "one is there");
    check_eq!(checks, window.u64(LIST), frame, "the frame");
    check_eq!(checks, m2p(frame), 0x1234, "of what is there again");
    for (frame, value) in [(frame - 1, frame - 1), (frame, 0), (frame + 1, frame + 1)] {
        check_eq!(checks, look(window, frame), value, "content of {frame:#x}");
    }
    window.restore(LOOK);
    check_eq!(checks, current_reservation(), Ok(pages));
}

fn check_large(checks: &mut Checks, window: &mut Window, first: u64, pages: u64) {
    let frames = [first, first + LARGE];
    for frame in frames {
        mark(window, frame + 511, 0xabcd);
    }
    window.restore(LOOK);
    check_eq!(checks, change(window, DECREASE_RESERVATION, &frames, 9), 2);
    check_eq!(checks, current_reservation(), Ok(pages - 2 * LARGE));
    let before = ticks();
    check_eq!(checks, change(window, INCREASE_RESERVATION, &[0; 3], 9), 2);
    println!("increase by two extents of order 9: {} instructions", ticks() - before);
    for (at, frame) in frames.into_iter().enumerate() {
        check_eq!(checks, window.u64(LIST + 8 * at), frame, "extent {at}");
        check_eq!(checks, look(window, frame + 511), 0, "content of {frame:#x}");
    }
    window.restore(LOOK);
    check_eq!(checks, change(window, DECREASE_RESERVATION, &[first], 10), 0, "too large");
    check_eq!(checks, current_reservation(), Ok(pages));
}

/// A long list, from the end: single frames out of large pages.
fn check_many(checks: &mut Checks, window: &mut Window, first: u64, pages: u64) {
    let many = MANY as u64;
    for at in 0..MANY {
        let frame = first + (MANY - 1 - at) as u64;
        window.write(LONG + 8 * at, &frame.to_le_bytes());
    }
    mark(window, first + 77, 0xabcd);
    window.restore(LOOK);
    reservation(window, ARGUMENT, LONG, many, 0);
    check_eq!(checks, memory_op(window, DECREASE_RESERVATION), many.cast_signed());
    check_eq!(checks, current_reservation(), Ok(pages - many));
    check_eq!(checks, memory_op(window, POPULATE_PHYSMAP), many.cast_signed());
    let wrong = (0..MANY).find(|at| window.u64(LONG + 8 * *at) != first + *at as u64);
    check_eq!(checks, wrong, None, "frames in order");
    check_eq!(checks, m2p(first), first + many - 1, "machine-to-physical entry");
    check_eq!(checks, look(window, first + 77), 0, "content");
    window.restore(LOOK);
    check_eq!(checks, current_reservation(), Ok(pages));
}

fn check_exchange(checks: &mut Checks, window: &mut Window, first: u64, pages: u64) {
    let input = [first + 600, first + 700, first + 800, first + 900];
    for free in [false, true] {
        if free {
            check_eq!(checks, change(window, DECREASE_RESERVATION, &[first], 9), 1);
        }
        for (at, frame) in input.into_iter().enumerate() {
            window.write(LIST + 8 * at, &frame.to_le_bytes());
        }
        window.write(OUTPUT, &0x4321_u64.to_le_bytes());
        reservation(window, ARGUMENT, LIST, 4, 0);
        reservation(window, ARGUMENT + 32, OUTPUT, 1, 2);
        window.write(ARGUMENT + 64, &0_u64.to_le_bytes());
        let answer = memory_op(window, EXCHANGE);
        let exchanged = window.u64(ARGUMENT + 64);
        check_eq!(checks, (answer, exchanged), if free { (0, 4) } else { (-ENOMEM, 0) });
    }
    check_eq!(checks, window.u64(OUTPUT), first, "the extent");
    check_eq!(checks, m2p(first + 3), 0x4324, "machine-to-physical entry");
    check_eq!(checks, look(window, first + 3), 0, "content");
    window.restore(LOOK);
    check_eq!(checks, current_reservation(), Ok(pages - LARGE));
}
