//! `set_gdt` and `update_descriptor`.
//!
//! A kernel in ring 0 can write to its descriptors without asking; what is checked here is what a
//! kernel that asks may find out by it.

use super::{Args, Call, Machine, Outcome, as_u32};
use crate::address::{Gfn, Gpa, Gva, PAGE_SIZE};
use crate::guest_memory::GuestMemory;
use xenolith_abi::errno::{EFAULT, EINVAL};
use xenolith_abi::segment::{FIRST_RESERVED_GDT_ENTRY, FIRST_RESERVED_GDT_PAGE};

/// Descriptors in a page.
const PER_PAGE: u32 = 512;
const PAGES: usize = FIRST_RESERVED_GDT_PAGE as usize;

/// Maps the frames of a list as the guest's part of the GDT; what is left of it is empty.
pub(super) fn set_gdt<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let entries = as_u32(args[1]);
    if entries > FIRST_RESERVED_GDT_ENTRY {
        return Outcome::Return(-EINVAL);
    }
    let mut frames = [None; PAGES];
    for (at, frame) in (0..entries.div_ceil(PER_PAGE)).zip(&mut frames) {
        match call.space().read(Gva(args[0].wrapping_add(u64::from(at) * 8))) {
            Ok(number) => *frame = Some(Gfn(number)),
            Err(_) => return Outcome::Return(-EFAULT),
        }
    }
    let owned = call.domain.memory_pages;
    if frames.iter().flatten().any(|frame| frame.0 >= owned) {
        return Outcome::Return(-EINVAL);
    }
    // Entering the guest forgets what it knew of these pages.
    for (page, frame) in (0..).zip(frames) {
        let (at, entry) = call.domain.hole.gdt_entry(page, frame);
        call.machine.publish(at, &entry.to_le_bytes());
    }
    call.machine.flush();
    Outcome::Return(0)
}

/// Stores a descriptor at an address of guest memory, in a descriptor table or not.
pub(super) fn update_descriptor<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let [at, descriptor, ..] = *args;
    let at = Gpa(at);
    let owned = at.0 / PAGE_SIZE < call.domain.memory_pages;
    let done = at.is_aligned(8)
        && is_harmless(descriptor)
        && owned
        && call.machine.memory().write(at, &descriptor.to_le_bytes());
    Outcome::Return(if done { 0 } else { -EINVAL })
}

/// Returns whether a descriptor is for code or data, half of another one, or not present. Gates and
/// task state segments are refused: as on Xen, but for call gates, which Xen emulates.
const fn is_harmless(descriptor: u64) -> bool {
    const PRESENT: u64 = 1 << 47;
    const CODE_OR_DATA: u64 = 1 << 44;
    const TYPE: u64 = 0xf << 40;
    descriptor & PRESENT == 0 || descriptor & CODE_OR_DATA != 0 || descriptor & TYPE == 0
}
