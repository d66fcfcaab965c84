//! Memory that becomes unmapped between two pieces of a call.
//!
//! When a call is cut for the first time, the page behind the one that it has come to goes. What is in
//! front of it must be done and counted, the call must say `-EFAULT` (`memory_op`: how many extents),
//! and nothing behind it may be done.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use xenolith_guest::{
    StartInfo,
    abi::{
        console,
        domain::SELF,
        errno::EFAULT,
        grant::COPY,
        hypercall::{
            CONSOLE_IO, GRANT_TABLE_OP, MEMORY_OP, MMU_UPDATE, MMUEXT_OP, MULTICALL, XEN_VERSION,
        },
        memory::{DECREASE_RESERVATION, POPULATE_PHYSMAP},
        mmu::UNPIN_TABLE,
        xenolith::NO_RESTART,
    },
    check, check_eq,
    hypercall::memory::current_reservation,
    paging::{BOOT_MAP, FRAME_BITS},
    probe::{
        Window,
        control::cr3,
        hypercall::by_page,
        memory::{read_u64, write_u64},
    },
    scenario::Checks,
    x86_64::{VirtAddr, instructions::tlb},
};

use crate::{
    COUNTS, LIST, PAGE,
    cuts::{self, Cutting},
};

/// Pages of lists.
const PAGES: usize = 8;
const PERIOD_US: u64 = 150;
/// Where the list of a `memory_op` is, and the progress in its first argument.
static FRAMES_AT: AtomicU64 = AtomicU64::new(0);
const PROGRESS: u32 = 6;
/// The page that went, or 0.
static GONE: AtomicU64 = AtomicU64::new(0);

/// A call with a list of requests that are all alike.
struct Listed {
    name: &'static str,
    number: u32,
    /// Words of a request, and of its answer, if it is told in the request.
    request: &'static [u64],
    answer: Option<(usize, u64)>,
    arguments: fn(list: u64, count: u64, done: u64) -> [u64; 5],
    /// Whether the count is told.
    counts: bool,
}

const OWN: u64 = SELF as u64;

const LISTED: &[Listed] = &[
    Listed {
        name: "mmu_update",
        number: MMU_UPDATE,
        request: &[WRITTEN_HERE, 7],
        answer: None,
        arguments: |list, count, done| [list, count, done, OWN, 0],
        counts: true,
    },
    Listed {
        name: "mmuext_op",
        number: MMUEXT_OP,
        request: &[UNPIN_TABLE as u64, 0x100, 0],
        answer: None,
        arguments: |list, count, done| [list, count, done, OWN, 0],
        counts: true,
    },
    Listed {
        name: "multicall",
        number: MULTICALL,
        request: &[XEN_VERSION as u64, UNANSWERED, 0, 0, 0, 0, 0, 0],
        answer: Some((1, 0x4_0011)),
        arguments: |list, count, _| [list, count, 0, 0, 0],
        counts: false,
    },
    Listed {
        name: "grant_table_op copy",
        number: GRANT_TABLE_OP,
        // Nothing from frame 256 to itself.
        request: &[0x100, OWN, 0x100, OWN, UNANSWERED],
        answer: Some((4, UNANSWERED & 0xffff_ffff)),
        arguments: |list, count, _| [COPY.into(), list, count, 0, 0],
        counts: false,
    },
];

/// Stands for the address of a word of the window.
const WRITTEN_HERE: u64 = 1 << 63;
/// What an answer is before: for a copy no bytes, no flags, status 99.
const UNANSWERED: u64 = 99 << 32;

pub(crate) fn check(checks: &mut Checks, window: &mut Window, start: &StartInfo) {
    for form in [by_page, cuts::in_pieces] {
        for listed in LISTED {
            check_list(checks, window, listed, form);
        }
        check_text(checks, window, form);
        check_memory(checks, window, start, form);
    }
}

/// Takes the page away that follows the one to which a call has come.
pub(crate) fn strike(number: u64, [rdi, rsi, rdx, ..]: &mut [u64; 5]) {
    const GRANTS: u64 = GRANT_TABLE_OP as u64;
    const TEXT: u64 = CONSOLE_IO as u64;
    const MEMORY: u64 = MEMORY_OP as u64;
    let place = match number & !u64::from(NO_RESTART) {
        GRANTS => *rsi,
        TEXT => *rdx,
        MEMORY => FRAMES_AT.load(Relaxed) + 8 * (*rdi >> PROGRESS),
        _ => *rdi,
    };
    let page = VirtAddr::new(place).align_down(4096_u64) + 4096;
    write_u64(BOOT_MAP + slot(page.as_u64()), 0);
    tlb::flush(page);
    GONE.store(page.as_u64(), Relaxed);
}

/// Returns the guest-physical address of the last-level entry for an address of the window.
fn slot(address: u64) -> u64 {
    let table = [39, 30, 21].into_iter().fold(cr3(), |table, shift| {
        read_u64(BOOT_MAP + table + (address >> shift & 511) * 8) & FRAME_BITS
    });
    table + (address >> 12 & 511) * 8
}

