//! Runs of consecutive guest frames: the unit in which a domain's memory is laid out.

use crate::address::{Gfn, Gpa, PAGE_SIZE};

/// Consecutive frames of a guest's memory.
///
/// A range lies within the memory of its domain, so its addresses and lengths in bytes exist.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FrameRange {
    /// The first frame.
    pub first: Gfn,
    /// The number of frames.
    pub count: u64,
}

impl FrameRange {
    /// Returns the address of the first byte.
    ///
    /// # Panics
    /// If the range was not made within a domain's memory.
    pub fn gpa(&self) -> Gpa {
        frame_address(self.first)
    }

    /// Returns the frame after the last one.
    pub fn end(&self) -> Gfn {
        Gfn(self.first.0 + self.count)
    }

    /// Returns the size in bytes.
    pub fn bytes(&self) -> u64 {
        self.count * PAGE_SIZE
    }

    /// Returns whether the frame is one of these.
    pub fn contains(&self, frame: Gfn) -> bool {
        (self.first..self.end()).contains(&frame)
    }
}

/// Returns the address of a frame of a domain's memory.
///
/// # Panics
/// If no address reaches the frame, which no frame of a domain's memory can be.
pub fn frame_address(frame: Gfn) -> Gpa {
    frame.gpa().expect("a frame of guest memory has an address")
}
