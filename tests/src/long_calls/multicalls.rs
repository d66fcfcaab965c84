//! Lists of calls, some of which have lists of their own.

use alloc::vec::Vec;

use xenolith_guest::abi::{
    domain::SELF,
    errno::{EINVAL, ENOSYS},
    hypercall::{MEMORY_OP, MMU_UPDATE, MULTICALL, UPDATE_VA_MAPPING, VCPU_OP, XEN_VERSION},
    memory::MAXIMUM_RAM_PAGE,
    mmu::UVMF_INVLPG,
    vcpu::IS_UP,
};

use super::{Make, Worker, Wrong, expect, lists};

/// Calls of a list, and updates in each list within; these lie behind the calls.
const CALLS: u64 = 48;
const UPDATES: u64 = 10;
const LISTS: usize = 4096;
const ENTRY_BYTES: usize = 64;
/// The sixth argument, which no call has.
const UNUSED: u64 = 0x6666;

/// Makes calls of all kinds.
pub(super) fn calls(worker: &mut Worker, make: &mut Make<'_>) -> Result<(), Wrong> {
    let count = 1 + worker.random.below(CALLS);
    let list = worker.pages.list();
    let highest = make(MEMORY_OP, [MAXIMUM_RAM_PAGE.into(), 0, 0, 0, 0]);
    let mut results = Vec::new();
    for index in 0..usize::try_from(count).unwrap_or(0) {
        let (number, arguments, result) = call(worker, index, highest);
        let entry = [number.into(), 0x5555].into_iter().chain(arguments).chain([UNUSED]);
        list.put(ENTRY_BYTES * index, &entry.collect::<Vec<u64>>());
        results.push(result);
    }
    let answer = make(MULTICALL, [list.address, count, 0, 0, 0]);
    expect(answer == 0, "a list of calls")?;
    for (index, result) in results.into_iter().enumerate() {
        let entry = list.from(ENTRY_BYTES * index);
        expect(entry.word(8).cast_signed() == result, "the result of a call in a list")?;
        expect(entry.word(56) == UNUSED, "what is behind a call's arguments")?;
    }
    Ok(())
}

/// Returns one of the calls and its result.
fn call(worker: &mut Worker, index: usize, highest: i64) -> (u32, [u64; 5], i64) {
    let updates = 1 + worker.random.below(UPDATES);
    let list = worker.pages.list().from(LISTS + index * 160);
    match worker.random.below(8) {
        0..=2 => {
            lists::put_updates(worker, list, updates);
            (MMU_UPDATE, [list.address, updates, 0, SELF.into(), 0], 0)
        }
        3 => {
            let entry = worker.pages.result_frame(0) | 3;
            (UPDATE_VA_MAPPING, [worker.pages.shown_at(), entry, UVMF_INVLPG, 0, 0], 0)
        }
        4 => (MEMORY_OP, [MAXIMUM_RAM_PAGE.into(), 0, 0, 0, 0], highest),
        5 => (VCPU_OP, [IS_UP.into(), 0, 0, 0, 0], 1),
        6 => (MULTICALL, [list.address, 1, 0, 0, 0], -EINVAL),
        _ if index.is_multiple_of(2) => (63, [0; 5], -ENOSYS),
        _ => (XEN_VERSION, [0; 5], 0x4_0011),
    }
}
