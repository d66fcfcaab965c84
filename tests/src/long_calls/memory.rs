//! Memory given back, had again and exchanged. Frames come back lowest first, and zeroed.

use alloc::vec::Vec;

use xenolith_guest::{
    abi::{
        domain::SELF,
        guest_layout::MACH2PHYS_VIRT_START,
        hypercall::{MEMORY_OP, MMU_UPDATE},
        memory::{DECREASE_RESERVATION, EXCHANGE, POPULATE_PHYSMAP},
        mmu::MACHPHYS_UPDATE,
    },
    probe::memory::read_u64,
    x86_64::VirtAddr,
};

use super::{Make, Worker, Wrong, expect, inline, pages::Stretch};

/// Frames that take part, on each side of an exchange.
const FRAMES: u64 = 64;
/// Pages of an extent that is had in exchange.
const EXTENT: u64 = 4;
const ORDER: u64 = 2;
/// Lists behind the arguments.
const GIVEN: usize = 1024;
const TAKEN: usize = 2048;
const MARK: u64 = 0x5ec2_e751_5ec2_e751;

/// Gives frames back, in no order, and has them again.
pub(super) fn reservation(worker: &mut Worker, make: &mut Make<'_>) -> Result<(), Wrong> {
    let count = 1 + worker.random.below(FRAMES);
    let frames: Vec<u64> = (worker.free..worker.free + count).collect();
    let mut shuffled = frames.clone();
    for last in (1..shuffled.len()).rev() {
        let other = usize::try_from(worker.random.below(last as u64 + 1)).unwrap_or(0);
        shuffled.swap(last, other);
    }
    let marked = worker.random.one_of(&frames);
    worker.show(marked * 4096, make)?;
    worker.pages.set_shown(99, MARK);
    change(worker, DECREASE_RESERVATION, &shuffled, make)?;
    expect(m2p(marked) == u64::MAX, "the machine-to-physical entry of what was given back")?;
    populate(worker, &frames, make)?;
    worker.show(marked * 4096, make)?;
    expect(worker.pages.shown(99) == 0, "what was given back comes back with what it held")
}

/// Gives frames for as many in extents.
pub(super) fn exchange(worker: &mut Worker, make: &mut Make<'_>) -> Result<(), Wrong> {
    let frames: Vec<u64> = (worker.free..worker.free + 2 * FRAMES).collect();
    let (low, high) = frames.split_at(usize::try_from(FRAMES).unwrap_or(0));
    change(worker, DECREASE_RESERVATION, low, make)?;
    let arguments = worker.pages.arguments();
    let extents: Vec<u64> = low.iter().copied().step_by(4).collect();
    reservation_of(worker, arguments, GIVEN, high, 0);
    reservation_of(worker, arguments.from(32), TAKEN, &extents, ORDER);
    arguments.set(64, 0);
    let answer = make(MEMORY_OP, [EXCHANGE.into(), arguments.address, 0, 0, 0]);
    expect(answer == 0, "an exchange")?;
    expect(arguments.word(64) == FRAMES, "what was exchanged")?;
    for (at, &first) in extents.iter().enumerate() {
        expect(arguments.word(TAKEN + 8 * at) == first, "an extent had in exchange")?;
        expect((0..EXTENT).all(|page| m2p(first + page) == first + page), "its entries")?;
    }
    populate(worker, high, make)
}

/// Has frames again, and looks whether all are there.
fn populate(worker: &Worker, frames: &[u64], make: &mut Make<'_>) -> Result<(), Wrong> {
    change(worker, POPULATE_PHYSMAP, frames, make)?;
    let list = worker.pages.arguments().from(GIVEN);
    for (at, &frame) in frames.iter().enumerate() {
        expect(list.word(8 * at) == frame, "a frame had again")?;
        expect(m2p(frame) == frame, "its machine-to-physical entry")?;
    }
    Ok(())
}

/// Makes a call about single frames.
fn change(worker: &Worker, command: u32, frames: &[u64], make: &mut Make<'_>) -> Result<(), Wrong> {
    let arguments = worker.pages.arguments();
    reservation_of(worker, arguments, GIVEN, frames, 0);
    let answer = make(MEMORY_OP, [command.into(), arguments.address, 0, 0, 0]);
    expect(usize::try_from(answer) == Ok(frames.len()), "extents done")
}

/// Writes a `xen_memory_reservation` at `at`, with its list at an offset of the arguments.
fn reservation_of(worker: &Worker, at: Stretch, offset: usize, list: &[u64], order: u64) {
    let place = worker.pages.arguments().from(offset);
    place.put(0, list);
    at.put(0, &[place.address, list.len() as u64, order, SELF.into()]);
}

fn m2p(frame: u64) -> u64 {
    read_u64(VirtAddr::new(MACH2PHYS_VIRT_START + 8 * frame))
}

/// Has all frames of the worker's again, and says of each what it is, whatever is the case now.
pub(super) fn recover(worker: &Worker) -> Result<(), Wrong> {
    let all: Vec<u64> = (worker.free..worker.free + 2 * FRAMES).collect();
    let arguments = worker.pages.arguments();
    reservation_of(worker, arguments, GIVEN, &all, 0);
    // As many as are missing.
    let answer = inline(MEMORY_OP, [POPULATE_PHYSMAP.into(), arguments.address, 0, 0, 0]);
    expect(answer >= 0, "frames had again")?;
    let list = worker.pages.list();
    for (at, frame) in (0..).step_by(16).zip(&all) {
        list.put(at, &[(frame * 4096) | MACHPHYS_UPDATE, *frame]);
    }
    let arguments = [list.address, all.len() as u64, 0, SELF.into(), 0];
    expect(inline(MMU_UPDATE, arguments) == 0, "machine-to-physical entries")
}
