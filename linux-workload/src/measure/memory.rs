//! Page faults, and page tables that change in many places.

use nix::sys::mman::{MapFlags, ProtFlags};

use super::rounds::Bench;
use crate::memory::{Mapping, PAGE};

/// Pages of a large change.
const PAGES: usize = 1000;

/// Measures all.
pub(super) fn run(bench: &mut Bench<'_>) {
    faults(bench);
    let large = Mapping::new(PAGES * PAGE, populated());
    let accesses = [ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, ProtFlags::PROT_READ];
    bench.measure(
        ("mprotect of 1000 pages", Some(0)),
        50,
        |round| accesses[usize::from(round % 2 == 0)],
        |access| large.protect(access),
    );
    bench.measure(
        ("munmap of 1000 pages", Some(0)),
        10,
        |_| Mapping::new(PAGES * PAGE, populated()),
        drop,
    );
}

/// Memory with its pages.
fn populated() -> MapFlags {
    MapFlags::MAP_PRIVATE | MapFlags::MAP_POPULATE
}

/// Pages written to for the first time.
fn faults(bench: &mut Bench<'_>) {
    let fresh = Mapping::new((PAGES + 1) * PAGE, MapFlags::MAP_PRIVATE);
    let mut places = (0..).step_by(PAGE);
    bench.measure(
        ("page fault: anonymous page", Some(0)),
        1000,
        |_| places.next().expect("numbers go on"),
        |place| fresh.write(place, 1),
    );
}
