//! Calls with lists and arguments chosen at random.

use alloc::vec::Vec;

use scenarios::random::Random;
use xenolith_guest::abi::{
    hypercall::{MMU_UPDATE, MMUEXT_OP, UPDATE_VA_MAPPING, UPDATE_VA_MAPPING_OTHERDOMAIN},
    mmu::{
        CLEAR_PAGE, COPY_PAGE, INVLPG_ALL, NEW_BASEPTR, PIN_L1_TABLE, SET_LDT, TLB_FLUSH_LOCAL,
        UVMF_ALL,
    },
};

use crate::{
    forms::Case,
    places::{AT_LIST, BASES, Frames, UNREACHABLE, at},
    random_places::{self as place, Place},
};

/// In the second page of lists, from here on, are those of calls that are entries of a list.
pub(crate) const LISTS_OF_ENTRIES: usize = 1024;

/// Bit of a count: the list is not at its beginning.
const PREEMPTED: u64 = 1 << 31;

/// Returns one of the calls that take no other calls.
pub(crate) fn simple(random: &mut Random, frames: &Frames) -> Case {
    match random.below(5) {
        0 | 1 => updates(random, frames, None),
        2 | 3 => operations(random, frames, None),
        _ => va_mapping(random, frames),
    }
}

/// Returns an `mmu_update`, with its list at a place of its own or the given one.
pub(crate) fn updates(random: &mut Random, frames: &Frames, fixed: Option<Place>) -> Case {
    let count = random.below(12);
    let place = fixed.unwrap_or_else(|| place::list(random, frames, 16 * count + 16));
    let mut words = Vec::new();
    for at in (0..count).map(|entry| 16 * entry) {
        let (word, command) = match random.below(12) {
            // A later entry's value.
            0 if fixed.is_none() && place.offset.is_multiple_of(8) => {
                (frames.data[0] + place.offset as u64 + at + 24, 0)
            }
            1 => (place::word(random, frames), random.below(8)),
            _ => (place::word(random, frames), random.one_of(&[0, 0, 1, 2, 2, 3])),
        };
        words.extend(place.pair(at, [word | command, place::entry(random, frames)]));
    }
    list(random, MMU_UPDATE, place, count, words)
}

/// Returns an `mmuext_op`.
pub(crate) fn operations(random: &mut Random, frames: &Frames, fixed: Option<Place>) -> Case {
    let count = random.below(10);
    let place = fixed.unwrap_or_else(|| place::list(random, frames, 24 * count + 24));
    let mut words = Vec::new();
    for at in (0..count).map(|entry| 24 * entry) {
        let [command, first, second] = operation(random, frames);
        words.extend(place.pair(at, [command, first]));
        words.push((place.byte(at + 16), second));
    }
    list(random, MMUEXT_OP, place, count, words)
}

fn operation(random: &mut Random, frames: &Frames) -> [u64; 3] {
    let command = match random.below(10) {
        0 => random.one_of(&[14, 21, 0x7777, u32::MAX]),
        1 => random.one_of(&[CLEAR_PAGE, COPY_PAGE, SET_LDT, NEW_BASEPTR]),
        _ => u32::try_from(random.below(21)).unwrap_or(PIN_L1_TABLE),
    };
    let [first, second] = match command {
        NEW_BASEPTR => [place::base_table(random, frames), random.next()],
        TLB_FLUSH_LOCAL..=INVLPG_ALL => [place::mapped(random), place::bitmap(random)],
        SET_LDT => descriptors(random),
        COPY_PAGE => [place::frame(random, frames), place::frame(random, frames)],
        _ if random.once_in(8) => [0, 0],
        _ => [place::frame(random, frames), random.next()],
    };
    // What lies beside the command means nothing.
    [u64::from(command) | random.below(2) << 40, first, second]
}

fn descriptors(random: &mut Random) -> [u64; 2] {
    let base = match random.below(5) {
        0 => random.one_of(&UNREACHABLE) & !0xfff,
        1 => BASES[0] + random.below(4096),
        2 => 0,
        _ => BASES[1] + random.below(8) * 4096,
    };
    [base, random.one_of(&[0, 1, 512, 8192, 8193, 0x1_0000, 1 << 32 | 3, u64::MAX])]
}

/// Returns a call for a list, most often with the right count.
fn list(
    random: &mut Random,
    number: u32,
    place: Place,
    count: u64,
    words: Vec<(usize, u64)>,
) -> Case {
    let count = match random.below(10) {
        0 => random.below(2 * count + 1),
        1 => count | PREEMPTED,
        2 => count + random.one_of(&[1, 1000, PREEMPTED - 1, PREEMPTED, 2 * PREEMPTED - 1]),
        3 => count | random.next() << 32,
        _ => count,
    };
    let address = match random.below(16) {
        0 => place::nowhere(random),
        1 if count & 0xffff_ffff == PREEMPTED => 0,
        _ => place.address,
    };
    // A list of calls that got a count for a call would make a call that nobody wants.
    let alone = place.offset < 4096 + LISTS_OF_ENTRIES;
    let done = if alone { place::output(random) } else { place::output_apart(random) };
    let arguments = [address, count, done, place::domain(random), random.next()];
    Case { number, arguments, words }
}

/// Returns an `update_va_mapping`, or the same for a domain.
pub(crate) fn va_mapping(random: &mut Random, frames: &Frames) -> Case {
    let number = random.one_of(&[UPDATE_VA_MAPPING, UPDATE_VA_MAPPING_OTHERDOMAIN]);
    let whom = match random.below(4) {
        0 => 0,
        1 => UVMF_ALL,
        2 => random.next(),
        _ => place::bitmap(random),
    };
    let flags = whom & !3 | random.below(4);
    let entry = place::entry(random, frames);
    let domain = place::domain(random);
    let arguments = [place::mapped(random), entry, flags, domain, random.next()];
    Case { number, arguments, words: Vec::new() }
}

impl Place {
    /// Returns a place in the second page of lists.
    pub(crate) fn in_next_page(offset: usize) -> Self {
        Self { address: at(AT_LIST + 1, offset as u64), offset: 4096 + offset }
    }

    fn byte(self, at: u64) -> usize {
        self.offset + usize::try_from(at).unwrap_or(0)
    }

    fn pair(self, at: u64, [first, second]: [u64; 2]) -> [(usize, u64); 2] {
        [(self.byte(at), first), (self.byte(at + 8), second)]
    }
}
