//! `memory_op`: extents that come and go, of single frames and of large pages.

use xenolith_guest::abi::{domain, hypercall::MEMORY_OP, memory};

use crate::stage::{
    ARGUMENT, LARGE, LIST, LongCall, OTHER_ARGUMENT, OTHER_LIST, SPARE, Stage, must,
};

/// Single frames, and large pages, in a list.
const SINGLE: u64 = 2048;
const WHOLE: u64 = 4;
const ORDER: u32 = LARGE.trailing_zeros();
/// Rounds of short calls before which much memory is zeroed.
const SLOW_ROUNDS: u32 = 120;
/// Large pages that a call finds whole and leaves in pieces, by single frames and as extents.
const SPLIT: u64 = SPARE / 4;

const DECREASE: u32 = memory::DECREASE_RESERVATION;
const INCREASE: u32 = memory::INCREASE_RESERVATION;
const POPULATE: u32 = memory::POPULATE_PHYSMAP;

/// A call that changes the reservation by the list of that order, after its inverse.
macro_rules! change {
    ($name:literal, $command:expr, $inverse:expr, $count:expr, $set_up:expr) => {
        LongCall::new($name, $set_up, |stage| argument(stage, $command))
            .prepared(|stage| must(argument(stage, $inverse), $count.cast_signed()))
            .result($count.cast_signed())
    };
}

pub(crate) const CALLS: &[LongCall] = &[
    // First, while there are large pages.
    LongCall::new("memory_op decrease, splitting", |stage| split(stage, 0, 0), decrease)
        .result(SPLIT.cast_signed())
        .rounds(1)
        .gap(5000),
    LongCall::new(
        "memory_op decrease, splitting, order 9",
        |stage| split(stage, 1, ORDER),
        decrease,
    )
    .result(SPLIT.cast_signed())
    .rounds(1),
    LongCall::new("memory_op exchange, splitting", splitting_exchange, exchange).rounds(1),
    change!("memory_op decrease, order 0", DECREASE, POPULATE, SINGLE, |stage| {
        singles(stage);
        must(argument(stage, DECREASE), SINGLE.cast_signed());
    }),
    change!("memory_op populate, order 0", POPULATE, DECREASE, SINGLE, had_singles),
    change!("memory_op increase, order 0", INCREASE, DECREASE, SINGLE, had_singles),
    change!("memory_op decrease, order 9", DECREASE, POPULATE, WHOLE, |stage| {
        wholes(stage);
        must(argument(stage, DECREASE), WHOLE.cast_signed());
    }),
    change!("memory_op populate, order 9", POPULATE, DECREASE, WHOLE, had_wholes)
        .rounds(SLOW_ROUNDS),
    change!("memory_op increase, order 9", INCREASE, DECREASE, WHOLE, had_wholes)
        .rounds(SLOW_ROUNDS),
    LongCall::new("memory_op exchange, order 0", |stage| begin(stage, 0, 0, 0), exchange)
        .prepared(back),
    LongCall::new("memory_op exchange, order 9", |stage| begin(stage, 0, ORDER, ORDER), exchange)
        .prepared(back),
    LongCall::new("memory_op exchange, 0 for 9", |stage| begin(stage, 1, 0, ORDER), exchange)
        .prepared(back),
    LongCall::new("memory_op exchange, 9 for 0", |stage| begin(stage, 1, ORDER, 0), exchange)
        .prepared(back),
];

fn argument(stage: &Stage, command: u32) -> (u32, [u64; 5]) {
    (MEMORY_OP, [command.into(), stage.at(ARGUMENT), 0, 0, 0])
}

fn decrease(stage: &Stage) -> (u32, [u64; 5]) {
    argument(stage, DECREASE)
}

fn exchange(stage: &Stage) -> (u32, [u64; 5]) {
    argument(stage, memory::EXCHANGE)
}

