//! The descriptor table and the bases of FS and GS, through the hypervisor's calls.
//!
//! The table is made of the kernel's frames and the hypervisor's page behind them. A call that changed
//! half of it before it refuses would leave a table that nobody asked for; a selector that cannot be
//! loaded faults in the resident, between two SWAPGS.
//! Expected: descriptors count as soon as the call returns, and no longer when their frame is taken
//! away; bad arguments change nothing; a bad selector for a process's GS is the null selector.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::{
    calls::{Call, call, check_all},
    programs::{Ring, Stage, exception},
};
use xenolith_guest::{
    StartInfo,
    abi::{
        errno::{EFAULT, EINVAL},
        hypercall::{SET_GDT, SET_SEGMENT_BASE, UPDATE_DESCRIPTOR},
        segment,
    },
    check, check_eq,
    entry::Frame,
    hypercall::Errno,
    irq::Flags,
    probe::{descriptors, exception::continue_with, msr},
    scenario::Checks,
    x86_64::PhysAddr,
};

xenolith_guest::scenario!(run);

/// Pages of the window for two frames of descriptors, and an address where nothing is mapped.
const TABLES: [usize; 2] = [Stage::FREE, Stage::FREE + 1];
const UNMAPPED: u64 = 0x1234_5678_9000;
/// Ring 3 data, present or not; a based one.
const DATA: u64 = 0x00cf_f300_0000_ffff;
const ABSENT: u64 = 0x00cf_7300_0000_ffff;
const BASED: u64 = 0x12cf_f334_5678_ffff;
const BASE: u64 = 0x1234_5678;
/// Descriptors of a frame.
const PER_FRAME: u32 = 512;

/// What loading a selector comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Load {
    Loaded,
    NotPresent,
    Refused,
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.fail(format_args!("exceptions: {error}")),
    };
    for page in TABLES {
        stage.share(page, &[0; 512]);
    }
    let frames = TABLES.map(|page| stage.window.own_frame(page));
    check_table(checks, &mut stage, frames);
    check_refused_tables(checks, &mut stage, frames, start.pages());
    check_update(checks, &mut stage, frames[0]);
    check_refused_updates(checks, frames[0], start.pages());
    check_bases(checks);
    check_user_gs(checks, &mut stage, frames[0]);
}

/// Loads a selector into DS, in the kernel.
fn load(checks: &mut Checks, stage: &mut Stage, selector: u64) -> Load {
    let start = stage.load(Ring::Kernel, &[0x8e, 0xd8], Flags::IF);
    let seen = continue_with(&Frame { rax: selector, ..start });
    let load = [(3, Load::Loaded), (11, Load::NotPresent), (13, Load::Refused)]
        .into_iter()
        .find(|(vector, _)| seen.cause() == exception(*vector));
    check!(checks, load.is_some(), "selector {selector:#x}: {:?}", seen.cause());
    load.map_or(Load::Refused, |(_, load)| load)
}

fn check_load(checks: &mut Checks, stage: &mut Stage, selector: u64, expected: Load) {
    let seen = load(checks, stage, selector);
    check_eq!(checks, seen, expected, "selector {selector:#x}");
}

/// One frame, two frames, the same one twice, none: and what selectors then mean.
fn check_table(checks: &mut Checks, stage: &mut Stage, [first, second]: [PhysAddr; 2]) {
    check_load(checks, stage, 8, Load::Refused);
    stage.window.write(TABLES[0] * 4096 + 8, &DATA.to_le_bytes());
    stage.window.write(TABLES[1] * 4096 + 16, &ABSENT.to_le_bytes());
    check_eq!(checks, descriptors::set_gdt(&[first], PER_FRAME), Ok(()), "one");
    check_load(checks, stage, 8, Load::Loaded);
    check_load(checks, stage, 16, Load::Refused);
    check_load(checks, stage, 0x1010, Load::Refused);
    check_eq!(checks, descriptors::set_gdt(&[first, second], PER_FRAME + 1), Ok(()), "two");
    check_load(checks, stage, 8, Load::Loaded);
    check_load(checks, stage, 0x1010, Load::NotPresent);
    // Entries are the kernel's to write, at any time.
    stage.window.write(TABLES[1] * 4096 + 16, &DATA.to_le_bytes());
    check_load(checks, stage, 0x1010, Load::Loaded);
    check_eq!(checks, descriptors::set_gdt(&[second; 14], 14 * PER_FRAME), Ok(()), "14 of one");
    check_load(checks, stage, 0xd010, Load::Loaded);
    check_load(checks, stage, 0xe02b, Load::Loaded);
    check_eq!(checks, descriptors::set_gdt(&[], 0), Ok(()), "none");
    check_load(checks, stage, 0x1010, Load::Refused);
    check_load(checks, stage, 0xe02b, Load::Loaded);
}

