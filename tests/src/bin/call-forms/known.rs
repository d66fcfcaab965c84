//! Calls whose results and counts are known, whoever serves them.

use alloc::vec::Vec;

use xenolith_guest::{
    abi::{
        domain::{IO, SELF},
        errno::{EACCES, EFAULT, EINVAL, ENOSYS, EOPNOTSUPP, EPERM, ESRCH},
        hypercall::{
            MMU_UPDATE, MMUEXT_OP, MULTICALL, UPDATE_VA_MAPPING, UPDATE_VA_MAPPING_OTHERDOMAIN,
            XEN_VERSION,
        },
        mmu::{
            CLEAR_PAGE, COPY_PAGE, FLUSH_CACHE, FLUSH_CACHE_GLOBAL, INVLPG_MULTI, MARK_SUPER,
            NEW_BASEPTR, NEW_USER_BASEPTR, PIN_L4_TABLE, SET_LDT, TLB_FLUSH_MULTI, UNPIN_TABLE,
            UVMF_INVLPG, UVMF_TLB_FLUSH,
        },
    },
    check_eq,
    scenario::Checks,
};

use crate::{
    forms::{Case, Effect, compare},
    ground::{Ground, Sight},
    places::{
        self, AT_COUNT, AT_GONE, AT_HOLE, AT_LIST, AT_LIST_GONE, AT_LIST_NOTHING, AT_NOTHING,
        AT_READ_ONLY, AT_VICTIM, BASES, BEYOND, FAR_BEYOND, Frames, UNREACHABLE, at, below,
    },
};

/// Bit of a count: the list is not at its beginning.
const PREEMPTED: u64 = 1 << 31;
/// Where the count goes, in its page, and what is there before.
const COUNT: u64 = 8;
const BEFORE: u32 = 0x177;
const OWN: u64 = SELF as u64;

pub(crate) fn check(checks: &mut Checks, ground: &mut Ground) {
    updates(checks, ground);
    operations(checks, ground);
    lists(checks, ground);
    ends(checks, ground);
    va_mappings(checks, ground);
    calls(checks, ground);
}

