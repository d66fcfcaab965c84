use super::super::Outcome::{Continue, Return};
use super::super::test_machine::{Caller, DOMAIN, Flush, MISSING, READ_ONLY};
use super::grant::granting;
use crate::address::{Gpa, Gva, to_usize};
use crate::grant_mappings::MAX_MAPPINGS;
use crate::guest_access::test_space::BASE;
use crate::guest_memory::GuestMemory;
use xenolith_abi::domain::SELF;
use xenolith_abi::errno::EFAULT;
use xenolith_abi::grant::{self as abi, MapGrantRef, UnmapAndReplace, UnmapGrantRef};
use xenolith_abi::hypercall::GRANT_TABLE_OP;
use zerocopy::IntoBytes;

const LIST: u64 = BASE + 0x100;
/// A page whose mapping changes, its last-level entry, and what this is at first.
const PAGE: u64 = BASE + 0x6000;
const SLOT: u64 = 0x4030;
const OTHER_PAGE: u64 = BASE + 0x7000;
const OTHER_SLOT: u64 = 0x4038;
/// Grants of frame 33: for writing and for reading; one of frame 20, which is not there.
const GRANT: u32 = 3;
const READ_ONLY_GRANT: u32 = 4;
const NO_FRAME: u32 = 7;
const HOST: u32 = abi::MAP_HOST_MAP;
const DEVICE: u32 = abi::MAP_DEVICE_MAP;
const READING: u32 = abi::MAP_READONLY;
const BY_ENTRY: u32 = abi::MAP_CONTAINS_PTE;
const FRAME: u64 = 33 << 12;

fn caller() -> Caller {
    let mut caller = granting();
    let table = caller.domain.hole.grants().0;
    caller.machine.memory.poke(table + 56, 1 | u64::from(DOMAIN) << 16 | 20 << 32);
    caller
}

fn wanted(host_addr: u64, flags: u32, reference: u32) -> MapGrantRef {
    let (handle, dev_bus_addr) = (0xdead, 0xbeef);
    MapGrantRef { host_addr, flags, reference, dom: DOMAIN, status: 99, handle, dev_bus_addr }
}

fn request(caller: &mut Caller, map: MapGrantRef) -> MapGrantRef {
    caller.put(LIST, &map);
    assert_eq!(caller.call(GRANT_TABLE_OP, &[0, LIST, 1]), Return(0));
    caller.take(LIST)
}

/// Maps a grant at an address; returns the handle.
fn map(caller: &mut Caller, host_addr: u64, flags: u32, reference: u32) -> u32 {
    let map = request(caller, wanted(host_addr, flags, reference));
    assert_eq!((map.status, map.dev_bus_addr), (abi::OKAY, FRAME));
    map.handle
}

fn unmap(caller: &mut Caller, host_addr: u64, dev_bus_addr: u64, handle: u32) -> i16 {
    let unmap = UnmapGrantRef { host_addr, dev_bus_addr, handle, status: 99, padding: 0 };
    caller.put(LIST, &unmap);
    assert_eq!(caller.call(GRANT_TABLE_OP, &[1, LIST, 1]), Return(0));
    caller.take::<UnmapGrantRef>(LIST).status
}

fn replace(caller: &mut Caller, host_addr: u64, new_addr: u64, handle: u32) -> i16 {
    let replace = UnmapAndReplace { host_addr, new_addr, handle, status: 99, padding: 0 };
    caller.put(LIST, &replace);
    assert_eq!(caller.call(GRANT_TABLE_OP, &[7, LIST, 1]), Return(0));
    caller.take::<UnmapAndReplace>(LIST).status
}

fn word(caller: &mut Caller, at: u64) -> u64 {
    caller.machine.memory.read_word(Gpa(at)).unwrap()
}

/// Returns the flags of a grant's entry.
fn flags(caller: &mut Caller, reference: u32) -> u64 {
    let at = caller.domain.hole.grants().0 + 8 * u64::from(reference);
    word(caller, at) & 0xffff
}

