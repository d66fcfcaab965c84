//! Grants to oneself, mapped and unmapped in every way that one domain can.

use xenolith_guest::{
    abi::{
        domain::SELF,
        errno::EFAULT,
        grant::{
            BAD_DOMAIN, BAD_GNTREF, BAD_HANDLE, GENERAL_ERROR, MAP_CONTAINS_PTE, MAP_DEVICE_MAP,
            MAP_GRANT_REF, MAP_HOST_MAP, MAP_READONLY, OKAY, UNMAP_AND_REPLACE, UNMAP_GRANT_REF,
        },
        hypercall::GRANT_TABLE_OP,
    },
    check, check_eq,
    paging::{BOOT_MAP, FRAME_BITS},
    probe::{Window, control::cr3, hypercall::syscall, memory::read_u64},
    scenario::Checks,
    traps,
};

use crate::{DOMAIN, LIST, PAGE, TABLE, i16_at};

/// The granted page, and those where it appears.
const GRANTED: usize = 8;
const HERE: usize = 9;
const THERE: usize = 10;
const SPARE: usize = 11;
/// The grant: an entry of the table's first frame.
const GRANT: u64 = 77;
const ENTRY: usize = TABLE * PAGE + 8 * 77;
const NO_GRANT: u64 = 78;
const PERMIT: u64 = 1;
const READING: u64 = 8;
const WRITING: u64 = 16;
const MAP_BYTES: usize = 32;
const UNMAP_BYTES: usize = 24;

pub(crate) fn check(checks: &mut Checks, window: &mut Window) {
    let frame = window.own_frame(GRANTED).as_u64() / 4096;
    let entry = PERMIT | DOMAIN << 16 | frame << 32;
    window.write(ENTRY, &entry.to_le_bytes());
    window.write(GRANTED * PAGE, b"granted ");
    check_by_address(checks, window);
    check_by_entry(checks, window);
    check_replace(checks, window);
    check_failures(checks, window);
    check_half_way(checks, window);
}

fn flags(window: &Window) -> u64 {
    window.u64(ENTRY) & 0xffff
}

/// Returns the guest-physical address of the last-level entry for a page of the window.
fn slot(window: &Window, page: usize) -> u64 {
    let address = window.address(page * PAGE).as_u64();
    let table = [39, 30, 21].into_iter().fold(cr3(), |table, shift| {
        read_u64(BOOT_MAP + table + (address >> shift & 511) * 8) & FRAME_BITS
    });
    table + (address >> 12 & 511) * 8
}

fn put(window: &mut Window, at: usize, words: &[u64]) {
    for (index, word) in words.iter().enumerate() {
        window.write(at + 8 * index, &word.to_le_bytes());
    }
}

fn make(window: &Window, command: u32, at: usize, count: u64) -> i64 {
    let list = window.address(at).as_u64();
    syscall(GRANT_TABLE_OP.into(), [command.into(), list, count, 0, 0])
}

fn put_map(window: &mut Window, at: usize, address: u64, flags: u32, grant: u64, domain: u64) {
    let words = [address, u64::from(flags) | grant << 32, domain | 99 << 16, 0x5555];
    put(window, at, &words);
}

/// Maps; returns status, handle and device address.
fn map(window: &mut Window, address: u64, flags: u32) -> (i16, u32, u64) {
    put_map(window, LIST, address, flags, GRANT, DOMAIN);
    let answer = make(window, MAP_GRANT_REF, LIST, 1);
    assert_eq!(answer, 0, "the list is mapped");
    (i16_at(window, LIST + 18), window.u32(LIST + 20), window.u64(LIST + 24))
}

/// Unmaps, or replaces; returns the status.
fn unmap(window: &mut Window, command: u32, address: u64, second: u64, handle: u32) -> i16 {
    put(window, LIST, &[address, second, u64::from(handle) | 99 << 32]);
    let answer = make(window, command, LIST, 1);
    assert_eq!(answer, 0, "the list is mapped");
    i16_at(window, LIST + 20)
}

fn check_by_address(checks: &mut Checks, window: &mut Window) {
    let here = window.address(HERE * PAGE).as_u64();
    let place = window.own_frame(GRANTED).as_u64();
    let (status, writer, device) = map(window, here, MAP_HOST_MAP);
    check_eq!(checks, (status, device), (OKAY, place), "mapped by address");
    check_eq!(checks, window.bytes(HERE * PAGE), *b"granted ", "what is mapped");
    window.write(HERE * PAGE, b"written ");
    check_eq!(checks, window.bytes(GRANTED * PAGE), *b"written ", "by the mapping");
    check_eq!(checks, flags(window), PERMIT | READING | WRITING, "the grant is in use");
    let there = window.address(THERE * PAGE);
    let (status, reader, _) = map(window, there.as_u64(), MAP_HOST_MAP | MAP_READONLY);
    check_eq!(checks, status, OKAY, "mapped for reading");
    check_eq!(checks, window.bytes(THERE * PAGE), *b"written ", "what is mapped");
    check_eq!(checks, read_u64(BOOT_MAP + slot(window, THERE)) & 3, 1, "not writable");
    check_eq!(checks, unmap(window, UNMAP_GRANT_REF, here, 0, writer), OKAY);
    check_eq!(checks, flags(window), PERMIT | READING, "nobody writes any more");
    check!(checks, traps::probe_read::<u64>(window.address(HERE * PAGE)).is_err(), "still mapped");
    check_eq!(checks, unmap(window, UNMAP_GRANT_REF, there.as_u64(), 0, reader), OKAY);
    check_eq!(checks, flags(window), PERMIT, "nobody uses it any more");
    check!(checks, traps::probe_read::<u64>(there).is_err(), "still mapped");
    for page in [HERE, THERE] {
        window.restore(page);
    }
}