/// Returns the count that a call left.
fn count(sight: &Sight) -> u32 {
    let word = (places::DATA + places::COUNT) * 512 + 1;
    let [a, b, c, d, ..] = sight.words[word].to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// Returns a call with a list of requests of `N` words at the beginning of the pages for lists.
fn request<const N: usize>(number: u32, domain: u64, requests: &[[u64; N]]) -> Case {
    let words = (0..).step_by(8).zip(requests.iter().flatten().copied()).collect();
    let arguments = [at(AT_LIST, 0), requests.len() as u64, at(AT_COUNT, COUNT), domain, 7];
    Case { number, arguments, words }
}

fn updates(checks: &mut Checks, ground: &mut Ground) {
    let Frames { data, gone, read_only, shared, .. } = ground.frames;
    let good = [ground.frames.slot(AT_VICTIM), data[0] | 3];
    for (domain, bad, error) in [
        (OWN, [data[places::SCRATCH] | 4, 0], ENOSYS),
        (OWN, [data[places::SCRATCH] | 7, 0], ENOSYS),
        (OWN, [gone + 8, 3], EINVAL),
        (OWN, [gone | 1, 3], EINVAL),
        (OWN, [gone | 2, 3], EINVAL),
        (OWN, [read_only + 8, 3], EINVAL),
        (OWN, [read_only | 1, 3], EINVAL),
        (OWN, [shared & !0xfff | 1, 3], EINVAL),
        (OWN, [BEYOND, 3], EINVAL),
        (OWN, [FAR_BEYOND | 2, 3], EINVAL),
        (OWN, [!7, 3], EINVAL),
        (OWN, [!6, 3], EINVAL),
        (OWN | 2 << 16, [!7, 3], EINVAL),
    ] {
        let case = request(MMU_UPDATE, domain, &[good, good, bad, good]);
        let Effect { result, sight, .. } = compare(checks, ground, &case);
        check_eq!(checks, (result, count(&sight)), (-error, 2), "update of {bad:x?}");
    }
    for (domain, answer) in [
        (1, (-ESRCH, 0)),
        (OWN | 1 << 16, (-ESRCH, BEFORE)),
        (OWN | 9 << 32, (0, 1)),
        (IO.into(), (-EPERM, 0)),
    ] {
        let Effect { result, sight, .. } =
            compare(checks, ground, &request(MMU_UPDATE, domain, &[good]));
        check_eq!(checks, (result, count(&sight)), answer, "updates for {domain:#x}");
    }
    let Effect { result, .. } =
        compare(checks, ground, &request(MMU_UPDATE, IO.into(), &[[good[0], 2]]));
    check_eq!(checks, result, 0, "an entry of nobody's that is not present");
}

fn operations(checks: &mut Checks, ground: &mut Ground) {
    let Frames { data, gone, read_only, spare, .. } = ground.frames;
    let [own, gone, read_only] = [data[places::SCRATCH], gone, read_only].map(|at| at / 4096);
    let beyond = BEYOND / 4096;
    for (command, first, second, answer) in [
        (UNPIN_TABLE, own, 0, 0),
        (UNPIN_TABLE, gone, 0, -EINVAL),
        (UNPIN_TABLE, read_only, 0, 0),
        (UNPIN_TABLE, u64::MAX, 0, -EINVAL),
        (PIN_L4_TABLE, own, 0, 0),
        (PIN_L4_TABLE, gone, 0, -EINVAL),
        (PIN_L4_TABLE, read_only, 0, -EINVAL),
        (NEW_BASEPTR, spare / 4096, 0, 0),
        (NEW_BASEPTR, gone, 0, -EINVAL),
        (NEW_BASEPTR, beyond, 0, -EINVAL),
        (NEW_USER_BASEPTR, 0, 0, 0),
        (NEW_USER_BASEPTR, beyond, 0, -EINVAL),
        (TLB_FLUSH_MULTI, 0, at(AT_NOTHING, 0), -EINVAL),
        (TLB_FLUSH_MULTI, 0, at(AT_GONE, 0), -EINVAL),
        (INVLPG_MULTI, UNREACHABLE[2], at(AT_COUNT, 72), 0),
        (FLUSH_CACHE, 0, 0, -EACCES),
        (FLUSH_CACHE_GLOBAL, 0, 0, -EINVAL),
        (SET_LDT, BASES[0], 8192, 0),
        (SET_LDT, BASES[0], 8193, -EINVAL),
        (SET_LDT, BASES[0] + 8, 1, -EINVAL),
        (SET_LDT, UNREACHABLE[0], 1, -EINVAL),
        (SET_LDT, UNREACHABLE[0], 0, 0),
        (CLEAR_PAGE, own, 0, 0),
        (CLEAR_PAGE, gone, 0, -EINVAL),
        (CLEAR_PAGE, read_only, 0, -EINVAL),
        (COPY_PAGE, own, read_only, 0),
        (COPY_PAGE, own, gone, -EINVAL),
        (COPY_PAGE, gone, own, -EINVAL),
        (MARK_SUPER, own, 0, -EOPNOTSUPP),
        (14, own, 0, -ENOSYS),
        (u32::MAX, own, 0, -ENOSYS),
    ] {
        let case = request(MMUEXT_OP, OWN, &[[command.into(), first, second]]);
        let Effect { result, sight, .. } = compare(checks, ground, &case);
        let done = u32::from(answer == 0);
        check_eq!(checks, (result, count(&sight)), (answer, done), "{command} {first:#x}");
    }
    for (domain, answer) in [(1, -ESRCH), (IO.into(), -EPERM)] {
        let Effect { result, sight, .. } =
            compare(checks, ground, &request(MMUEXT_OP, domain, &[[0_u64, own, 0]]));
        check_eq!(checks, (result, count(&sight)), (answer, BEFORE), "for {domain:#x}");
    }
}

/// Lists whose pages or counts are odd.
fn lists(checks: &mut Checks, ground: &mut Ground) {
    let done = at(AT_COUNT, COUNT);
    let entry = [ground.frames.slot(AT_VICTIM), 2];
    let three = request(MMU_UPDATE, OWN, &[entry; 3]);
    let end = 4096 - 24;
    let late: Vec<_> = three.words.iter().map(|&(offset, word)| (end + offset, word)).collect();
    let end = end as u64;
    for (list, length, done_at, late_words, answer) in [
        (at(AT_LIST, 0), 0, done, false, (0, 0)),
        (at(AT_LIST, 0), 1 << 32, done, false, (0, 0)),
        (at(AT_LIST, 0), PREEMPTED | 3, done, false, (0, BEFORE + 3)),
        (at(AT_LIST, 0), PREEMPTED, done, false, (0, BEFORE)),
        (at(AT_LIST, 0), PREEMPTED | 3, 0, false, (0, BEFORE)),
        (at(AT_LIST, 0), 3, at(AT_NOTHING, 0), false, (0, BEFORE)),
        (at(AT_LIST, 0), 3, at(AT_READ_ONLY, 0), false, (0, BEFORE)),
        (at(AT_LIST, 0), 3, at(AT_GONE, 0), false, (0, BEFORE)),
        (at(AT_LIST, 0), 3, at(AT_HOLE, 0), false, (0, BEFORE)),
        (at(AT_LIST, 0), 3, UNREACHABLE[0], false, (0, BEFORE)),
        (at(AT_LIST, 0), 3, UNREACHABLE[2], false, (0, BEFORE)),
        (at(AT_LIST, end), 3, done, true, (0, 3)),
        (at(AT_LIST_NOTHING, end), 3, done, true, (-EFAULT, 1)),
        (at(AT_LIST_NOTHING, end), PREEMPTED | 3, done, true, (-EFAULT, BEFORE + 1)),
        (at(AT_LIST_GONE, end), 3, done, true, (-EFAULT, 1)),
        (at(AT_GONE, 0), 1, done, false, (-EFAULT, 0)),
        (at(AT_NOTHING, 0), 0, done, false, (0, 0)),
        (UNREACHABLE[0], 0, done, false, (-EFAULT, BEFORE)),
        (UNREACHABLE[3], 1, done, false, (-EFAULT, BEFORE)),
        (0, PREEMPTED, done, false, (i64::from(SELF), BEFORE)),
        (below(0, 3, 0), 1, done, false, (-EFAULT, 0)),
        (below(0, 4, 0), 1, done, false, (-EFAULT, 0)),
        // What is read through this table is a word of the hypervisor's.
        (below(0, 5, 0), 1, done, false, (-EINVAL, 0)),
        (below(0, 6, 0), 3, done, false, (0, 3)),
        (below(0, 6, 0), 3, below(0, 6, 2 * 4096 + COUNT), false, (0, BEFORE)),
        (below(0, 7, 0), 1, done, false, (-EFAULT, 0)),
        (below(1, 0, 0), 1, done, false, (-EFAULT, 0)),
        (below(2, 0, 0), 1, done, false, (-EFAULT, 0)),
    ] {
        let words = if late_words { late.clone() } else { three.words.clone() };
        let arguments = [list, length, done_at, OWN, 7];
        let case = Case { number: MMU_UPDATE, arguments, words };
        let Effect { result, sight, .. } = compare(checks, ground, &case);
        let what = format_args!("{length:#x} at {list:#x}, count to {done_at:#x}");
        check_eq!(checks, (result, count(&sight)), answer, "{what}");
    }
}

/// Requests and calls of which the last word is not there, though nobody needs it.
fn ends(checks: &mut Checks, ground: &mut Ground) {
    let version = [XEN_VERSION.into(), 0x5555, 0, 0, 0, 0, 0, 0];
    let unpin = [UNPIN_TABLE.into(), ground.frames.data[places::SCRATCH] / 4096, 0];
    for page in [AT_LIST_NOTHING, AT_LIST_GONE] {
        let put = |offset: usize, words: &[u64]| -> Vec<_> {
            (offset..).step_by(8).zip(words.iter().copied()).collect()
        };
        let offset = 4096 - 40;
        let list = at(page, offset as u64);
        let words = put(offset, &[unpin, unpin].concat());
        let arguments = [list, 2, at(AT_COUNT, COUNT), OWN, 7];
        let case = Case { number: MMUEXT_OP, arguments, words };
        let Effect { result, sight, .. } = compare(checks, ground, &case);
        check_eq!(checks, (result, count(&sight)), (-EFAULT, 1), "half an operation");
        let offset = 4096 - 56;
        let arguments = [at(page, offset as u64), 1, 5, 6, 7];
        let case = Case { number: MULTICALL, arguments, words: put(offset, &version) };
        let Effect { result, sight, .. } = compare(checks, ground, &case);
        let word = sight.words[places::DATA * 512 + offset / 8 + 1];
        check_eq!(checks, (result, word), (-EFAULT, 0x5555), "a call without its last word");
    }
}

fn va_mappings(checks: &mut Checks, ground: &mut Ground) {
    let page = at(AT_VICTIM, 0x123);
    for (address, flags, answer) in [
        (page, 0, 0),
        (page, 3, 0),
        (page, UVMF_INVLPG | at(AT_COUNT, 72), 0),
        (page, UVMF_TLB_FLUSH | at(AT_NOTHING, 0), -EFAULT),
        (page, UVMF_INVLPG | at(AT_GONE, 0), -EFAULT),
        (page, at(AT_NOTHING, 0), 0),
        (below(0, 6, AT_VICTIM * 4096), UVMF_INVLPG, 0),
        (below(0, 1, 0), UVMF_INVLPG, -EINVAL),
        (below(0, 2, 0), 0, -EINVAL),
        (below(0, 3, 0), 0, -EINVAL),
        (below(0, 4, 0), 0, -EINVAL),
        (below(0, 5, 0), 0, -EINVAL),
        (below(0, 8, 0), 0, -EINVAL),
        (below(1, 0, 0), 0, -EINVAL),
        (UNREACHABLE[0], 0, -EINVAL),
        (UNREACHABLE[2], 0, -EINVAL),
    ] {
        let entry = ground.frames.data[0] | 1;
        let arguments = [address, entry, flags, OWN, 7];
        let mut case = Case { number: UPDATE_VA_MAPPING, arguments, words: Vec::new() };
        let Effect { result, .. } = compare(checks, ground, &case);
        check_eq!(checks, result, answer, "{address:#x}, flags {flags:#x}");
        case.number = UPDATE_VA_MAPPING_OTHERDOMAIN;
        let Effect { result, .. } = compare(checks, ground, &case);
        check_eq!(checks, result, answer, "{address:#x} of a domain, flags {flags:#x}");
    }
    for (domain, answer) in [(IO.into(), -EPERM), (1, -ESRCH), (OWN | 1 << 16, 0)] {
        let arguments = [page, 0, 0, domain, 7];
        let case = Case { number: UPDATE_VA_MAPPING_OTHERDOMAIN, arguments, words: Vec::new() };
        check_eq!(checks, compare(checks, ground, &case).result, answer, "for {domain:#x}");
    }
}

/// Lists of calls.
fn calls(checks: &mut Checks, ground: &mut Ground) {
    let version = [XEN_VERSION.into(), 0, 0, 0, 0, 0, 0, 0];
    let nested = [MULTICALL.into(), 0, at(AT_LIST, 0), 1, 0, 0, 0, 0];
    let unknown = [1 << 32 | u64::from(XEN_VERSION), 0, 0, 0, 0, 0, 0, 0];
    let entries = [version, nested, unknown, version];
    let results = [0x4_0011, -EINVAL, -ENOSYS, 0x4_0011];
    for (list, length, offset, answer, done) in [
        (at(AT_LIST, 0), 4, 0, 0, 4),
        (at(AT_LIST, 0), 4 | 1 << 32, 0, 0, 4),
        (at(AT_LIST, 0), 0, 0, 0, 0),
        (at(AT_LIST, 4000), 4, 4000, 0, 4),
        (at(AT_LIST_NOTHING, 4000), 4, 4000, -EFAULT, 1),
        (at(AT_LIST_GONE, 4000), 4, 4000, -EFAULT, 1),
        (at(AT_READ_ONLY, 0), 4, places::READ_ONLY * 4096, -EFAULT, 0),
        (at(AT_GONE, 0), 4, 0, -EFAULT, 0),
        (at(AT_HOLE, 0), 1, 0, -EFAULT, 0),
        (UNREACHABLE[0], 0, 0, -EFAULT, 0),
        (UNREACHABLE[3], 1, 0, -EFAULT, 0),
    ] {
        let words = (offset..).step_by(8).zip(entries.into_iter().flatten()).collect();
        let case = Case { number: MULTICALL, arguments: [list, length, 5, 6, 7], words };
        let Effect { result, sight, .. } = compare(checks, ground, &case);
        let found = (0..4).map(|entry| {
            sight.words[places::DATA * 512 + offset / 8 + 8 * entry + 1].cast_signed()
        });
        let expected = results.iter().take(done).chain([0; 4].iter()).take(4).copied();
        let found: Vec<i64> = found.collect();
        check_eq!(checks, result, answer, "{length} calls at {list:#x}");
        check_eq!(checks, found, expected.collect::<Vec<_>>(), "results at {list:#x}");
    }
}