fn check_refused_tables(
    checks: &mut Checks,
    stage: &mut Stage,
    [first, _]: [PhysAddr; 2],
    pages: u64,
) {
    check_eq!(checks, descriptors::set_gdt(&[first], PER_FRAME), Ok(()));
    let beyond = PhysAddr::new(pages * 4096);
    let wild = PhysAddr::new_truncate(u64::MAX);
    for bad in [beyond, wild] {
        for frames in [[bad, first], [first, bad]] {
            let refused = descriptors::set_gdt(&frames, 2 * PER_FRAME);
            check_eq!(checks, refused, Err(Errno(EINVAL)), "{frames:?}");
        }
    }
    let too_many = descriptors::set_gdt(&[first; 15], segment::FIRST_RESERVED_GDT_ENTRY + 1);
    check_eq!(checks, too_many, Err(Errno(EINVAL)), "a descriptor too many");
    check_all(
        checks,
        SET_GDT,
        &[
            Call { name: "no list", arguments: [UNMAPPED, 1, 0], answer: -EFAULT },
            Call { name: "most descriptors", arguments: [0, 0xffff_ffff, 0], answer: -EINVAL },
        ],
    );
    // The number is an unsigned int; without descriptors there is no list to read.
    check_load(checks, stage, 8, Load::Loaded);
    check_eq!(checks, call(SET_GDT, [UNMAPPED, 1 << 32, 0]), 0, "a number of 33 bits");
    check_load(checks, stage, 8, Load::Refused);
}

fn check_update(checks: &mut Checks, stage: &mut Stage, table: PhysAddr) {
    check_eq!(checks, descriptors::set_gdt(&[table], PER_FRAME), Ok(()));
    for (descriptor, expected) in [
        (DATA, Load::Loaded),
        (ABSENT, Load::NotPresent),
        (BASED, Load::Loaded),
        (0, Load::Refused),
        // Code of ring 0 and an upper half of another descriptor: they hurt their kernel only.
        (0x00af_9b00_0000_ffff, Load::Loaded),
        (0xffff_8000, Load::Refused),
    ] {
        check_eq!(checks, descriptors::update(table + 80, descriptor), Ok(()), "{descriptor:#x}");
        let stored = stage.window.u64(TABLES[0] * 4096 + 80);
        check_eq!(checks, stored, descriptor, "stored");
        check_load(checks, stage, 80, expected);
    }
}

/// Gates, task states and local tables, each present; and addresses that are none.
fn check_refused_updates(checks: &mut Checks, table: PhysAddr, pages: u64) {
    const PRESENT: u64 = 1 << 47;
    for kind in 1..16_u64 {
        let at = table + 88;
        let refused = descriptors::update(at, kind << 40 | PRESENT);
        check_eq!(checks, refused, Err(Errno(EINVAL)), "type {kind}");
        check_eq!(checks, descriptors::update(at, kind << 40), Ok(()), "type {kind}, absent");
    }
    let table = table.as_u64();
    let bad = [
        ("misaligned by 1", table + 1),
        ("misaligned by 4", table + 4),
        ("behind memory", pages * 4096),
        ("last address", u64::MAX - 7),
    ];
    for (name, at) in bad {
        let calls = [Call { name, arguments: [at, DATA, 0], answer: -EINVAL }];
        check_all(checks, UPDATE_DESCRIPTOR, &calls);
    }
}

