//! System calls as functions; what they do stands in [`crate::numbers`].

use core::arch::asm;

use crate::numbers::{
    CLOSE, EXIT, GETPID, MAP, OPEN, READ, SET_FS_BASE, SLEEP, SPAWN, UNMAP, WAIT, WRITE, YIELD,
};

/// A result, or the number of an error.
pub type Answer = Result<u64, i64>;

/// The lowest result that is an error.
const MOST_NEGATIVE: i64 = -4095;

/// Makes any call, with any arguments.
///
/// # Errors
///
/// The kernel's.
///
/// # Safety
///
/// The program answers for what the call does to its memory.
pub unsafe fn call(number: u64, [rdi, rsi, rdx, r10]: [u64; 4]) -> Answer {
    let result: u64;
    // SAFETY: promised by the caller.
    unsafe {
        asm!("syscall", inout("rax") number => result, in("rdi") rdi, in("rsi") rsi, in("rdx") rdx,
            in("r10") r10, out("rcx") _, out("r11") _, options(nostack));
    }
    match result.cast_signed() {
        error @ MOST_NEGATIVE..0 => Err(-error),
        _ => Ok(result),
    }
}

fn address(bytes: &[u8]) -> u64 {
    bytes.as_ptr().addr() as u64
}

/// Ends the program.
pub fn exit(status: u8) -> ! {
    loop {
        // SAFETY: it ends.
        let _ = unsafe { call(EXIT, [status.into(), 0, 0, 0]) };
    }
}

/// Writes bytes to a file; returns how many were written.
///
/// # Errors
///
/// The kernel's, as for all functions here.
pub fn write(file: u64, bytes: &[u8]) -> Answer {
    // SAFETY: the call only reads the bytes.
    unsafe { call(WRITE, [file, address(bytes), bytes.len() as u64, 0]) }
}

/// Reads bytes from a file; returns how many there were.
///
/// # Errors
///
/// The kernel's.
pub fn read(file: u64, buffer: &mut [u8]) -> Answer {
    let bytes = buffer.len() as u64;
    // SAFETY: the call writes so many bytes at most to the buffer.
    unsafe { call(READ, [file, buffer.as_mut_ptr().addr() as u64, bytes, 0]) }
}

/// Opens a file of the ramdisk.
///
/// # Errors
///
/// The kernel's.
pub fn open(name: &[u8]) -> Answer {
    // SAFETY: the call only reads the name.
    unsafe { call(OPEN, [address(name), name.len() as u64, 0, 0]) }
}

/// Closes a file.
///
/// # Errors
///
/// The kernel's.
pub fn close(file: u64) -> Answer {
    // SAFETY: the call touches no memory.
    unsafe { call(CLOSE, [file, 0, 0, 0]) }
}

/// Lets others run for so many nanoseconds.
///
/// # Errors
///
/// None.
pub fn sleep(nanoseconds: u64) -> Answer {
    // SAFETY: the call touches no memory.
    unsafe { call(SLEEP, [nanoseconds, 0, 0, 0]) }
}

/// Lets others run.
///
/// # Errors
///
/// None.
pub fn yield_now() -> Answer {
    // SAFETY: the call touches no memory.
    unsafe { call(YIELD, [0; 4]) }
}

/// Maps zeroed memory.
///
/// # Errors
///
/// The kernel's.
pub fn map(bytes: u64, flags: u64) -> Answer {
    // SAFETY: the call maps where nothing is.
    unsafe { call(MAP, [bytes, flags, 0, 0]) }
}

/// Unmaps pages.
///
/// # Errors
///
/// The kernel's.
///
/// # Safety
///
/// Nothing may use them any more.
pub unsafe fn unmap(address: u64, bytes: u64) -> Answer {
    // SAFETY: promised by the caller.
    unsafe { call(UNMAP, [address, bytes, 0, 0]) }
}

/// Starts a program; returns its process.
///
/// # Errors
///
/// The kernel's.
pub fn spawn(name: &[u8], arguments: &[u8]) -> Answer {
    let [name, name_bytes] = [address(name), name.len() as u64];
    // SAFETY: the call only reads the name and the arguments.
    unsafe { call(SPAWN, [name, name_bytes, address(arguments), arguments.len() as u64]) }
}

/// Waits for a process to end; returns how it did.
///
/// # Errors
///
/// The kernel's.
pub fn wait(process: u64) -> Answer {
    // SAFETY: the call touches no memory.
    unsafe { call(WAIT, [process, 0, 0, 0]) }
}

/// Returns the number of this process.
pub fn getpid() -> u64 {
    // SAFETY: the call touches no memory.
    unsafe { call(GETPID, [0; 4]) }.unwrap_or_default()
}

/// Sets the base of FS.
///
/// # Errors
///
/// The kernel's.
///
/// # Safety
///
/// Nothing may rely on the old base.
pub unsafe fn set_fs_base(address: u64) -> Answer {
    // SAFETY: promised by the caller.
    unsafe { call(SET_FS_BASE, [address, 0, 0, 0]) }
}
