//! Hypercalls with arguments behind every kind of page table a guest can build.
//!
//! The hypervisor walks the guest's tables in software; the CPU would do it the same way, and the
//! two must agree: large pages, non-present entries at each level, tables that contain themselves.
//! Expected: good memory is found through pages of 4 KiB and 2 MiB, everything else is `-EFAULT`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::calls::call;
use xenolith_guest::{
    StartInfo,
    abi::{errno::EFAULT, hypercall::XEN_VERSION, version::PLATFORM_PARAMETERS},
    check_eq,
    paging::Level,
    probe::{Window, memory, tables},
    scenario::Checks,
    x86_64::{VirtAddr, structures::paging::PageTableFlags as Flags},
};

xenolith_guest::scenario!(run);

/// An address whose entry in the third-highest table is free: 2 MiB below the top of the GiB.
const FREE: VirtAddr = VirtAddr::new(0xffff_ffff_bfe0_0000);
const TWO_MIB: u64 = 2 << 20;
const LARGE: Flags = Window::DATA.union(Flags::HUGE_PAGE);
const ANSWER: u64 = 0xffff_8000_0000_0000;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let window = Window::take(start);
    let space = window.space();
    let set = |entry: u64| {
        tables::replace_entry(space, FREE, Level::Two, entry).expect("the table is the kernel's");
    };
    let ask =
        |address: VirtAddr| call(XEN_VERSION, [PLATFORM_PARAMETERS.into(), address.as_u64(), 0]);

    // A large page over memory that is also mapped by small ones.
    let frame = window.own_frame(9);
    let base = frame.align_down(TWO_MIB);
    set(base.as_u64() | LARGE.bits());
    let alias = FREE + (frame - base);
    check_eq!(checks, ask(alias + 8), 0, "2 MiB page");
    check_eq!(checks, window.u64(9 * 4096 + 8), ANSWER, "content through the small page");
    check_eq!(checks, memory::read_u64(alias + 8), ANSWER, "content through the large page");
    check_eq!(checks, ask(FREE + (TWO_MIB - 4)), -EFAULT, "across the end of the 2 MiB page");
    set(base.as_u64() | (LARGE - Flags::WRITABLE).bits());
    check_eq!(checks, ask(alias + 8), -EFAULT, "read-only 2 MiB page");
    set(base.as_u64() | LARGE.bits() | 1 << 13);
    check_eq!(checks, ask(alias + 8), -EFAULT, "reserved bit in a 2 MiB page's entry");

    let beyond_large = (start.pages() << 12).next_multiple_of(TWO_MIB) + (64 << 20);
    // Tables in good memory with bad content, and in no memory at all.
    for (what, entry) in [
        ("absent table", 0),
        ("table beyond memory", (start.pages() + 0x1000) << 12 | Window::DATA.bits()),
        ("table far away", 0x000f_ffff_ffff_f000 | Window::DATA.bits()),
        ("2 MiB page beyond memory", beyond_large | LARGE.bits()),
        ("empty table", window.own_frame(20).as_u64() | Window::DATA.bits()),
    ] {
        set(entry);
        check_eq!(checks, ask(FREE + 16), -EFAULT, "{what}");
    }
    check_upper_level(checks, &window);
    check_hole(checks, &window);
}

/// The hypervisor's slots, which are in a table that the guest can write: of them a call needs only
/// the resident's, which it begins in, and the one through which that reads vcpu_info.
fn check_hole(checks: &mut Checks, window: &Window) {
    const NEEDED: [u64; 2] = [1, 2];
    let slots = || {
        let others = (0..16_u64).filter(|slot| !NEEDED.contains(slot));
        others.map(|slot| VirtAddr::new(0xffff_8000_0000_0000 + (slot << 39)))
    };
    let set = |slot, value| {
        let old = tables::replace_entry(window.space(), slot, Level::Four, value);
        old.expect("the top table is the kernel's")
    };
    let before: [u64; 14] = {
        let mut slots = slots();
        core::array::from_fn(|_| slots.next().map_or(0, |slot| set(slot, 0)))
    };
    let buffer = window.address(16);
    let answer = call(XEN_VERSION, [PLATFORM_PARAMETERS.into(), buffer.as_u64(), 0]);
    check_eq!(checks, answer, 0, "a call without the other slots");
    for (slot, value) in slots().zip(before) {
        set(slot, value);
    }
    check_eq!(checks, memory::read_u64(VirtAddr::new(0xffff_8000_0000_0008)), 1, "entry 1");
}

/// A higher table that names itself: the walk must end, with whatever the CPU would find.
fn check_upper_level(checks: &mut Checks, window: &Window) {
    let space = window.space();
    let low = VirtAddr::new(0x4000_0000);
    let top = space.entry(low, Level::Four).map_or(0, |entry| entry.load());
    check_eq!(checks, top, 0, "the low half is free");
    let root = xenolith_guest::probe::control::cr3();
    let itself = root | Window::DATA.bits();
    tables::replace_entry(space, low, Level::Four, itself).expect("the top table is the kernel's");
    let answer = call(XEN_VERSION, [PLATFORM_PARAMETERS.into(), low.as_u64(), 0]);
    check_eq!(checks, answer, -EFAULT, "a table that is its own lower table");
    tables::replace_entry(space, low, Level::Four, 0).expect("the top table is the kernel's");
}
