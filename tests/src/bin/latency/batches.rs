//! Calls that take lists of requests, tables and text.

use xenolith_guest::{
    abi::{
        console, domain, grant,
        hypercall::{
            CONSOLE_IO, GRANT_TABLE_OP, MEMORY_OP, MMU_UPDATE, MMUEXT_OP, MULTICALL, SCHED_OP,
            SET_TRAP_TABLE, UPDATE_VA_MAPPING, XEN_VERSION,
        },
        memory::ADD_TO_PHYSMAP,
        mmu,
        sched::POLL,
        xenolith::KERNEL_CS,
    },
    entry::{self, Vector},
    probe::control,
};

use crate::stage::{ARGUMENT, LIST, LongCall, OTHER_LIST, PAGE, Stage, WRITTEN};

const SELF: u64 = domain::SELF as u64;
/// Requests of `mmu_update`, and of `mmuext_op`.
const UPDATES: u64 = 4096;
const EXTENDED: u64 = 1024;
/// Entries of a `multicall`; copies of pages; entries of a trap table.
const ENTRIES: usize = 512;
const COPIES: u64 = 256;
const HANDLERS: u64 = 2048;
/// Ports that can be polled at once.
const POLLED: u64 = 128;
/// Frames of the largest grant table.
const GRANT_FRAMES: u64 = 32;
/// A vector that nothing raises.
const UNUSED_VECTOR: u8 = 0x90;

/// A megabyte of lines.
static TEXT: [[u8; 64]; 1 << 14] =
    [*b"filler ........................................................\n"; 1 << 14];

/// `mmu_update` of [`UPDATES`] requests, of one kind.
macro_rules! updates {
    ($name:literal, $kind:expr) => {
        LongCall::new(
            $name,
            |stage| updates(stage, $kind),
            |stage| (MMU_UPDATE, [stage.at(LIST), UPDATES, 0, SELF, 0]),
        )
    };
}

/// `mmuext_op` of [`EXTENDED`] requests, with the second argument as given.
macro_rules! extended {
    ($name:literal, $command:expr, $first:expr, $second:expr) => {
        LongCall::new(
            $name,
            |stage| {
                let (first, second): (fn(&Stage) -> u64, fn(&Stage) -> u64) = ($first, $second);
                let operation = [$command.into(), first(stage), second(stage)];
                repeat(stage, EXTENDED, &operation);
            },
            |stage| (MMUEXT_OP, [stage.at(LIST), EXTENDED, 0, SELF, 0]),
        )
    };
}

/// `grant_table_op` with a list of so many requests.
macro_rules! grants {
    ($name:literal, $operation:expr, $count:expr, $set_up:expr) => {
        LongCall::new($name, $set_up, |stage| {
            (GRANT_TABLE_OP, [$operation.into(), stage.at(LIST), $count, 0, 0])
        })
    };
}

pub(crate) const CALLS: &[LongCall] = &[
    updates!("mmu_update, entries", mmu::NORMAL_PT_UPDATE),
    updates!("mmu_update, keeping accessed and dirty", mmu::PT_UPDATE_PRESERVE_AD),
    updates!("mmu_update, machine-to-physical", mmu::MACHPHYS_UPDATE),
    extended!("mmuext_op, pin level 4", mmu::PIN_L4_TABLE, written, zero),
    extended!("mmuext_op, unpin", mmu::UNPIN_TABLE, written, zero),
    extended!(
        "mmuext_op, new base pointer",
        mmu::NEW_BASEPTR,
        |_| control::cr3() / PAGE as u64,
        zero
    ),
    extended!("mmuext_op, flush all", mmu::TLB_FLUSH_ALL, zero, zero),
    extended!("mmuext_op, INVLPG of a set", mmu::INVLPG_MULTI, window, window),
    extended!("mmuext_op, set LDT", mmu::SET_LDT, window, |_| 16),
    extended!("mmuext_op, clear page", mmu::CLEAR_PAGE, written, zero),
    extended!("mmuext_op, copy page", mmu::COPY_PAGE, written, |stage| stage.frame(LIST)),
    LongCall::new("multicall, update_va_mapping", mappings, list),
    LongCall::new("multicall, mixed", mixed, list),
    LongCall::new("multicall, add_to_physmap", physmap, list),
    grants!("grant_table_op, set up", grant::SETUP_TABLE, 1, grant_frames),
    grants!("grant_table_op, copy", grant::COPY, COPIES, copies),
    grants!("grant_table_op, map", grant::MAP_GRANT_REF, EXTENDED, |stage| {
        repeat(stage, EXTENDED, &[0, u64::from(grant::MAP_HOST_MAP), SELF, 0]);
    }),
    grants!("grant_table_op, unmap", grant::UNMAP_GRANT_REF, EXTENDED, |stage| {
        repeat(stage, EXTENDED, &[0, 0, 0xffff_ffff]);
    }),
    LongCall::new("sched_op, poll", polled, |stage| {
        (SCHED_OP, [POLL.into(), stage.at(ARGUMENT), 0, 0, 0])
    }),
    LongCall::new("set_trap_table", handlers, |stage| {
        (SET_TRAP_TABLE, [stage.at(LIST), 0, 0, 0, 0])
    }),
    LongCall::new(
        "console_io, a megabyte",
        |_| {},
        |_| {
            let text = TEXT.as_flattened();
            let write = u64::from(console::WRITE);
            (CONSOLE_IO, [write, text.len() as u64, text.as_ptr().addr() as u64, 0, 0])
        },
    )
    .rounds(1)
    .gap(2_000_000),
    // The last: nothing handles exceptions behind it.
    LongCall::new("set_trap_table, none", |_| {}, |_| (SET_TRAP_TABLE, [0; 5])),
];

