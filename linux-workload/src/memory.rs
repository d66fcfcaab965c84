//! Memory: faults on first use, protections that change, copies on write, shared pages.

use std::ffi::c_void;
use std::num::NonZero;
use std::ptr::NonNull;

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

use crate::checks::Checks;
use crate::processes::end_of_child;

pub(crate) const PAGE: usize = 4096;

/// Memory of its own, given back at the end.
pub(crate) struct Mapping {
    start: NonNull<c_void>,
    length: usize,
}

impl Mapping {
    pub(crate) fn new(length: usize, flags: MapFlags) -> Self {
        let size = NonZero::new(length).expect("a mapping has bytes");
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: the kernel chooses a place where nothing is.
        let start = unsafe { mmap_anonymous(None, size, access, flags) }.expect("there is memory");
        Self { start, length }
    }

    pub(crate) fn protect(&self, access: ProtFlags) {
        // SAFETY: nothing but this mapping is there.
        unsafe { mprotect(self.start, self.length, access) }.expect("it can be protected");
    }

    /// The word at a multiple of 8 bytes.
    fn word(&self, at: usize) -> *mut u64 {
        assert!(at + 8 <= self.length);
        self.start.cast::<u64>().as_ptr().wrapping_byte_add(at)
    }

    pub(crate) fn write(&self, at: usize, value: u64) {
        // SAFETY: within the mapping and aligned; if the page refuses, the process ends.
        unsafe { self.word(at).write_volatile(value) }
    }

    fn read(&self, at: usize) -> u64 {
        // SAFETY: as in `write`.
        unsafe { self.word(at).read_volatile() }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: nobody has a pointer into it any more.
        unsafe { munmap(self.start, self.length) }.expect("it was mapped");
    }
}

/// Runs all.
pub(crate) fn run(checks: &mut Checks) {
    checks.result("anonymous", anonymous(1000));
    checks.result("copy-on-write", copy_on_write());
    checks.result("shared", shared());
    checks.result("protection", protection());
}

/// Each page is zero at first and keeps what is written, many mappings in a row.
fn anonymous(pages: usize) -> u64 {
    let mut sum = 0_u64;
    for round in 0..4 {
        let mapping = Mapping::new(pages * PAGE, MapFlags::MAP_PRIVATE);
        for page in 0..pages {
            sum |= mapping.read(page * PAGE);
            mapping.write(page * PAGE + 8 * round, (page as u64) << round);
        }
        mapping.protect(ProtFlags::PROT_READ);
        sum += (0..pages).map(|page| mapping.read(page * PAGE + 8 * round)).sum::<u64>();
    }
    sum
}

/// What a child writes is its own.
fn copy_on_write() -> String {
    let mapping = Mapping::new(64 * PAGE, MapFlags::MAP_PRIVATE);
    (0..64).for_each(|page| mapping.write(page * PAGE, 1));
    let sum = || u8::try_from((0..64).map(|page| mapping.read(page * PAGE)).sum::<u64>());
    let child = end_of_child(|| {
        (0..64).for_each(|page| mapping.write(page * PAGE, 2));
        sum().unwrap_or(0)
    });
    format!("{child} {}", sum().unwrap_or(0))
}

/// What a child writes to shared memory is there.
fn shared() -> u64 {
    let mapping = Mapping::new(16 * PAGE, MapFlags::MAP_SHARED);
    end_of_child(|| {
        (0..16).for_each(|page| mapping.write(page * PAGE, page as u64));
        0
    });
    (0..16).map(|page| mapping.read(page * PAGE)).sum()
}

/// How children end that do what their pages refuse: signal 11 each time.
fn protection() -> String {
    let mapping = Mapping::new(PAGE, MapFlags::MAP_PRIVATE);
    mapping.protect(ProtFlags::PROT_READ);
    let written = end_of_child(|| {
        mapping.write(0, 1);
        0
    });
    mapping.protect(ProtFlags::PROT_NONE);
    let read = end_of_child(|| u8::from(mapping.read(0) != 0));
    format!("{written} {read}")
}
