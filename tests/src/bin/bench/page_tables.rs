//! What page tables and lists of calls cost.
//!
//! The tables that change are not in use, which nobody asks here: nothing is validated. Top-level
//! tables that are loaded are copies of the kernel's own.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use xenolith_guest::{
    abi::{
        domain,
        hypercall::{MMU_UPDATE, MMUEXT_OP, MULTICALL, UPDATE_VA_MAPPING, XEN_VERSION},
        mmu::{
            COPY_PAGE, INVLPG_LOCAL, NEW_BASEPTR, NEW_USER_BASEPTR, PIN_L1_TABLE, TLB_FLUSH_ALL,
            TLB_FLUSH_LOCAL, UNPIN_TABLE, UVMF_INVLPG, UVMF_NONE, UVMF_TLB_FLUSH,
        },
    },
    hypercall::Errno,
    probe::{
        Window,
        hypercall::{direct, direct_long},
        memory::write_u64,
    },
    x86_64::{PhysAddr, VirtAddr, registers::control::Cr3},
};

use super::{Operation, operation, prepared};

const PAGE: usize = 4096;
/// Pages of the window: lists, a page whose mapping changes, a page table of level 1, two copies of
/// the top-level table.
const UPDATES: usize = 0;
const CALLS: usize = PAGE;
const EXTENDED: usize = 2 * PAGE;
const CHANGED: usize = 3;
const TABLE: usize = 4;
const TOP_LEVEL: [usize; 2] = [5, 6];

const ENTRIES: u64 = 64;
const SELF: u64 = domain::SELF as u64;
const WRITABLE: u64 = 2;

/// The window's address, and the entry that operations change.
static WINDOW: AtomicU64 = AtomicU64::new(0);
static ENTRY: AtomicU64 = AtomicU64::new(0);
/// Frames of the kernel's own top-level table and of its copies.
static TABLES: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

pub(super) const OPERATIONS: &[Operation] = &[
    operation("multicall of 8 xen_version (total)", || _ = calls(8)),
    operation("multicall of 1 xen_version", || _ = calls(1)),
    operation("update_va_mapping same PTE, INVLPG", || _ = mapping(UVMF_INVLPG)),
    prepared("update_va_mapping toggle RO/RW, INVLPG", toggle_writable, || {
        _ = mapping(UVMF_INVLPG);
    }),
    prepared("update_va_mapping toggle RO/RW, no flush", toggle_writable, || {
        _ = mapping(UVMF_NONE);
    }),
    prepared("update_va_mapping toggle frame, TLB_FLUSH", toggle_frame, || {
        _ = mapping(UVMF_TLB_FLUSH);
    }),
    prepared("mmu_update x1 toggle RO/RW", toggle_list, || _ = updates(1)),
    Operation {
        entries: ENTRIES,
        ..prepared("mmu_update x64 toggle RO/RW, per entry", toggle_list, || _ = updates(ENTRIES))
    },
    prepared("mmuext INVLPG_LOCAL", || extended(0, INVLPG_LOCAL, window(CHANGED * PAGE)), one),
    prepared("mmuext TLB_FLUSH_LOCAL", || extended(0, TLB_FLUSH_LOCAL, 0), one),
    prepared("mmuext TLB_FLUSH_ALL", || extended(0, TLB_FLUSH_ALL, 0), one),
    prepared("mmuext PIN+UNPIN empty L1 (pair)", pin_and_unpin, two),
    prepared("mmuext NEW_BASEPTR same", || extended(0, NEW_BASEPTR, frame(1)), one),
    prepared("mmuext NEW_BASEPTR toggle", || extended(0, NEW_BASEPTR, other_table()), one),
    prepared("mmuext NEW_USER_BASEPTR toggle", user_table, one),
    prepared("mmuext NEW_BASEPTR+NEW_USER_BASEPTR toggle", both_tables, two),
    prepared("mmuext back to the kernel's table", || extended(0, NEW_BASEPTR, frame(0)), one),
];