fn zero(_: &Stage) -> u64 {
    0
}

fn written(stage: &Stage) -> u64 {
    stage.frame(WRITTEN)
}

fn window(stage: &Stage) -> u64 {
    stage.at(0)
}

fn list(stage: &Stage) -> (u32, [u64; 5]) {
    (MULTICALL, [stage.at(LIST), ENTRIES as u64, 0, 0, 0])
}

/// Fills the long list with one request.
fn repeat(stage: &mut Stage, count: u64, request: &[u64]) {
    let words = (0..count).flat_map(|_| request.iter().copied());
    stage.write(ARGUMENT, [1]);
    stage.write(LIST, words);
}

fn updates(stage: &mut Stage, kind: u64) {
    let page = stage.frame(WRITTEN) * PAGE as u64;
    let is_entry = kind != mmu::MACHPHYS_UPDATE;
    let request = |index: u64| {
        let offset = if is_entry { 8 * (index % 512) } else { 0 };
        [page + offset + kind, if is_entry { index << 12 } else { page / PAGE as u64 }]
    };
    stage.write(LIST, (0..UPDATES).flat_map(request));
}

/// Fills the long list with entries of a `multicall`: number and arguments.
fn entries(stage: &mut Stage, entry: impl Fn(&Stage, usize) -> (u32, [u64; 5])) {
    for index in 0..ENTRIES {
        let (number, arguments) = entry(stage, index);
        stage.write(LIST + 64 * index, [number.into(), 0].into_iter().chain(arguments));
    }
}

/// Maps the window's spare page, as it is mapped already.
fn mapping(stage: &Stage) -> (u32, [u64; 5]) {
    const PRESENT_WRITABLE: u64 = 3;
    let entry = (stage.frame(WRITTEN) * PAGE as u64) | PRESENT_WRITABLE;
    (UPDATE_VA_MAPPING, [stage.at(WRITTEN), entry, mmu::UVMF_INVLPG | mmu::UVMF_ALL, 0, 0])
}

fn mappings(stage: &mut Stage) {
    entries(stage, |stage, _| mapping(stage));
}

fn mixed(stage: &mut Stage) {
    const SHARE: u64 = 256;
    let page = stage.frame(WRITTEN) * PAGE as u64;
    stage.write(OTHER_LIST, (0..SHARE).flat_map(|index| [page + 8 * index, index << 12]));
    stage.write(ARGUMENT, [SELF]);
    entries(stage, |stage, index| match index % 4 {
        0 => (XEN_VERSION, [0; 5]),
        1 => (MMU_UPDATE, [stage.at(OTHER_LIST), SHARE, 0, SELF, 0]),
        2 => mapping(stage),
        _ => (MEMORY_OP, [3, stage.at(ARGUMENT), 0, 0, 0]),
    });
}

fn physmap(stage: &mut Stage) {
    stage.write(ARGUMENT, [SELF, 0, 0]);
    entries(stage, |stage, _| (MEMORY_OP, [ADD_TO_PHYSMAP.into(), stage.at(ARGUMENT), 0, 0, 0]));
}

fn grant_frames(stage: &mut Stage) {
    let frames = stage.at(OTHER_LIST);
    stage.write(LIST, [SELF | GRANT_FRAMES << 32, 0, frames]);
}

fn copies(stage: &mut Stage) {
    let (from, to) = (stage.frame(OTHER_LIST), stage.frame(WRITTEN));
    repeat(stage, COPIES, &[from, SELF, to, SELF, PAGE as u64]);
}

fn polled(stage: &mut Stage) {
    const PORT: u64 = 1;
    const PASSED_NS: u64 = 1;
    // The timer's own port, which has no event while the call looks at it; a list of 32-bit numbers.
    let ports = stage.at(LIST);
    stage.write(ARGUMENT, [ports, POLLED, PASSED_NS]);
    stage.write(LIST, (0..POLLED / 2).map(|_| PORT | PORT << 32));
}

fn handlers(stage: &mut Stage) {
    let address = entry::vector_address(Vector(UNUSED_VECTOR)).as_u64();
    let handler = [u64::from(UNUSED_VECTOR) | u64::from(KERNEL_CS) << 16, address];
    stage.write(LIST, (0..HANDLERS).flat_map(|_| handler).chain([0, 0]));
}