#[test]
fn a_mapping_is_an_entry_and_marks_the_grant() {
    let mut caller = caller();
    let handle = map(&mut caller, PAGE, HOST, GRANT);
    assert_eq!(word(&mut caller, SLOT), FRAME | 0x63);
    assert_eq!(caller.machine.flushed, [Flush::Page(Gva(PAGE))], "what was there before");
    assert_eq!(flags(&mut caller, GRANT), 1 | 0x18, "reading and writing");
    assert_eq!(&caller.take::<[u8; 7]>(PAGE), b"granted");
    caller.machine.flushed.clear();
    assert_eq!(unmap(&mut caller, PAGE, 0, handle), abi::OKAY);
    assert_eq!(word(&mut caller, SLOT), 0);
    assert_eq!(flags(&mut caller, GRANT), 1);
    assert_eq!(caller.machine.flushed, [Flush::Page(Gva(PAGE))]);
    assert_eq!(unmap(&mut caller, PAGE, 0, handle), abi::BAD_HANDLE, "again");
}

#[test]
fn flags_of_request_and_grant_go_into_the_entry() {
    for (asked, granted, entry) in [
        (HOST | READING, 0, 0x61),
        (HOST | abi::MAP_APPLICATION_MAP, 0, 0x67),
        (HOST | 5 << 16, 0, 0x63 | 5 << 9),
        (HOST | 0xfff8 << 16, 0, 0x63),
        (HOST, abi::GTF_PWT | abi::GTF_PCD | abi::GTF_PAT, 0x63 | 0x98),
    ] {
        let mut caller = caller();
        let at = caller.domain.hole.grants().0 + 8 * u64::from(GRANT);
        let before = word(&mut caller, at);
        caller.machine.memory.poke(at, before | u64::from(granted));
        let handle = map(&mut caller, PAGE, asked, GRANT);
        assert_eq!(word(&mut caller, SLOT), FRAME | entry, "{asked:#x} {granted:#x}");
        let writing = if asked & READING != 0 { 0 } else { 0x10 };
        assert_eq!(flags(&mut caller, GRANT), 1 | 8 | writing | u64::from(granted));
        assert_eq!(unmap(&mut caller, PAGE, 0, handle), abi::OKAY);
        assert_eq!(word(&mut caller, at), before | u64::from(granted));
    }
}

#[test]
fn a_mapping_may_be_named_by_its_entry() {
    let mut caller = caller();
    let handle = map(&mut caller, SLOT, HOST | BY_ENTRY, GRANT);
    assert_eq!(word(&mut caller, SLOT), FRAME | 0x63);
    assert_eq!(caller.machine.flushed, [Flush::All], "what was there before");
    caller.machine.flushed.clear();
    for (host_addr, status) in [
        (SLOT + 1, abi::GENERAL_ERROR),
        (OTHER_SLOT, abi::GENERAL_ERROR),
        (1 << 45, abi::GENERAL_ERROR),
        (SLOT, abi::OKAY),
    ] {
        assert_eq!(unmap(&mut caller, host_addr, 0, handle), status, "{host_addr:#x}");
    }
    assert_eq!(word(&mut caller, SLOT), 0);
    assert_eq!(caller.machine.flushed, [Flush::All]);
}

#[test]
fn what_cannot_be_mapped_leaves_no_trace() {
    for (map, status) in [
        (wanted(PAGE, READING, GRANT), abi::BAD_GNTREF),
        (MapGrantRef { dom: SELF, ..wanted(PAGE, HOST, GRANT) }, abi::BAD_DOMAIN),
        (MapGrantRef { dom: DOMAIN + 1, ..wanted(PAGE, HOST, GRANT) }, abi::BAD_DOMAIN),
        (wanted(PAGE, HOST, 512), abi::BAD_GNTREF),
        (wanted(PAGE, HOST, u32::MAX), abi::BAD_GNTREF),
        (wanted(PAGE, HOST, 0), abi::GENERAL_ERROR),
        (wanted(PAGE, HOST, 5), abi::GENERAL_ERROR),
        (wanted(PAGE, HOST, 6), abi::GENERAL_ERROR),
        (wanted(PAGE, HOST, READ_ONLY_GRANT), abi::GENERAL_ERROR),
        (wanted(PAGE, HOST, NO_FRAME), abi::BAD_PAGE),
        (wanted(PAGE, HOST | READING, NO_FRAME), abi::BAD_PAGE),
        (wanted(1 << 47, HOST, GRANT), abi::GENERAL_ERROR),
        (wanted(0, HOST, GRANT), abi::GENERAL_ERROR),
        (wanted(SLOT + 4, HOST | BY_ENTRY, GRANT), abi::GENERAL_ERROR),
        (wanted(1 << 45, HOST | BY_ENTRY, GRANT), abi::GENERAL_ERROR),
    ] {
        let mut caller = caller();
        let found = request(&mut caller, map);
        assert_eq!(found, MapGrantRef { status, ..map }, "{map:x?}");
        caller.put(LIST, &[0_u8; 32]);
        let mut untouched = self::caller();
        untouched.put(LIST, &[0_u8; 32]);
        assert_eq!(caller.machine.memory, untouched.machine.memory, "{map:x?}");
        assert_eq!(caller.domain, untouched.domain);
    }
}

