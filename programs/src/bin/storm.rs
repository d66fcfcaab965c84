//! A storm of page faults: maps memory, reads and writes every page of it in turn, gives it back,
//! again and again; the argument says how often.
//!
//! Pages that were only read are zeros; what was written is there; what was given back is zeros when
//! it is mapped again. The program's own data is its own, although all of its processes began with
//! the same pages.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use xenolith_programs::{
    calls::{getpid, map, unmap, yield_now},
    numbers::MAP_WRITE,
    program,
    test::Checks,
};

program!(main);

const PAGES: u64 = 200;
const PAGE: u64 = 4096;

/// A page of the file's data, with something in it.
#[repr(C, align(4096))]
struct Data([AtomicU64; 512]);

static DATA: Data = Data([const { AtomicU64::new(77) }; 512]);

fn main(rounds: &'static [u8]) -> u8 {
    let rounds = rounds.iter().fold(0, |all, digit| all * 10 + u64::from(digit - b'0'));
    let mut checks = Checks::default();
    let own = getpid();
    checks.equal("data at first", DATA.0[0].load(Relaxed), 77);
    DATA.0[0].store(own, Relaxed);
    for round in 0..rounds {
        let Ok(start) = map(PAGES * PAGE, MAP_WRITE) else { return 2 };
        let words = |page: u64| start + page * PAGE + (page * 8) % PAGE;
        let wrong = (0..PAGES).filter(|&page| read(words(page)) != 0).count();
        checks.equal("pages that are not zeros", wrong, 0);
        (0..PAGES).step_by(2).for_each(|page| write(words(page), page + round));
        let _ = yield_now();
        let expected = |page: u64| if page.is_multiple_of(2) { page + round } else { 0 };
        let wrong = (0..PAGES).filter(|&page| read(words(page)) != expected(page)).count();
        checks.equal("pages that are not what was written", wrong, 0);
        checks.equal("data of its own", DATA.0[0].load(Relaxed), own);
        // SAFETY: nothing uses the pages any more.
        let unmapped = unsafe { unmap(start, PAGES * PAGE) };
        checks.equal("unmap", unmapped, Ok(0));
    }
    checks.equal("the rest of the data", DATA.0[511].load(Relaxed), 77);
    checks.finish("storm")
}

fn at(address: u64) -> *mut u64 {
    core::ptr::with_exposed_provenance_mut(usize::try_from(address).unwrap_or(0))
}

fn read(address: u64) -> u64 {
    // SAFETY: the address is in what was mapped.
    unsafe { at(address).read_volatile() }
}

fn write(address: u64, value: u64) {
    // SAFETY: the address is in what was mapped.
    unsafe { at(address).write_volatile(value) }
}
