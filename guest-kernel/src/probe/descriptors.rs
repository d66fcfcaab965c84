//! Descriptor tables and segment bases, through the hypervisor.

use x86_64::PhysAddr;

use crate::{
    hypercall::{Errno, segment},
    static_pages::PAGE_BYTES,
};

/// Frames that a table can have, and some too many.
const FRAMES: usize = 20;

/// Makes frames the kernel's part of the descriptor table (`set_gdt`).
///
/// # Errors
///
/// The hypervisor's.
///
/// # Panics
///
/// If there are more than 20 frames.
pub fn set_gdt(frames: &[PhysAddr], descriptors: u32) -> Result<(), Errno> {
    let mut numbers = [0; FRAMES];
    for (number, frame) in numbers.iter_mut().zip(frames) {
        *number = frame.as_u64() / PAGE_BYTES as u64;
    }
    assert!(frames.len() <= FRAMES, "too many frames to try");
    // SAFETY: see the module `probe`; the selectors in use are in the hypervisor's part.
    unsafe { segment::set_gdt(&numbers, descriptors) }
}

/// Writes a descriptor (`update_descriptor`).
///
/// # Errors
///
/// The hypervisor's.
pub fn update(at: PhysAddr, descriptor: u64) -> Result<(), Errno> {
    // SAFETY: see the module `probe`; scenarios give addresses where Rust keeps nothing.
    unsafe { segment::update_descriptor(at, descriptor) }
}