/// Takes the pages that the operations need.
pub(super) fn set_up(window: &mut Window) {
    WINDOW.store(window.address(0).as_u64(), Relaxed);
    ENTRY.store(window.own_frame(CHANGED).as_u64() | Window::DATA.bits(), Relaxed);
    let table = window.own_frame(TABLE).as_u64();
    for index in 0..ENTRIES {
        write_u64(at(UPDATES) + 16 * index, table + 8 * index);
    }
    for index in 0..8 {
        write_u64(at(CALLS) + 64 * index, XEN_VERSION.into());
    }
    copy_tables(window);
    try_all();
}

/// Copies the kernel's top-level table.
fn copy_tables(window: &Window) {
    let number = |address: PhysAddr| address.as_u64() / PAGE as u64;
    TABLES[0].store(number(Cr3::read().0.start_address()), Relaxed);
    for (page, table) in TOP_LEVEL.into_iter().zip(&TABLES[1..]) {
        let copy = number(window.own_frame(page));
        table.store(copy, Relaxed);
        extended(0, COPY_PAGE, copy);
        write_u64(at(EXTENDED) + 16, frame(0));
        assert_eq!(extended_call(1), Ok(0), "a copy of the top-level table");
    }
}

/// Makes each kind of call once: errors would be cheap.
fn try_all() {
    extended(0, INVLPG_LOCAL, window(CHANGED * PAGE));
    toggle_list();
    let results = [
        calls(8),
        mapping(UVMF_INVLPG),
        mapping(UVMF_TLB_FLUSH),
        updates(ENTRIES),
        extended_call(1),
    ];
    assert_eq!(results, [Ok(0); 5], "calls about page tables");
    for prepare in [pin_and_unpin, user_table, both_tables] {
        prepare();
        assert_eq!(extended_call(2), Ok(0), "calls about page tables");
    }
}

fn window(offset: usize) -> u64 {
    WINDOW.load(Relaxed) + offset as u64
}

fn at(offset: usize) -> VirtAddr {
    VirtAddr::new(window(offset))
}

fn frame(table: usize) -> u64 {
    TABLES[table].load(Relaxed)
}

fn toggle_writable() {
    ENTRY.fetch_xor(WRITABLE, Relaxed);
}

fn toggle_frame() {
    ENTRY.fetch_xor(PAGE as u64, Relaxed);
}

fn toggle_list() {
    toggle_writable();
    for index in 0..ENTRIES {
        write_u64(at(UPDATES) + 16 * index + 8, ENTRY.load(Relaxed));
    }
}

fn mapping(flush: u64) -> Result<u64, Errno> {
    direct::<UPDATE_VA_MAPPING>([window(CHANGED * PAGE), ENTRY.load(Relaxed), flush])
}

fn updates(count: u64) -> Result<u64, Errno> {
    direct_long::<MMU_UPDATE>([window(UPDATES), count, 0, SELF, 0])
}

fn calls(count: u64) -> Result<u64, Errno> {
    direct::<MULTICALL>([window(CALLS), count, 0])
}

/// Makes request `index` of the list about tables.
fn extended(index: u64, command: u32, argument: u64) {
    write_u64(at(EXTENDED) + 24 * index, command.into());
    write_u64(at(EXTENDED) + 24 * index + 8, argument);
}

fn extended_call(count: u64) -> Result<u64, Errno> {
    direct_long::<MMUEXT_OP>([window(EXTENDED), count, 0, SELF, 0])
}

fn one() {
    _ = extended_call(1);
}

fn two() {
    _ = extended_call(2);
}

fn pin_and_unpin() {
    extended(0, PIN_L1_TABLE, frame(1));
    extended(1, UNPIN_TABLE, frame(1));
}

/// Returns the frame of the copy that is not in use.
fn other_table() -> u64 {
    let current = Cr3::read().0.start_address().as_u64() / PAGE as u64;
    if current == frame(1) { frame(2) } else { frame(1) }
}

fn user_table() {
    toggle_frame();
    let second = ENTRY.load(Relaxed) & PAGE as u64 != 0;
    extended(0, NEW_USER_BASEPTR, frame(1 + usize::from(second)));
}

fn both_tables() {
    extended(0, NEW_BASEPTR, other_table());
    extended(1, NEW_USER_BASEPTR, other_table());
}
