//! Page faults: each access of each ring to each kind of page, with SMEP and SMAP off and on.
//!
//! A kernel tells demand paging, copy-on-write, a process's mistakes and its own by the bits of the
//! error code, so none may be lost, invented or taken from another fault.
//! Expected: what the manual's rules say of the page's flags (SDM 3A, "Access Rights"), with the error
//! code, the address (bare in CR2, else in vcpu_info), and every other word and register as it was; no fault where the
//! rules allow the access.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::programs::{Ring, Stage, exception, expected, without_resume_flag};
use xenolith_guest::{
    StartInfo, check_eq, cpuid,
    entry::Frame,
    irq::Flags,
    probe::{control, exception::continue_with},
    pvops::{self, World},
    scenario::Checks,
    shared_info::shared_info,
};

xenolith_guest::scenario!(run);

/// An access: its name and its instruction, by RBX.
type Access = (&'static str, &'static [u8]);

const LOAD: Access = ("load", &[0x48, 0x8b, 0x03]);
const STORE: Access = ("store", &[0x48, 0x89, 0x03]);
const JUMP: Access = ("jump", &[0xff, 0xe3]);

/// Bits of a page-table entry.
const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
/// A bit of the address that no processor has.
const RESERVED: u64 = 1 << 51;
const NO_EXECUTE: u64 = 1 << 63;

/// Bits of the error code.
const BY_PROTECTION: u64 = 1 << 0;
const BY_WRITE: u64 = 1 << 1;
const BY_USER: u64 = 1 << 2;
const BY_RESERVED: u64 = 1 << 3;
const BY_FETCH: u64 = 1 << 4;

const AC: u64 = 1 << 18;
const SMEP: u64 = 1 << 20;
const SMAP: u64 = 1 << 21;
/// Bits of CPUID leaf 7, ebx.
const HAS_SMEP_AND_SMAP: u32 = 1 << 7 | 1 << 20;

/// The page that is accessed.
const PAGE: usize = Stage::FREE;
/// `INT3`, where jumps land that are allowed.
const INT3: u8 = 0xcc;
const BREAKPOINT: u8 = 3;
const PAGE_FAULT: u8 = 14;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.fail(format_args!("exceptions: {error}")),
    };
    let bits = [PRESENT, WRITABLE, USER, NO_EXECUTE, RESERVED];
    for choice in 0_usize..1 << bits.len() {
        let chosen = bits.iter().enumerate().filter(|(bit, _)| choice >> bit & 1 != 0);
        let flags = chosen.fold(0, |flags, (_, bit)| flags | bit);
        check_page(checks, &mut stage, flags, 0);
    }
    if cpuid::read(7, 0).ebx & HAS_SMEP_AND_SMAP != HAS_SMEP_AND_SMAP {
        return checks.skip("a processor without SMEP and SMAP");
    }
    for flags in [0, WRITABLE, USER, USER | WRITABLE, USER | WRITABLE | NO_EXECUTE] {
        for features in [SMEP, SMAP, SMEP | SMAP] {
            check_page(checks, &mut stage, PRESENT | flags, features);
        }
    }
}

/// Checks all accesses to a page with these flags in its entry, with these features in CR4.
fn check_page(checks: &mut Checks, stage: &mut Stage, flags: u64, features: u64) {
    stage.window.restore(PAGE);
    stage.window.fill(PAGE * 4096, 16, INT3);
    for ring in Ring::ALL {
        for access in [LOAD, STORE, JUMP] {
            for ac in [0, AC] {
                check_access(checks, stage, (flags, features, ac), ring, access);
            }
        }
    }
}

fn check_access(
    checks: &mut Checks,
    stage: &mut Stage,
    (flags, features, ac): (u64, u64, u64),
    ring: Ring,
    access: Access,
) {
    let entry = stage.window.own_frame(PAGE).as_u64() | flags;
    let address = stage.page(PAGE).as_u64();
    let mut start = stage.load(ring, access.1, Flags::IF);
    (start.rbx, start.rax) = (address, u64::from_ne_bytes([INT3; 8]));
    start.rflags |= ac;
    stage.window.set_entry(PAGE, entry);
    let cr4 = control::cr4();
    control::write_cr4(cr4 | features);
    let seen = continue_with(&start);
    control::write_cr4(cr4);
    let what =
        format_args!("{}, {ring:?}, entry {flags:#x}, CR4 {features:#x}, AC {ac:#x}", access.0);
    let landed = if access == JUMP { address } else { start.rip };
    match error_code(flags, features, ac, ring, access) {
        Some(code) => {
            check_eq!(checks, seen.cause(), exception(PAGE_FAULT), "{what}");
            let wanted = expected(&start, &seen, landed, code);
            check_eq!(checks, without_resume_flag(&seen), wanted, "{what}");
            check_eq!(checks, pvops::read_cr2(), address, "{what}: cr2");
            let recorded = if pvops::world() == World::Xenolith { address } else { 0 };
            check_eq!(checks, shared_info().vcpu(0).cr2(), recorded, "{what}: cr2 in vcpu_info");
        }
        None => check_no_fault(checks, what, &seen, landed, access),
    }
}

fn check_no_fault(
    checks: &mut Checks,
    what: core::fmt::Arguments<'_>,
    seen: &Frame,
    landed: u64,
    access: Access,
) {
    let distance = if access == JUMP { 0 } else { 3 };
    check_eq!(checks, seen.cause(), exception(BREAKPOINT), "{what}");
    check_eq!(checks, seen.rip, landed + distance + 1, "{what}: rip");
}

/// Returns the error code of an access, or `None` if it is allowed.
fn error_code(flags: u64, features: u64, ac: u64, ring: Ring, access: Access) -> Option<u64> {
    let (write, fetch, user) = (access == STORE, access == JUMP, ring == Ring::User);
    let by = [(write, BY_WRITE), (fetch, BY_FETCH), (user, BY_USER)];
    let code = by.iter().filter(|(on, _)| *on).fold(0, |code, (_, bit)| code | bit);
    let has = |bit| flags & bit != 0;
    if !has(PRESENT) {
        return Some(code);
    }
    if has(RESERVED) {
        return Some(code | BY_PROTECTION | BY_RESERVED);
    }
    let refused = (user && !has(USER))
        || (write && !has(WRITABLE))
        || (fetch && has(NO_EXECUTE))
        || (!user && has(USER) && fetch && features & SMEP != 0)
        || (!user && has(USER) && !fetch && features & SMAP != 0 && ac == 0);
    refused.then_some(code | BY_PROTECTION)
}
