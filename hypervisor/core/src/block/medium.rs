//! The port through which the contents of a disk are reached, and what is at the end of it in tests.

/// Bytes of a sector, as the block interface counts them.
pub const SECTOR_BYTES: usize = 512;

/// The contents of one disk.
///
/// The caller checks a request before it gets here: a range of sectors that is not on the disk, or
/// a write to one that is read-only, is a mistake of the hypervisor and may panic.
pub trait Medium {
    /// Returns how many sectors there are.
    fn sectors(&self) -> u64;

    /// Returns whether the disk must not be written.
    fn is_read_only(&self) -> bool;

    /// Copies sectors from number `sector` on into `into`, whole sectors and at most a page.
    fn read(&mut self, sector: u64, into: &mut [u8]);

    /// Copies `from`, whole sectors and at most a page, to the sectors from number `sector` on.
    fn write(&mut self, sector: u64, from: &[u8]);

    /// Makes what was written last, where the disk keeps it back. For most there is nothing to do.
    fn flush(&mut self) {}
}
