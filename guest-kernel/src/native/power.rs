//! The end of a run on bare hardware.
//!
//! In an emulator the word on how it ended goes to the debug console (port 0xE9), as the
//! hypervisor's does, and the emulator is left.

use core::fmt::{self, Write};

use x86_64::instructions::{hlt, interrupts, port::Port};
use xenolith_core::shutdown::ShutdownReason as Reason;

use super::serial;
use crate::hypercall::sched::ShutdownReason;

const DEBUG_CONSOLE: u16 = 0xe9;
const QEMU_DEBUG_EXIT: u16 = 0xf4;
const BOCHS_SHUTDOWN: u16 = 0x8900;

/// How a run ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// By the kernel's own word.
    Kernel(Reason),
    /// The machine or what the loader tells is unfit.
    BootError,
}

impl Verdict {
    /// The word that scripts know (`docs/architecture.md`, "How a domain ends").
    const fn word(self) -> &'static str {
        match self {
            Self::Kernel(reason) => reason.name(),
            Self::BootError => "boot-error",
        }
    }
}

/// Ends the run as the kernel says.
pub(super) fn shutdown(reason: ShutdownReason) -> ! {
    end(Verdict::Kernel(Reason::from_number(reason.0)))
}

/// Ends the run.
pub(super) fn end(verdict: Verdict) -> ! {
    interrupts::disable();
    serial::flush();
    if DebugConsole::is_present() {
        let _ = writeln!(DebugConsole, "xenolith-verdict: {}", verdict.word());
        leave_emulator();
    }
    loop {
        hlt();
    }
}

struct DebugConsole;

impl DebugConsole {
    fn is_present() -> bool {
        // SAFETY: the port answers in emulators only; elsewhere the bus reads all ones.
        unsafe { Port::<u8>::new(DEBUG_CONSOLE).read() == 0xe9 }
    }
}

impl Write for DebugConsole {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: this is only reached when the port was found to be a debug console.
            unsafe { Port::new(DEBUG_CONSOLE).write(byte) };
        }
        Ok(())
    }
}

fn leave_emulator() {
    // SAFETY: the debug console showed that this is an emulator, where the port ends it or is free.
    unsafe { Port::new(QEMU_DEBUG_EXIT).write(0_u32) };
    for byte in b"Shutdown" {
        // SAFETY: as above.
        unsafe { Port::new(BOCHS_SHUTDOWN).write(*byte) };
    }
}
