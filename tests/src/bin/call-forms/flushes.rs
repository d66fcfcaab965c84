//! What cannot be seen in memory alone: translations that are dropped, and flags of pages used.

use alloc::vec::Vec;

use xenolith_guest::{
    abi::{
        domain::SELF,
        hypercall::{MMU_UPDATE, MMUEXT_OP, UPDATE_VA_MAPPING},
        mmu::{
            INVLPG_ALL, INVLPG_LOCAL, INVLPG_MULTI, NEW_BASEPTR, TLB_FLUSH_ALL, TLB_FLUSH_LOCAL,
            TLB_FLUSH_MULTI, UVMF_ALL, UVMF_INVLPG, UVMF_TLB_FLUSH,
        },
    },
    check_eq,
    probe::memory::read_u64,
    scenario::Checks,
    x86_64::VirtAddr,
};

use crate::{
    forms::{Case, Form, call},
    ground::Ground,
    places::{self, AT_COUNT, AT_LIST, AT_VICTIM, at, pattern},
};

const READ_WRITE: u64 = 3;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;

pub(crate) fn check(checks: &mut Checks, ground: &mut Ground) {
    for case in cases(ground) {
        for &form in Form::of(case.number) {
            dropped(checks, ground, &case, form);
        }
    }
    for &form in Form::of(MMU_UPDATE) {
        used(checks, ground, form);
    }
}

/// Returns calls after which no translation of the page can be left.
fn cases(ground: &Ground) -> Vec<Case> {
    let [page, named] = [at(AT_VICTIM, 0), at(AT_COUNT, 72)];
    let operation = |command: u32, first, second| Case {
        number: MMUEXT_OP,
        arguments: [at(AT_LIST, 0), 1, 0, SELF.into(), 0],
        words: [(0, command.into()), (8, first), (16, second)].into(),
    };
    let entry = ground.frames.data[places::SCRATCH] | READ_WRITE;
    let mapping = |flags: u64| Case {
        number: UPDATE_VA_MAPPING,
        arguments: [page, entry, flags, 0, 0],
        words: Vec::new(),
    };
    [
        operation(TLB_FLUSH_LOCAL, 0, 0),
        operation(TLB_FLUSH_ALL, 0, 0),
        operation(TLB_FLUSH_MULTI, 0, named),
        operation(INVLPG_LOCAL, page + 77, 0),
        operation(INVLPG_ALL, page, 0),
        operation(INVLPG_MULTI, page, named),
        operation(NEW_BASEPTR, ground.frames.root / 4096, 0),
        mapping(UVMF_TLB_FLUSH),
        mapping(UVMF_TLB_FLUSH | UVMF_ALL),
        mapping(UVMF_TLB_FLUSH | named),
        mapping(UVMF_INVLPG),
        mapping(UVMF_INVLPG | UVMF_ALL),
        mapping(UVMF_INVLPG | named),
    ]
    .into()
}

/// A page is used, mapped otherwise, and used again behind the call.
fn dropped(checks: &mut Checks, ground: &mut Ground, case: &Case, form: Form) {
    let page = VirtAddr::new(at(AT_VICTIM, 0));
    ground.lay_out(&case.words);
    check_eq!(checks, read_u64(page), pattern(places::VICTIM as u64, 0), "before");
    ground.set_entry(AT_VICTIM, ground.frames.data[places::SCRATCH] | READ_WRITE);
    check_eq!(checks, call(ground, case, form), (0, true), "{form:?}");
    let expected = pattern(places::SCRATCH as u64, 0);
    check_eq!(checks, read_u64(page), expected, "behind {:x?}, {form:?}", case.words);
}

/// The entries on the way to a list and a count say that they were used.
fn used(checks: &mut Checks, ground: &mut Ground, form: Form) {
    let word = ground.frames.data[places::SCRATCH];
    let case = Case {
        number: MMU_UPDATE,
        arguments: [at(AT_LIST, 0), 1, at(AT_COUNT, 0), SELF.into(), 0],
        words: [(0, word), (8, 1)].into(),
    };
    ground.lay_out(&case.words);
    check_eq!(checks, call(ground, &case, form), (0, true), "{form:?}");
    for (level, index, flags) in [
        (3, 0, ACCESSED),
        (2, 0, ACCESSED),
        (1, AT_LIST, ACCESSED),
        (1, AT_COUNT, ACCESSED | DIRTY),
    ] {
        let found = ground.entry(level, index) & (ACCESSED | DIRTY);
        check_eq!(checks, found, flags, "level {level}, entry {index}, {form:?}");
    }
}
