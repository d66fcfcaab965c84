//! Calls about page tables and lists of calls: the event may come between two of their requests.

use xenolith_guest::{
    StartInfo,
    abi::{
        domain,
        hypercall::{
            FPU_TASKSWITCH, MMU_UPDATE, MMUEXT_OP, MULTICALL, STACK_SWITCH, UPDATE_VA_MAPPING,
            XEN_VERSION,
        },
        mmu::{
            INVLPG_LOCAL, NEW_BASEPTR, PIN_L4_TABLE, PT_UPDATE_PRESERVE_AD, TLB_FLUSH_LOCAL,
            UVMF_INVLPG, UVMF_TLB_FLUSH,
        },
    },
    paging::AddressSpace,
    probe::{
        hypercall::syscall,
        memory::{read_u64, write_u64},
    },
    static_pages::StaticPages,
    user,
    x86_64::{PhysAddr, VirtAddr, registers::control::Cr3},
};

use crate::sweep::Sweeper;

/// A page for lists, and one for the table that they change.
static PAGES: StaticPages<2> = StaticPages::new();
const LIST: u64 = 0;
const CALLS: u64 = 0x400;
const COUNT: u64 = 0x800;
const TABLE: u64 = 0x1000;
const SELF: u64 = domain::SELF as u64;
const NO_CALL: u64 = 99;

pub(crate) fn sweep(sweeper: &mut Sweeper<'_>, start: &StartInfo) {
    let Ok(table) = AddressSpace::of_boot(start).translate(at(TABLE)) else {
        return sweeper.expect(false, format_args!("the image is not mapped"));
    };
    sweeper.sweep_long("mmu_update", || updates(table));
    sweeper.sweep_long("mmuext_op", extended);
    for flush in [UVMF_INVLPG, UVMF_TLB_FLUSH] {
        sweeper.sweep("update_va_mapping", || mapping(table, flush));
    }
    sweeper.sweep_long("multicall", || calls(table, XEN_VERSION.into()));
    sweeper.sweep_long("multicall, then root", || calls(table, NO_CALL));
}

fn at(offset: u64) -> VirtAddr {
    PAGES.page(0) + offset
}

fn put(offset: u64, words: &[u64]) {
    for (index, &word) in (0..).zip(words) {
        write_u64(at(offset) + 8 * index, word);
    }
}

fn words<const N: usize>(offset: u64) -> [u64; N] {
    core::array::from_fn(|index| read_u64(at(offset) + 8 * index as u64))
}

/// Writes three updates, of which the last keeps a flag, and what they change.
fn put_updates(table: PhysAddr) -> [u64; 5] {
    let first = table.as_u64();
    let last = (first + 16) | PT_UPDATE_PRESERVE_AD;
    put(TABLE, &[0, 0, 0x20]);
    put(LIST, &[first, 0x11, first + 8, 0x12, last, 0x13]);
    put(COUNT, &[0]);
    [at(LIST).as_u64(), 3, at(COUNT).as_u64(), SELF, 0]
}

/// Returns the result, the count and the words.
fn updates(table: PhysAddr) -> (i64, [u64; 1], [u64; 3]) {
    let result = syscall(MMU_UPDATE.into(), put_updates(table));
    (result, words(COUNT), words(TABLE))
}

fn extended() -> (i64, [u64; 1]) {
    let table = Cr3::read().0.start_address().as_u64() / 4096;
    let requests = [
        [INVLPG_LOCAL.into(), at(TABLE).as_u64(), 0],
        [PIN_L4_TABLE.into(), table, 0],
        [NEW_BASEPTR.into(), table, 0],
        [TLB_FLUSH_LOCAL.into(), 0, 0],
    ];
    put(LIST, requests.as_flattened());
    put(COUNT, &[0]);
    let arguments = [at(LIST).as_u64(), 4, at(COUNT).as_u64(), SELF, 0];
    (syscall(MMUEXT_OP.into(), arguments), words(COUNT))
}

fn mapping(table: PhysAddr, flush: u64) -> (i64, u64) {
    write_u64(at(TABLE), 0x5eed);
    let entry = table.as_u64() | 3;
    let arguments = [at(TABLE).as_u64(), entry, flush, 0, 0];
    (syscall(UPDATE_VA_MAPPING.into(), arguments), read_u64(at(TABLE)))
}

/// A list of calls, of which one is a list itself and the last is `last_call`. Returns the results.
fn calls(table: PhysAddr, last_call: u64) -> (i64, [u64; 4], [u64; 1], [u64; 3]) {
    let [list, length, count, domain, _] = put_updates(table);
    let stack = user::entry_stack().as_u64();
    let entries = [
        [FPU_TASKSWITCH.into(), 1, 0, 0, 0, 0, 0, 0],
        [MMU_UPDATE.into(), 1, list, length, count, domain, 0, 0],
        [STACK_SWITCH.into(), 1, 0, stack, 0, 0, 0, 0],
        [last_call, 1, 0, 0, 0, 0, 0, 0],
    ];
    put(CALLS, entries.as_flattened());
    let result = syscall(MULTICALL.into(), [at(CALLS).as_u64(), 4, 0, 0, 0]);
    let results = [0, 1, 2, 3].map(|index| read_u64(at(CALLS) + 64 * index + 8));
    (result, results, words(COUNT), words(TABLE))
}