#[test]
fn a_grant_is_in_use_until_its_last_mapping_ends() {
    let mut caller = caller();
    let reader = map(&mut caller, PAGE, HOST | READING, GRANT);
    assert_eq!(flags(&mut caller, GRANT), 1 | 8);
    let both = map(&mut caller, OTHER_PAGE, HOST | DEVICE, GRANT);
    assert_eq!(flags(&mut caller, GRANT), 1 | 0x18);
    // The kernel takes the grant back by force, and gives another frame.
    let at = caller.domain.hole.grants().0 + 8 * u64::from(GRANT);
    caller.machine.memory.poke(at, 1 | 0x18 | u64::from(DOMAIN) << 16 | 34 << 32);
    let late = map(&mut caller, BASE + 0x8000, HOST | READING, GRANT);
    assert_eq!(word(&mut caller, 0x4040), FRAME | 0x61, "the frame stays");
    assert_eq!(unmap(&mut caller, OTHER_PAGE, 0, both), abi::OKAY);
    assert_eq!(flags(&mut caller, GRANT), 1 | 0x18, "devices may still write");
    assert_eq!(unmap(&mut caller, 0, FRAME + 0x1000, both), abi::GENERAL_ERROR);
    assert_eq!(unmap(&mut caller, 0, 0, both), abi::OKAY, "nothing");
    assert_eq!(unmap(&mut caller, OTHER_PAGE, FRAME, both), abi::OKAY);
    assert_eq!(flags(&mut caller, GRANT), 1 | 8);
    assert_eq!(unmap(&mut caller, PAGE, 0, reader), abi::OKAY);
    assert_eq!(flags(&mut caller, GRANT), 1 | 8);
    assert_eq!(unmap(&mut caller, BASE + 0x8000, 0, late), abi::OKAY);
    assert_eq!(flags(&mut caller, GRANT), 1);
}

#[test]
fn only_the_mapping_itself_is_unmapped() {
    let mut caller = caller();
    let handle = map(&mut caller, PAGE, HOST | READING, GRANT);
    for (host_addr, handle, status) in [
        (PAGE, handle + 1, abi::BAD_HANDLE),
        (PAGE, u32::MAX, abi::BAD_HANDLE),
        (OTHER_PAGE, handle, abi::GENERAL_ERROR),
        (1 << 47, handle, abi::GENERAL_ERROR),
    ] {
        assert_eq!(unmap(&mut caller, host_addr, 0, handle), status, "{host_addr:#x}");
    }
    for entry in [0, FRAME | 0x63, FRAME | 0x60, FRAME + 0x1061] {
        caller.machine.memory.poke(SLOT, entry);
        assert_eq!(unmap(&mut caller, PAGE, 0, handle), abi::GENERAL_ERROR, "{entry:#x}");
        assert_eq!(word(&mut caller, SLOT), entry);
    }
    caller.machine.memory.poke(SLOT, FRAME | 1);
    assert_eq!(unmap(&mut caller, PAGE, 0, handle), abi::OKAY);
    assert_eq!(flags(&mut caller, GRANT), 1);
}

#[test]
fn an_entry_takes_the_place_of_a_mapping() {
    let mut caller = caller();
    let handle = map(&mut caller, PAGE, HOST, GRANT);
    let other = word(&mut caller, OTHER_SLOT);
    assert_eq!(replace(&mut caller, PAGE, 1 << 47, handle), abi::GENERAL_ERROR);
    assert_eq!(word(&mut caller, SLOT), FRAME | 0x63);
    caller.machine.flushed.clear();
    assert_eq!(replace(&mut caller, PAGE, OTHER_PAGE, handle), abi::OKAY);
    assert_eq!((word(&mut caller, SLOT), word(&mut caller, OTHER_SLOT)), (other, 0));
    let flushed = [Flush::Page(Gva(OTHER_PAGE)), Flush::Page(Gva(PAGE))];
    assert_eq!(caller.machine.flushed, flushed);
    assert_eq!(flags(&mut caller, GRANT), 1);
    let handle = map(&mut caller, PAGE, HOST, GRANT);
    assert_eq!(replace(&mut caller, PAGE, 0, handle), abi::OKAY, "with nothing");
    let handle = map(&mut caller, SLOT, HOST | BY_ENTRY, GRANT);
    assert_eq!(replace(&mut caller, SLOT, OTHER_PAGE, handle), abi::GENERAL_ERROR);
}