/// Returns the words of a `xen_memory_reservation`.
fn reservation(list: u64, extents: u64, order: u32) -> [u64; 4] {
    [list, extents, order.into(), domain::SELF.into()]
}

/// Sets the argument to a list of extents.
fn extents(stage: &mut Stage, order: u32, list: impl Iterator<Item = u64>) {
    let mut count = 0;
    for frame in list {
        stage.write(LIST + 8 * count, [frame]);
        count += 1;
    }
    let words = reservation(stage.at(LIST), count as u64, order);
    stage.write(ARGUMENT, words);
}

/// Makes a list with something in each of [`SPLIT`] large pages, of share `share`.
fn split(stage: &mut Stage, share: u64, order: u32) {
    let first = stage.spare + share * SPLIT * LARGE;
    extents(stage, order, (0..SPLIT).map(|index| first + index * LARGE));
}

/// Frames all over the large pages that have been split.
fn singles(stage: &mut Stage) {
    let spare = stage.spare;
    extents(stage, 0, (0..SINGLE).map(|index| spare + index % SPLIT * LARGE + 1 + index / SPLIT));
}

/// As many frames, which the domain has, wherever they are.
fn had_singles(stage: &mut Stage) {
    singles(stage);
    must(argument(stage, POPULATE), SINGLE.cast_signed());
}

/// Large pages that nothing is missing of, though the first decrease has split them.
fn wholes(stage: &mut Stage) {
    let first = stage.spare + 2 * SPLIT * LARGE;
    extents(stage, ORDER, (0..WHOLE).map(|index| first + index * LARGE));
}

fn had_wholes(stage: &mut Stage) {
    wholes(stage);
    must(argument(stage, POPULATE), WHOLE.cast_signed());
}

/// Sets the argument to an exchange of one list for the other.
fn set_exchange(stage: &mut Stage, at: usize, [from, to]: [(usize, u32); 2]) {
    let side = |stage: &Stage, (list, order): (usize, u32)| {
        reservation(stage.at(list), (WHOLE * LARGE) >> order, order)
    };
    let (from, to) = (side(stage, from), side(stage, to));
    stage.write(at, from.into_iter().chain(to).chain([0]));
}

/// Exchanges single frames out of large pages for a large page.
fn splitting_exchange(stage: &mut Stage) {
    let first = stage.spare + 3 * SPLIT * LARGE;
    let frames = |index: u64| first + index % SPLIT * LARGE + 1 + index / SPLIT;
    extents(stage, 0, (0..WHOLE * LARGE).map(frames));
    set_exchange(stage, ARGUMENT, [(LIST, 0), (OTHER_LIST, ORDER)]);
}

/// Makes lists of what is had, of order `from` and from share `share`, and of what is to be had for
/// it.
fn begin(stage: &mut Stage, share: u64, from: u32, to: u32) {
    let start = stage.spare;
    if from == 0 {
        let first = start + 60 * (share + 1);
        extents(stage, 0, (0..SINGLE).map(|index| first + index % SPLIT * LARGE + index / SPLIT));
    } else {
        let first = start + (2 * SPLIT + WHOLE * (share + 1)) * LARGE;
        extents(stage, ORDER, (0..WHOLE).map(|index| first + index * LARGE));
    }
    set_exchange(stage, ARGUMENT, [(LIST, from), (OTHER_LIST, to)]);
    set_exchange(stage, OTHER_ARGUMENT, [(OTHER_LIST, to), (LIST, from)]);
    stage.exchanged = false;
}

/// Takes back what the last round has exchanged.
fn back(stage: &mut Stage) {
    const NR_EXCHANGED: usize = 64;
    if stage.exchanged {
        stage.write(OTHER_ARGUMENT + NR_EXCHANGED, [0]);
        must((MEMORY_OP, [memory::EXCHANGE.into(), stage.at(OTHER_ARGUMENT), 0, 0, 0]), 0);
    }
    stage.write(ARGUMENT + NR_EXCHANGED, [0]);
    stage.exchanged = true;
}
