//! Calls at the edges of what is served in the guest's own container, with known results.

use alloc::vec::Vec;

use xenolith_guest::{
    abi::{
        domain::SELF,
        errno::{EFAULT, ENOSYS},
        hypercall::{MMU_UPDATE, MMUEXT_OP, MULTICALL, SET_SEGMENT_BASE, XEN_VERSION},
        mmu::TLB_FLUSH_LOCAL,
        segment::SEGBASE_GS_USER_SEL,
    },
    check_eq,
    probe::control,
    scenario::Checks,
};

use crate::{
    forms::{Case, Effect, compare},
    ground::{Ground, Sight},
    places::{self, AT_COUNT, AT_LIST, AT_LIST_NOTHING, AT_USER, at},
};

/// Bit of a count: the list is not at its beginning.
const PREEMPTED: u64 = 1 << 31;
/// A word of a page, and the low half of what is there before.
const WORD: u64 = 1;
const BEFORE: u64 = 0x177;

/// `smap` is the bit of CR4, or 0 where the processor has none.
pub(crate) fn check(checks: &mut Checks, ground: &mut Ground, smap: u64) {
    counts_of_a_process(checks, ground, smap);
    ends_of_requests(checks, ground);
    selectors(checks, ground);
}

/// Returns a word of a data page.
fn word(sight: &Sight, page: usize, word: usize) -> u64 {
    sight.words[(places::DATA + page) * 512 + word]
}

/// A count is written to a page of a process, whatever SMAP says.
fn counts_of_a_process(checks: &mut Checks, ground: &mut Ground, smap: u64) {
    let entry = [ground.frames.slot(places::AT_VICTIM), 2];
    for cr4 in [control::cr4(), control::cr4() ^ smap] {
        control::write_cr4(cr4);
        for (length, expected) in [(3, 3), (PREEMPTED | 3, BEFORE + 3)] {
            let words = (0..).step_by(8).zip([entry; 3].into_iter().flatten()).collect();
            let done = at(AT_USER, 8 * WORD);
            let arguments = [at(AT_LIST, 0), length, done, SELF.into(), 7];
            let case = Case { number: MMU_UPDATE, arguments, words };
            let Effect { result, sight, .. } = compare(checks, ground, &case);
            let count = word(&sight, places::USER, 1) & 0xffff_ffff;
            check_eq!(checks, (result, count), (0, expected), "{length:#x}, CR4 {cr4:#x}");
        }
    }
    control::write_cr4(control::cr4() ^ smap);
}

/// What is not there is not needed for what is asked, but belongs to the structure.
fn ends_of_requests(checks: &mut Checks, ground: &mut Ground) {
    let offset = 4096 - 16;
    let operation = Case {
        number: MMUEXT_OP,
        arguments: [at(AT_LIST_NOTHING, offset), 1, at(AT_COUNT, 8 * WORD), SELF.into(), 7],
        words: [(4096 - 16, TLB_FLUSH_LOCAL.into()), (4096 - 8, 0)].into(),
    };
    let Effect { result, sight, .. } = compare(checks, ground, &operation);
    let count = word(&sight, places::COUNT, 1) & 0xffff_ffff;
    check_eq!(checks, (result, count), (-EFAULT, 0), "a request that ends on no page");
    let offset = 4096 - 56;
    let list = Case {
        number: MULTICALL,
        arguments: [at(AT_LIST_NOTHING, offset), 1, 5, 6, 7],
        words: (4096 - 56..).step_by(8).zip([XEN_VERSION.into(), 0, 0, 0, 0, 0, 0]).collect(),
    };
    let Effect { result, sight, .. } = compare(checks, ground, &list);
    let answer = word(&sight, places::LIST, 512 - 6);
    check_eq!(checks, (result, answer), (-EFAULT, 0), "a call that ends on no page");
}

/// A list does not load selectors, whatever stands before that in the list.
fn selectors(checks: &mut Checks, ground: &mut Ground) {
    const UNKNOWN: u64 = 60;
    let selector = [SET_SEGMENT_BASE.into(), 0, SEGBASE_GS_USER_SEL.into(), 0, 0, 0, 0, 0];
    for first in [XEN_VERSION.into(), UNKNOWN] {
        let entries = [[first, 0, 0, 0, 0, 0, 0, 0], selector];
        let words: Vec<_> = (0..).step_by(8).zip(entries.into_iter().flatten()).collect();
        let case = Case { number: MULTICALL, arguments: [at(AT_LIST, 0), 2, 5, 6, 7], words };
        let Effect { result, sight, .. } = compare(checks, ground, &case);
        let answer = word(&sight, places::LIST, 9).cast_signed();
        check_eq!(checks, (result, answer), (0, -ENOSYS), "a selector behind {first}");
    }
}