/// Makes a call, of which a page goes on the way; returns the result, and where that page is.
fn struck(
    checks: &mut Checks,
    window: &mut Window,
    form: fn(u32, [u64; 5]) -> i64,
    number: u32,
    arguments: [u64; 5],
) -> (i64, u64) {
    GONE.store(0, Relaxed);
    cuts::prepare(strike);
    let cutting = Cutting::every_us(PERIOD_US);
    let result = form(number, arguments);
    drop(cutting);
    let gone = GONE.load(Relaxed);
    check!(checks, gone != 0, "call {number} was not cut");
    let page = gone.saturating_sub(window.address(0).as_u64()) / PAGE as u64;
    window.restore(usize::try_from(page).unwrap_or(0));
    (result, gone)
}

fn check_list(
    checks: &mut Checks,
    window: &mut Window,
    listed: &Listed,
    form: fn(u32, [u64; 5]) -> i64,
) {
    let written = window.own_frame(crate::WRITTEN / PAGE).as_u64();
    let bytes = 8 * listed.request.len();
    let count = PAGES * PAGE / bytes;
    for (index, &word) in (0..count).flat_map(|_| listed.request).enumerate() {
        let word = if word == WRITTEN_HERE { written } else { word };
        window.write(LIST + 8 * index, &word.to_le_bytes());
    }
    window.write(COUNTS, &[0xff; 8]);
    let [list, done] = [LIST, COUNTS].map(|offset| window.address(offset).as_u64());
    let arguments = (listed.arguments)(list, count as u64, done);
    let (result, gone) = struck(checks, window, form, listed.number, arguments);
    let name = listed.name;
    check_eq!(checks, result, -EFAULT, "{name}");
    let whole = usize::try_from(gone - list).unwrap_or(0) / bytes;
    check!(checks, whole < count, "{name} was cut in the last page");
    if listed.counts {
        check_eq!(checks, window.u32(COUNTS) as usize, whole, "{name}: count");
    }
    if let Some((word, answer)) = listed.answer {
        let found = |index: &usize| window.u64(LIST + bytes * index + 8 * word) == answer;
        check_eq!(checks, (0..count).filter(found).count(), whole, "{name}: answers");
        check!(checks, (0..whole).all(|index| found(&index)), "{name}: answers in front");
    }
}

/// Text whose second page goes.
fn check_text(checks: &mut Checks, window: &mut Window, form: fn(u32, [u64; 5]) -> i64) {
    const BYTES: usize = 2000;
    let offset = LIST + PAGE - BYTES;
    window.fill(offset, 2 * BYTES, b'.');
    window.write(offset + BYTES - 1, b"\n");
    let text = window.address(offset).as_u64();
    let arguments = [console::WRITE.into(), 2 * BYTES as u64, text, 0, 0];
    let (result, gone) = struck(checks, window, form, CONSOLE_IO, arguments);
    check_eq!(checks, (result, gone), (-EFAULT, text + BYTES as u64), "console_io");
}

/// A list of frames of which the end goes; what was given back comes again.
fn check_memory(
    checks: &mut Checks,
    window: &mut Window,
    start: &StartInfo,
    form: fn(u32, [u64; 5]) -> i64,
) {
    let pages = current_reservation();
    let end = (start.pages() - 4096) & !511;
    let count = (PAGES * PAGE / 8) as u64;
    for at in 0..count {
        let offset = LIST + 8 * usize::try_from(at).unwrap_or(0);
        window.write(offset, &(end - 1 - at).to_le_bytes());
    }
    let argument = put_reservation(window, count);
    let arguments = [DECREASE_RESERVATION.into(), argument, 0, 0, 0];
    let (result, gone) = struck(checks, window, form, MEMORY_OP, arguments);
    let given = (gone - window.address(LIST).as_u64()) / 8;
    check_eq!(checks, result, given.cast_signed(), "extents given back");
    let left = pages.map(|pages| pages - given);
    check_eq!(checks, current_reservation(), left, "memory that is left");
    let argument = put_frames(window, end - given, given);
    let answer = form(MEMORY_OP, [POPULATE_PHYSMAP.into(), argument, 0, 0, 0]);
    check_eq!(checks, answer, given.cast_signed(), "extents had again");
    check_eq!(checks, current_reservation(), pages, "memory behind it");
}

/// Writes a list of frames that follow each other, and the argument for them; returns its address.
pub(crate) fn put_frames(window: &mut Window, first: u64, count: u64) -> u64 {
    for at in 0..count {
        let offset = LIST + 8 * usize::try_from(at).unwrap_or(0);
        window.write(offset, &(first + at).to_le_bytes());
    }
    put_reservation(window, count)
}

/// Writes a `xen_memory_reservation` of single frames; returns its address.
fn put_reservation(window: &mut Window, count: u64) -> u64 {
    const AT: usize = COUNTS + 64;
    let list = window.address(LIST).as_u64();
    FRAMES_AT.store(list, Relaxed);
    for (index, word) in [list, count, 0, OWN].into_iter().enumerate() {
        window.write(AT + 8 * index, &word.to_le_bytes());
    }
    window.address(AT).as_u64()
}