#[test]
fn mappings_are_bounded() {
    let mut caller = caller();
    for count in 0..128 {
        assert_eq!(map(&mut caller, 0, DEVICE | READING, GRANT), count);
    }
    let full = request(&mut caller, wanted(0, DEVICE | READING, GRANT));
    assert_eq!(full.status, abi::GENERAL_ERROR, "of one kind, of one grant");
    assert_eq!(flags(&mut caller, GRANT), 1 | 8);
    let limit = u32::try_from(MAX_MAPPINGS).unwrap();
    let mapping = caller.domain.grant_mappings.find(0).unwrap();
    for handle in 128..limit {
        caller.domain.grant_mappings.set(handle, mapping);
    }
    let none = request(&mut caller, wanted(0, DEVICE, READ_ONLY_GRANT));
    assert_eq!(none.status, abi::NO_SPACE);
}

#[test]
fn a_list_ends_where_it_cannot_be_read_or_written() {
    let list = [wanted(PAGE, HOST, GRANT), wanted(OTHER_PAGE, HOST, GRANT)];
    for (at, mapped) in [(MISSING - 32, 1), (READ_ONLY - 32, 2)] {
        let mut caller = caller();
        caller.put(at, list[0].as_bytes());
        if at == READ_ONLY - 32 {
            let frame = caller.machine.memory.read_word(Gpa(0x4048)).unwrap();
            let words: Vec<_> = list[1].as_bytes().chunks(8).collect();
            for (offset, word) in (0..).step_by(8).zip(words) {
                let word = u64::from_le_bytes(word.try_into().unwrap());
                caller.machine.memory.poke((frame & !0xfff) + offset, word);
            }
        }
        assert_eq!(caller.call(GRANT_TABLE_OP, &[0, at, 2]), Return(-EFAULT));
        assert_eq!(caller.take::<MapGrantRef>(at).status, abi::OKAY, "the first");
        let made = (0..4).filter(|&handle| caller.domain.grant_mappings.find(handle).is_some());
        assert_eq!(made.count(), mapped, "as on Xen, what is not told is mapped all the same");
    }
}

#[test]
fn lists_cut_anywhere_are_the_lists() {
    let maps: Vec<_> = (0..6)
        .map(|i| {
            wanted(PAGE + 0x1000 * (i % 2), HOST, [GRANT, READ_ONLY_GRANT, 9][to_usize(i) % 3])
        })
        .collect();
    let unmaps: Vec<_> = (0..6)
        .map(|handle| UnmapGrantRef {
            host_addr: PAGE + 0x1000 * u64::from(handle % 2),
            dev_bus_addr: 0,
            handle,
            status: 99,
            padding: 0,
        })
        .collect();
    let all = |units, bit: u32| {
        let mut caller = caller();
        for (command, list) in [(0, maps.as_bytes()), (1, unmaps.as_bytes())] {
            caller.put(LIST + 0x400 * command, list);
            let args = [command, LIST + 0x400 * command, 6, 4, 5];
            let (result, pieces) = caller.call_in_pieces(GRANT_TABLE_OP | bit, &args, units);
            assert_eq!((result, pieces > 1), (0, units < 5), "{units}");
        }
        (caller.machine.memory, caller.domain)
    };
    let uncut = all(u32::MAX, 0);
    for units in 0..7 {
        assert_eq!(all(units, 0), uncut, "{units}");
        assert_eq!(all(units, 64), uncut, "{units}");
    }
    let mut caller = caller();
    caller.put(LIST, maps.as_bytes());
    caller.machine.units = 1;
    let left = [0, LIST + 64, 4, 4, 5];
    assert_eq!(caller.call(GRANT_TABLE_OP, &[0, LIST, 6, 4, 5]), Continue(left));
}
