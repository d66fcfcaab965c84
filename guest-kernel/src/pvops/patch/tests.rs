//! Patching small pieces of made-up text; `cargo xtask test sites` has the real one.

use proptest::prelude::*;

use super::*;

/// Where the alternatives are, and the memory behind: a byte is the low part of its address.
const CODE: u64 = 0xffff_ffff_8010_0000;
const RECORD: u64 = 0xffff_ffff_8020_0040;

/// A NOP of each length, far behind the alternatives: they begin with their own length.
const NOPS: u64 = CODE + 0x1000;

const OP: Op = Op::IrqEnable;

fn read(address: u64, bytes: &mut [u8]) -> bool {
    for (byte, at) in bytes.iter_mut().zip(address..) {
        *byte = at.to_le_bytes()[0];
    }
    (CODE..CODE + 0x2000).contains(&address)
}

fn nops() -> impl Iterator<Item = Alternative> {
    (1..=9).map(|length| {
        Alternative::new(NOPS + 0x10 * u64::from(length), Alternative::NOP, 3, length)
    })
}

/// Patches a site with an alternative of `length` bytes that has these fixups, by offsets.
fn patch(length: u8, fixups: &[(u64, u64)], site: u64) -> Result<Vec<u8>, PatchError> {
    let own = Alternative::new(CODE, OP.number(), 2, length);
    let alternatives: Vec<_> = nops().chain([own]).collect();
    let fixups: Vec<_> =
        fixups.iter().map(|&(at, kind)| Fixup { address: CODE + at, kind }).collect();
    let sources = Sources { alternatives: &alternatives, fixups: &fixups };
    let bytes = u8::try_from(OP.site_bytes()).unwrap();
    let patcher = Patcher::new(World::Xenolith, sources, RECORD, read)?;
    let mut text = Memory { start: site - 8, bytes: vec![EMPTY; OP.site_bytes() + 16] };
    patcher.patch(&[Site::new(site, OP.number(), bytes)], &mut text)?;
    let (before, rest) = text.bytes.split_at(8);
    let (site, behind) = rest.split_at(OP.site_bytes());
    assert_eq!((before, behind), (&[EMPTY; 8][..], &[EMPTY; 8][..]), "bytes around the site");
    Ok(site.to_vec())
}

/// What nobody has written.
const EMPTY: u8 = 0xee;

/// Text from an address on.
struct Memory {
    start: u64,
    bytes: Vec<u8>,
}

impl Memory {
    fn put(&mut self, address: u64, bytes: &[u8]) {
        let offset = usize::try_from(address - self.start).unwrap();
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
    }
}

impl Text for Memory {
    fn put_word(&mut self, address: u64, word: u64) {
        self.put(address, &word.to_le_bytes());
    }

    fn put_distance(&mut self, address: u64, distance: u32) {
        self.put(address, &distance.to_le_bytes());
    }
}

fn number(bytes: &[u8]) -> i32 {
    i32::from_le_bytes(bytes.try_into().unwrap())
}

#[test]
fn a_site_is_the_alternative_and_as_few_nops_as_there_can_be() {
    let bytes = patch(12, &[], CODE + 0x5000).unwrap();
    assert_eq!(bytes[..12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    assert_eq!(bytes[12..21], [0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98]);
    assert_eq!(bytes[21..], [0x20, 0x21]);
    assert_eq!(bytes.len(), 23);
}

#[test]
fn an_empty_alternative_is_nops() {
    let bytes = patch(0, &[], CODE).unwrap();
    assert_eq!((bytes[0], bytes[9], bytes[18]), (0x90, 0x90, 0x50));
}

#[test]
fn the_records_address_is_added() {
    let bytes = patch(8, &[(3, Fixup::IN_RECORD)], CODE).unwrap();
    let offset = i64::from(i32::from_le_bytes([3, 4, 5, 6]));
    assert_eq!(i64::from(number(&bytes[3..7])), offset + RECORD.cast_signed());
    assert_eq!((bytes[2], bytes[7]), (2, 7));
}

#[test]
fn what_is_linked_wrong_is_refused() {
    assert_eq!(patch(24, &[], CODE), Err(PatchError::TooLong(OP)));
    assert_eq!(patch(4, &[(1, Fixup::IN_RECORD)], CODE), Err(PatchError::BadFixup(CODE + 1)));
    assert_eq!(patch(4, &[(0, 7)], CODE), Err(PatchError::BadFixup(CODE)));
    let outside = [(0, 1), (4, 1), (8, 1)];
    assert_eq!(patch(12, &outside[..2], CODE).map(drop), Ok(()));
    assert_eq!(patch(12, &outside, CODE), Err(PatchError::BadFixup(CODE + 8)));
    assert!(matches!(patch(4, &[(0, 1)], 1 << 48), Err(PatchError::TooFar(_))));
    let sources = Sources { alternatives: &[], fixups: &[] };
    let none = Patcher::new(World::Native, sources, RECORD, read).unwrap();
    let site = |op, length| {
        let mut text = Memory { start: CODE, bytes: Vec::new() };
        none.patch(&[Site::new(CODE, op, length)], &mut text)
    };
    assert_eq!(site(0, 8), Err(PatchError::NotOneAlternative(Op::IrqDisable)));
    assert_eq!(site(0, 9), Err(PatchError::WrongLength(CODE)));
    assert_eq!(site(0xfe, 9), Err(PatchError::UnknownOp(CODE)));
}

/// Alternatives of one operation and world, twice; elsewhere; without NOPs.
#[test]
fn alternatives_are_one_for_each_world() {
    let own = |at, worlds| Alternative::new(at, OP.number(), worlds, 23);
    let new = |world, alternatives: &[Alternative]| {
        Patcher::new(world, Sources { alternatives, fixups: &[] }, RECORD, read).map(drop)
    };
    let both = [own(CODE, 1), own(CODE + 0x100, 2)];
    assert_eq!(new(World::Native, &both), Ok(()));
    assert_eq!(new(World::Xenolith, &both), Ok(()));
    let twice = [own(CODE, 1), own(CODE + 0x100, 3)];
    assert_eq!(new(World::Native, &twice), Err(PatchError::NotOneAlternative(OP)));
    assert_eq!(new(World::Native, &[own(0, 1)]), Err(PatchError::Unreadable(0)));
    let short = Alternative::new(CODE, OP.number(), 1, 20);
    assert_eq!(new(World::Native, &[short]), Err(PatchError::NoNop(3)));
}

proptest! {
    /// A call gets to the same place from wherever it is copied to.
    #[test]
    fn a_distance_leads_to_the_same_place(offset in 0..8_u64, site in 0..0x1000_0000_u64) {
        let site = CODE + site;
        let bytes = patch(12, &[(offset, Fixup::TO_OUTSIDE)], site).unwrap();
        let at = usize::try_from(offset).unwrap();
        let original = [0, 1, 2, 3].map(|it| u8::try_from(offset + it).unwrap());
        let target = |from: u64, field: i32| (from + offset + 4).wrapping_add_signed(field.into());
        prop_assert_eq!(target(site, number(&bytes[at..at + 4])), target(CODE, number(&original)));
    }
}
