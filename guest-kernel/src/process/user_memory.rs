//! Copies from and to the memory of the process that runs.
//!
//! The addresses are a process's claim: they are checked to be a process's, and a fault that has no
//! remedy (`fault`) ends the copy at the byte that it met. Nothing else in the kernel reaches that memory
//! by its addresses, and where the processor has SMAP nothing could.

use core::{arch::asm, ops::Range};

use xenolith_system_calls::EFAULT;

use super::arguments::Error;
use crate::entry::smap::{self, forbid_user_access};

/// Copies with the string instruction, which says by RCX how far it got.
///
/// # Safety
///
/// What is written must be the kernel's to write, or a process's.
unsafe fn copy(destination: u64, source: u64, bytes: u64) -> u64 {
    let left: u64;
    // SAFETY: promised by the caller; a fault continues behind the instruction.
    unsafe {
        asm!(
            "cmp byte ptr [rip + {smap}], 0",
            "je 2f",
            "stac",
            "2: rep movsb",
            "3:",
            ".pushsection .exception_table, \"a\"",
            ".balign 8",
            ".quad 2b, 3b",
            ".popsection",
            forbid_user_access!(),
            smap = sym smap::IS_ON,
            inout("rcx") bytes => left,
            inout("rdi") destination => _,
            inout("rsi") source => _,
            out("rax") _,
            out("rdx") _,
            options(nostack),
        );
    }
    bytes - left
}

/// Copies a range of the process's addresses to `buffer`, as far as both go; returns how much.
pub(super) fn read(source: &Range<u64>, buffer: &mut [u8]) -> usize {
    let bytes = (source.end - source.start).min(buffer.len() as u64);
    // SAFETY: the buffer is the caller's, and has room.
    let copied = unsafe { copy(buffer.as_mut_ptr().addr() as u64, source.start, bytes) };
    usize::try_from(copied).unwrap_or(buffer.len())
}

/// As [`read`], all of the range or nothing.
///
/// # Errors
///
/// `EFAULT`.
pub(super) fn read_all<'a>(source: &Range<u64>, buffer: &'a mut [u8]) -> Result<&'a [u8], Error> {
    let copied = read(source, buffer);
    let is_all = copied as u64 == source.end - source.start;
    if is_all { Ok(&buffer[..copied]) } else { Err(Error(EFAULT)) }
}

/// Copies bytes to a range of the process's addresses, as far as both go; returns how much.
pub(super) fn write(destination: &Range<u64>, bytes: &[u8]) -> usize {
    let count = (destination.end - destination.start).min(bytes.len() as u64);
    // SAFETY: the range is the process's, by the check of arguments, and Rust keeps nothing there.
    let copied = unsafe { copy(destination.start, bytes.as_ptr().addr() as u64, count) };
    usize::try_from(copied).unwrap_or(bytes.len())
}
