//! Addresses, frames and entries of every kind, chosen at random.

use scenarios::random::Random;
use xenolith_guest::abi::domain;

use crate::places::{self, AT_COUNT, BASES, Frames, UNREACHABLE, at, below};

/// Where a list is: its address, and its offset in the data pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) address: u64,
    pub(crate) offset: usize,
}

/// Returns where to put a list of `bytes` bytes, or most of it.
pub(crate) fn list(random: &mut Random, frames: &Frames, bytes: u64) -> Place {
    let end = 4096 - bytes.min(4096) / 2;
    let mut offset = random.below(end) & !7;
    if random.once_in(8) {
        offset |= random.below(8);
    }
    if random.once_in(4) {
        offset = 4096 - random.below(bytes.min(4096)) - 1;
    }
    let (page, address) = match random.below(10) {
        0 => (places::LIST, at(places::AT_LIST_NOTHING, offset)),
        1 => (places::LIST, at(places::AT_LIST_READ_ONLY, offset)),
        2 => (places::LIST, at(places::AT_LIST_GONE, offset)),
        3 => (places::USER, at(places::AT_USER, offset)),
        4 => (places::READ_ONLY, at(places::AT_READ_ONLY, offset)),
        5 => (places::LIST, below(0, 1, (frames.data[places::LIST] & 0x1f_ffff) + offset)),
        6 => (places::LIST, below(0, 6, offset)),
        7 => (places::LIST, BASES[1] + offset),
        _ => (places::LIST, at(places::AT_LIST, offset)),
    };
    let within = usize::try_from(offset).unwrap_or(0);
    Place { address, offset: page * 4096 + within }
}

/// Returns an address at which nothing can be accessed.
pub(crate) fn nowhere(random: &mut Random) -> u64 {
    let offset = random.below(512) * 8;
    match random.below(12) {
        0 => at(places::AT_NOTHING, offset),
        1 => at(places::AT_GONE, offset),
        2 => at(places::AT_BEYOND, offset),
        3 => at(places::AT_BEYOND + 4, offset),
        4 => below(1, 0, offset),
        5 => below(2, 0, offset),
        6..=8 => random.one_of(&UNREACHABLE),
        _ => below(0, random.one_of(&[2, 3, 4, 5, 7, 8]), offset),
    }
}

/// Returns where a count may go, which can be written there whole or not at all: in pieces there is
/// no telling which of them were written. Lists of calls are not there.
pub(crate) fn output_apart(random: &mut Random) -> u64 {
    match output(random) {
        list if list >> 12 == at(places::AT_LIST, 0) >> 12 => at(AT_COUNT, 0x900),
        elsewhere => elsewhere,
    }
}

/// Returns where a count may go, also among the lists.
pub(crate) fn output(random: &mut Random) -> u64 {
    let offset = 0x100 + random.below(256) * 8;
    match random.below(10) {
        0 | 1 => 0,
        2 => at(AT_COUNT, offset + random.below(8)),
        3 => at(places::AT_LIST, 4096 - random.below(8)),
        4 => at(places::AT_LIST, offset),
        5 => nowhere(random),
        6 => random.one_of(&[at(places::AT_READ_ONLY, offset), at(places::AT_HOLE, offset)]),
        7 => at(places::AT_USER, offset),
        _ => at(AT_COUNT, offset),
    }
}

/// Returns the address of a bitmap of vCPUs.
pub(crate) fn bitmap(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => nowhere(random),
        1 => at(places::AT_READ_ONLY, random.below(256) * 8),
        _ => at(AT_COUNT, 64 + random.below(4) * 8),
    }
}

/// Returns an address whose mapping may change.
pub(crate) fn mapped(random: &mut Random) -> u64 {
    let page = random.one_of(&[places::AT_VICTIM, places::AT_OTHER_VICTIM]);
    let offset = page * 4096 + random.below(4096);
    match random.below(6) {
        0 => nowhere(random),
        1 => below(0, 1, offset),
        2 => below(0, 6, offset),
        3 => BASES[1] + offset,
        _ => BASES[0] + offset,
    }
}

/// Returns a word for an entry: one that maps a data page somehow, or nothing.
pub(crate) fn entry(random: &mut Random, frames: &Frames) -> u64 {
    let frame = random.one_of(&frames.data);
    match random.below(3) {
        0 => (random.next() | 1 << 62) & !1,
        1 => frame | random.below(4096),
        _ => frame | random.one_of(&[1, 3, 7, 0x21, 0x61, 0x63, 1 << 63 | 1]),
    }
}

/// Returns the address of a word that page-table updates may be asked to change.
pub(crate) fn word(random: &mut Random, frames: &Frames) -> u64 {
    let offset = random.below(512) * 8;
    match random.below(16) {
        0 => frames.gone + offset,
        1 => frames.read_only + offset,
        2 => random.one_of(&[places::BEYOND, places::FAR_BEYOND, !0 << 12, 1 << 62]) + offset,
        3 => frames.shared,
        4..=8 => frames.slot(random.one_of(&[places::AT_VICTIM, places::AT_OTHER_VICTIM])),
        _ => frames.data[random.one_of(&[places::COUNT, places::SCRATCH])] + offset,
    }
}

/// Returns the number of a frame that may be filled with anything, or that is refused.
pub(crate) fn frame(random: &mut Random, frames: &Frames) -> u64 {
    let some = [places::COUNT, places::VICTIM, places::OTHER_VICTIM, places::SCRATCH];
    match random.below(8) {
        0 => frames.gone / 4096,
        1 => frames.read_only / 4096,
        2 => random.one_of(&[places::BEYOND >> 12, places::FAR_BEYOND >> 12, 1 << 52, !0]),
        _ => frames.data[random.one_of(&some)] / 4096,
    }
}

/// Returns the number of a frame that the kernel can run on, or that is refused.
pub(crate) fn base_table(random: &mut Random, frames: &Frames) -> u64 {
    match random.below(6) {
        0 => frames.gone / 4096,
        1 => frames.read_only / 4096,
        2 => random.one_of(&[places::BEYOND >> 12, places::FAR_BEYOND >> 12, 1 << 52, !0]),
        3 => frames.root / 4096,
        _ => frames.spare / 4096,
    }
}

/// Returns whom a request names.
pub(crate) fn domain(random: &mut Random) -> u64 {
    let own = u64::from(domain::SELF);
    match random.below(10) {
        0 | 1 => domain::IO.into(),
        2 => random.one_of(&[0, 1, 0x7ff2, 0xffff]),
        3 => own | 2 << 16,
        4 => own | random.one_of(&[1 << 16, 5 << 16, 0xffff << 16]),
        5 => own | random.next() << 32,
        _ => own,
    }
}
