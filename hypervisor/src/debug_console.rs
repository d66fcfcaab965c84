//! The debug console of an emulator (port 0xE9), which no guest can reach: the verdict, the trace, and
//! what changes on disks.

use core::arch::asm;
use core::fmt;
use x86_64::instructions::port::Port;
use xenolith_core::debug_console::Record;
use zerocopy::IntoBytes;

const PORT: u16 = 0xe9;

/// The debug console of an emulator.
pub(crate) struct DebugConsole;

impl DebugConsole {
    /// Returns whether there is one.
    pub(crate) fn is_present() -> bool {
        // SAFETY: the port answers in emulators only; elsewhere the bus reads all ones.
        unsafe { Port::<u8>::new(PORT).read() == 0xe9 }
    }

    /// Writes a record; there is a debug console.
    pub(crate) fn write_record(record: &Record<'_>) {
        let (header, content) = record.parts();
        Self::write(header.as_bytes());
        Self::write(content);
    }

    fn write(bytes: &[u8]) {
        // SAFETY: writes to the port have no effect on memory; the bytes are read, forwards, since no
        // code here sets the direction flag.
        unsafe {
            asm!("rep outsb", in("dx") PORT, inout("rsi") bytes.as_ptr() => _,
                 inout("rcx") bytes.len() => _, options(nostack, readonly));
        }
    }
}

impl fmt::Write for DebugConsole {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        Self::write(text.as_bytes());
        Ok(())
    }
}
