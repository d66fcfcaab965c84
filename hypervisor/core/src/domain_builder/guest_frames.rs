//! The port through which the domain builder writes a guest's memory.
//!
//! It is separate so that the builder runs on the host against plain memory, and in the hypervisor
//! against whatever maps the guest's frames there.

use crate::address::Gpa;

/// The memory of a domain that is being built and has not run yet.
///
/// The builder calls with ranges that lie wholly in the domain's memory (from address 0 to its
/// size) or wholly in the shared info page, wherever [`BuildParameters::shared_info`] put that.
/// Nothing is assumed about what memory held before: what has to be zero is zeroed.
///
/// [`BuildParameters::shared_info`]: super::BuildParameters::shared_info
pub trait GuestFrames {
    /// Copies `bytes` to the guest's memory from `start` on, which may be any address.
    fn write_bytes(&mut self, start: Gpa, bytes: &[u8]);

    /// Clears `length` bytes of the guest's memory from `start` on, which may be any address.
    fn zero(&mut self, start: Gpa, length: u64);

    /// Writes `count` little-endian words from `start` on, a multiple of 8.
    ///
    /// `word` gives the value for each index from 0 to `count - 1`, in order. A whole table or
    /// list is one call, so that an implementation can find its target once.
    fn write_words(&mut self, start: Gpa, count: u64, word: impl FnMut(u64) -> u64);
}

/// Writes bytes and returns the address behind them.
///
/// # Panics
/// If the addresses end before the bytes do, which they do not where memory is.
pub fn append(memory: &mut impl GuestFrames, start: Gpa, bytes: &[u8]) -> Gpa {
    memory.write_bytes(start, bytes);
    let length = u64::try_from(bytes.len()).ok();
    length.and_then(|length| start.checked_add(length)).expect("memory has addresses")
}