const FS_BASE: u32 = 0xc000_0100;
const GS_BASE: u32 = 0xc000_0101;
const OTHER_GS_BASE: u32 = 0xc000_0102;

/// Each base alone, and what is no base.
fn check_bases(checks: &mut Checks) {
    let bases = [
        (segment::SEGBASE_FS, FS_BASE),
        (segment::SEGBASE_GS_USER, OTHER_GS_BASE),
        (segment::SEGBASE_GS_KERNEL, GS_BASE),
    ];
    for (which, register) in bases {
        for base in [0x1000, 0x7fff_ffff_ffff, 0xffff_8000_0000_0000, u64::MAX, 0] {
            let others =
                bases.map(|(_, other)| if other == register { 0 } else { msr::read(other) });
            check_eq!(
                checks,
                call(SET_SEGMENT_BASE, [which.into(), base, 0]),
                0,
                "{which} {base:#x}"
            );
            check_eq!(checks, msr::read(register), base, "{which} {base:#x}");
            let after =
                bases.map(|(_, other)| if other == register { 0 } else { msr::read(other) });
            check_eq!(checks, after, others, "the other bases, {which} {base:#x}");
        }
        for base in [1 << 47, 0xffff_7fff_ffff_ffff, 0x5eed_0000_0000_0000] {
            let refused = call(SET_SEGMENT_BASE, [which.into(), base, 0]);
            check_eq!(checks, refused, -EINVAL, "{which} {base:#x}");
            check_eq!(checks, msr::read(register), 0, "{which} {base:#x}");
        }
    }
    for which in [4, 5, 63, u64::from(u32::MAX)] {
        check_eq!(checks, call(SET_SEGMENT_BASE, [which, 0, 0]), -EINVAL, "no base {which}");
    }
}

/// A selector for a process's GS: its base is what the process finds, and the kernel's stays.
fn check_user_gs(checks: &mut Checks, stage: &mut Stage, table: PhysAddr) {
    const KERNELS: u64 = 0xffff_ffff_8765_4000;
    for (at, descriptor) in [(8, BASED), (16, ABSENT), (24, 0x00cf_9300_0000_ffff)] {
        check_eq!(checks, descriptors::update(table + at, descriptor), Ok(()));
    }
    check_eq!(checks, descriptors::set_gdt(&[table], PER_FRAME), Ok(()));
    msr::write(GS_BASE, KERNELS);
    for (given, selector, base) in [
        (8, 8 | 3, BASE),
        (0, 0, 0),
        (8 | 3, 8 | 3, BASE),
        (2, 0, 0),
        (8 | 1, 8 | 3, BASE),
        // Not present, of the kernel, empty, behind the table, of a local table.
        (16, 0, 0),
        (8, 8 | 3, BASE),
        (24, 0, 0),
        (0x1000, 0, 0),
        (8, 8 | 3, BASE),
        (0xfff8, 0, 0),
        (4, 0, 0),
        // Only 16 bits are a selector.
        (0x1_0008, 8 | 3, BASE),
        (0xe02b, 0xe02b, 0),
    ] {
        let gs = segment::SEGBASE_GS_USER_SEL.into();
        check_eq!(checks, call(SET_SEGMENT_BASE, [gs, given, 0]), 0, "selector {given:#x}");
        check_eq!(checks, msr::read(GS_BASE), KERNELS, "selector {given:#x}: the kernel's base");
        check_eq!(checks, msr::read(OTHER_GS_BASE), base, "selector {given:#x}: base");
        // MOV EBX, GS
        let start = stage.load(Ring::User, &[0x8c, 0xeb], Flags::IF);
        let seen = continue_with(&start);
        // The processor may make one null selector of another on the way into a process.
        let found = if seen.rbx <= 3 { 0 } else { seen.rbx };
        check_eq!(checks, found, selector, "selector {given:#x} in a process");
        check_eq!(checks, msr::read(OTHER_GS_BASE), base, "selector {given:#x}: base, later");
    }
}