fn check_by_entry(checks: &mut Checks, window: &mut Window) {
    let entry = slot(window, HERE);
    let (status, handle, device) =
        map(window, entry, MAP_HOST_MAP | MAP_DEVICE_MAP | MAP_CONTAINS_PTE | 3 << 16);
    check_eq!(checks, status, OKAY, "mapped by entry");
    check_eq!(checks, read_u64(BOOT_MAP + entry), device | 0x663, "the entry");
    window.write(GRANTED * PAGE, b"by entry");
    check_eq!(checks, window.bytes(HERE * PAGE), *b"by entry", "what is mapped");
    let wrong = unmap(window, UNMAP_GRANT_REF, slot(window, THERE), 0, handle);
    check_eq!(checks, wrong, GENERAL_ERROR, "another entry");
    check_eq!(checks, unmap(window, UNMAP_GRANT_REF, entry, 0, handle), OKAY);
    check_eq!(checks, read_u64(BOOT_MAP + entry), 0, "the entry");
    check_eq!(checks, flags(window), PERMIT | READING | WRITING, "devices use it");
    check_eq!(checks, unmap(window, UNMAP_GRANT_REF, 0, device, handle), OKAY);
    check_eq!(checks, flags(window), PERMIT, "nobody uses it any more");
    window.restore(HERE);
}

fn check_replace(checks: &mut Checks, window: &mut Window) {
    let [here, there] = [HERE, THERE].map(|page| window.address(page * PAGE).as_u64());
    window.write(THERE * PAGE, b"in place");
    let (_, handle, _) = map(window, here, MAP_HOST_MAP);
    check_eq!(checks, window.bytes(HERE * PAGE), *b"by entry", "before");
    check_eq!(checks, unmap(window, UNMAP_AND_REPLACE, here, there, handle), OKAY);
    check_eq!(checks, window.bytes(HERE * PAGE), *b"in place", "behind");
    check!(checks, traps::probe_read::<u64>(window.address(THERE * PAGE)).is_err(), "left mapped");
    check_eq!(checks, unmap(window, UNMAP_AND_REPLACE, here, there, handle), BAD_HANDLE);
    for page in [HERE, THERE] {
        window.restore(page);
    }
}

fn check_failures(checks: &mut Checks, window: &mut Window) {
    let here = window.address(HERE * PAGE).as_u64();
    for (address, flags, grant, domain, status) in [
        (here, MAP_READONLY, GRANT, DOMAIN, BAD_GNTREF),
        (here, MAP_HOST_MAP, 1 << 20, DOMAIN, BAD_GNTREF),
        (here, MAP_HOST_MAP, NO_GRANT, DOMAIN, GENERAL_ERROR),
        (here, MAP_HOST_MAP, GRANT, DOMAIN + 1, BAD_DOMAIN),
        (here, MAP_HOST_MAP, GRANT, SELF.into(), BAD_DOMAIN),
        (0x5eed_0000_0000_0000, MAP_HOST_MAP, GRANT, DOMAIN, GENERAL_ERROR),
        (0xffff_8000_0000_0000, MAP_HOST_MAP, GRANT, DOMAIN, GENERAL_ERROR),
    ] {
        put_map(window, LIST, address, flags, grant, domain);
        check_eq!(checks, make(window, MAP_GRANT_REF, LIST, 1), 0);
        check_eq!(checks, i16_at(window, LIST + 18), status, "{address:#x} {flags:#x} {grant}");
    }
    check_eq!(checks, flags(window), PERMIT, "what failed uses nothing");
}

/// A list whose second page is not there: what is in front of it is done.
fn check_half_way(checks: &mut Checks, window: &mut Window) {
    let end = THERE * PAGE;
    let entry = slot(window, SPARE);
    window.unmap(THERE);
    let by_entry = MAP_HOST_MAP | MAP_CONTAINS_PTE;
    put_map(window, end - MAP_BYTES, entry, by_entry, GRANT, DOMAIN);
    check_eq!(checks, make(window, MAP_GRANT_REF, end - MAP_BYTES, 3), -EFAULT, "half way");
    check_eq!(checks, i16_at(window, end - MAP_BYTES + 18), OKAY, "the first");
    check_eq!(checks, flags(window), PERMIT | READING | WRITING, "the first");
    let handle = window.u32(end - MAP_BYTES + 20);
    put(window, end - UNMAP_BYTES, &[entry, 0, handle.into()]);
    check_eq!(checks, make(window, UNMAP_GRANT_REF, end - UNMAP_BYTES, 2), -EFAULT, "half way");
    check_eq!(checks, i16_at(window, end - UNMAP_BYTES + 20), OKAY, "the first");
    check_eq!(checks, flags(window), PERMIT, "the first");
    for page in [THERE, SPARE] {
        window.restore(page);
    }
}
