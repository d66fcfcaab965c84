//! Lists of calls chosen at random, for `multicall`.

use alloc::vec::Vec;

use scenarios::random::Random;
use xenolith_guest::abi::{
    event_channel,
    hypercall::{
        CONSOLE_IO, EVENT_CHANNEL_OP, FPU_TASKSWITCH, MEMORY_OP, MULTICALL, SCHED_OP,
        SET_SEGMENT_BASE, SET_TIMER_OP, UPDATE_VA_MAPPING, VCPU_OP, XEN_VERSION,
    },
    memory, sched, vcpu, version,
    xenolith::NO_RESTART,
};

use crate::{
    forms::Case,
    places::{self, AT_LIST, AT_LIST_NOTHING, AT_LIST_READ_ONLY, Frames, at},
    random_cases::{self as cases, LISTS_OF_ENTRIES},
    random_places::{self as place, Place},
};

const ENTRY_BYTES: usize = 64;
/// Entries in a short list, at most; each may have a list of its own, of so many bytes.
const ENTRIES: usize = 8;
const LIST_BYTES: usize = 320;
/// Entries in a long list, at most: it is worked on in groups, whose last may be short.
const MANY_ENTRIES: usize = 36;
/// Bytes from the first page on that a list of calls may take.
const ROOM: usize = 4096 + LISTS_OF_ENTRIES;

/// Returns a list of calls.
pub(crate) fn list(random: &mut Random, frames: &Frames) -> Case {
    let most = if random.once_in(3) { MANY_ENTRIES } else { ENTRIES };
    let entries = 1 + usize::try_from(random.below(most as u64)).unwrap_or(0);
    let offset = usize::try_from(random.below(4096) & !7).unwrap_or(0);
    let offset = offset.min(ROOM - entries * ENTRY_BYTES);
    let mut words = Vec::new();
    for entry in 0..entries {
        let call = match (entries > ENTRIES, entry < ENTRIES) {
            (true, _) if !random.once_in(24) => served(random, frames),
            (_, true) => {
                call(random, frames, Place::in_next_page(LISTS_OF_ENTRIES + entry * LIST_BYTES))
            }
            (_, false) => small(random),
        };
        let kinds = if entries > ENTRIES { 96 } else { 6 };
        let op = match random.below(kinds) {
            0 => u64::from(call.number | NO_RESTART),
            1 if random.once_in(4) => u64::from(call.number) | 1 << 32,
            _ => call.number.into(),
        };
        let entry_at = offset + entry * ENTRY_BYTES;
        let content = [op, 0x5555].into_iter().chain(call.arguments).chain([0x6666]);
        words.extend((entry_at..).step_by(8).zip(content));
        words.extend(call.words);
    }
    let (count, page) = match random.below(8) {
        0 => (random.below(entries as u64 + 1), AT_LIST),
        // Behind the list is what means no call, and then nothing, or what cannot be written.
        1 => (random.one_of(&[1000, 0xffff_ffff]), AT_LIST_NOTHING),
        2 => (1000, AT_LIST_READ_ONLY),
        _ => (entries as u64 | random.below(4) << 32, AT_LIST),
    };
    let address = if random.once_in(16) { place::nowhere(random) } else { at(page, offset as u64) };
    let rest = [random.next(), random.next(), random.next()];
    let arguments = [address, count, rest[0], rest[1], rest[2]];
    Case { number: MULTICALL, arguments, words }
}

/// Returns a call for an entry, whose own list goes to `place`.
fn call(random: &mut Random, frames: &Frames, place: Place) -> Case {
    match random.below(8) {
        0 | 1 => cases::updates(random, frames, Some(place)),
        2 | 3 => cases::operations(random, frames, Some(place)),
        4 => cases::va_mapping(random, frames),
        _ => small(random),
    }
}

/// Returns a call without a list that is not root's, so that a long list gets far.
fn served(random: &mut Random, frames: &Frames) -> Case {
    if random.once_in(4) {
        let (entry, flags) = (place::entry(random, frames), random.below(4));
        let arguments = [place::mapped(random), entry, flags, 0, 0];
        return Case { number: UPDATE_VA_MAPPING, arguments, words: Vec::new() };
    }
    let (number, first, second) = random.one_of(&[
        (XEN_VERSION, version::VERSION.into(), 0),
        (VCPU_OP, vcpu::IS_UP.into(), 0),
        (FPU_TASKSWITCH, 0, 0),
        (SET_SEGMENT_BASE, 0, 1 << 63),
        (SET_SEGMENT_BASE, 4, 0),
    ]);
    Case { number, arguments: [first, second, 0, 0, 0], words: Vec::new() }
}

/// Returns a call without a list, whose result is the same each time.
fn small(random: &mut Random) -> Case {
    const NO_TIMER: u64 = 0;
    let text = at(places::AT_COUNT, 0x800);
    let (number, first, second) = random.one_of(&[
        (XEN_VERSION, version::VERSION.into(), 0),
        (XEN_VERSION, version::PAGESIZE.into(), 0),
        (XEN_VERSION, version::EXTRAVERSION.into(), text),
        (XEN_VERSION, 99, 0),
        (MULTICALL, at(AT_LIST, 0), 1),
        (MULTICALL, 0, 0),
        (CONSOLE_IO, 0, 0),
        (CONSOLE_IO, 7, 0),
        (VCPU_OP, vcpu::IS_UP.into(), 0),
        (VCPU_OP, vcpu::IS_UP.into(), 1),
        (SCHED_OP, sched::YIELD.into(), 0),
        (SCHED_OP, 77, 0),
        (EVENT_CHANNEL_OP, event_channel::UNMASK.into(), text),
        (EVENT_CHANNEL_OP, event_channel::SEND.into(), 0),
        (MEMORY_OP, memory::MAXIMUM_RAM_PAGE.into(), 0),
        (FPU_TASKSWITCH, 0, 0),
        (SET_SEGMENT_BASE, 0, 1 << 63),
        (SET_SEGMENT_BASE, 4, 0),
        (SET_TIMER_OP, NO_TIMER, 0),
        (60, 1, 2),
        (63, 1, 2),
    ]);
    Case { number, arguments: [first, second, 0, 0, 0], words: Vec::new() }
}
