//! All memory behind the boot mapping, filled with a pattern and read again after many exits.
//!
//! Two guest frames on one host frame, a large page that reaches too far, or a host that keeps its
//! own things in a guest's memory would show as a word that changed. Pages start out zeroed.
//! Expected: every frame zero at first, then its own pattern, up to the last one.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::exits;
use xenolith_guest::{
    StartInfo, check, check_eq, paging::BOOT_MAP, println, probe::Window, scenario::Checks,
    x86_64::PhysAddr,
};

xenolith_guest::scenario!(run);

/// Words of a page that are looked at: first, last, and some between.
const OFFSETS: [usize; 5] = [0, 8, 1000, 2048, 4088];

fn run(checks: &mut Checks, start: &'static StartInfo) {
    // The boot mapping ends at a multiple of 4 MiB behind the boot page tables.
    let tables_end = (start.page_tables().end - BOOT_MAP) / 4096;
    let first = (tables_end + 1 + 128).next_multiple_of(1024);
    println!("frames {first:#x} to {:#x}", start.pages());
    check!(checks, first < start.pages(), "there is no memory behind the boot mapping");
    let mut window = Window::take(start);
    let frames = || first..start.pages();
    let zero = frames().filter(|&frame| look(&mut window, frame) == [0; OFFSETS.len()]);
    check_eq!(checks, zero.count() as u64, start.pages() - first, "frames that start zeroed");
    for frame in frames() {
        window.map(0, PhysAddr::new(frame * 4096), Window::DATA);
        for (offset, word) in OFFSETS.into_iter().zip(pattern(frame)) {
            window.write(offset, &word.to_le_bytes());
        }
        if frame % 64 == 0 {
            exits::take_all();
        }
    }
    let wrong = frames().find(|&frame| look(&mut window, frame) != pattern(frame));
    check_eq!(checks, wrong, None, "first frame that lost its pattern");
}

/// Returns the words of a frame that are looked at.
fn look(window: &mut Window, frame: u64) -> [u64; OFFSETS.len()] {
    window.map(0, PhysAddr::new(frame * 4096), Window::DATA);
    OFFSETS.map(|offset| window.u64(offset))
}

/// Returns words that no other frame has.
fn pattern(frame: u64) -> [u64; OFFSETS.len()] {
    OFFSETS.map(|offset| (frame << 12 | offset as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}
