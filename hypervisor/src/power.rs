//! The end of a run: the verdict for whoever started the machine, and the way out.
//!
//! The verdict goes to the debug console (port 0xE9), which no guest can reach, so that it can be
//! trusted where the serial console cannot. On a machine without one the log has to do.

use crate::console;
use crate::debug_console::DebugConsole;
use core::fmt;
use x86_64::instructions::port::Port;
use x86_64::instructions::{hlt, interrupts};
use xenolith_core::shutdown::ShutdownReason;

/// How a run ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// The last domain ended.
    Domain(ShutdownReason),
    /// The hypervisor found itself broken.
    Panic,
    /// No domain could be started.
    BootError,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Domain(reason) => reason.name(),
            Self::Panic => "panic",
            Self::BootError => "boot-error",
        })
    }
}

impl Verdict {
    /// The number for QEMU's `isa-debug-exit`: what `xtask run` exits with.
    const fn code(self) -> u32 {
        match self {
            Self::Domain(ShutdownReason::Poweroff) => 0,
            Self::Domain(ShutdownReason::Reboot) => 10,
            Self::Domain(ShutdownReason::Crash | ShutdownReason::Unknown(_)) => 11,
            Self::Panic => 12,
            Self::BootError => 14,
            Self::Domain(ShutdownReason::Suspend) => 15,
            Self::Domain(ShutdownReason::Watchdog) => 16,
            Self::Domain(ShutdownReason::SoftReset) => 17,
        }
    }
}

const QEMU_DEBUG_EXIT: u16 = 0xf4;
const BOCHS_SHUTDOWN: u16 = 0x8900;

/// Reports `verdict`, leaves the emulator if this is one, and stops the CPU otherwise.
pub(crate) fn end(verdict: Verdict) -> ! {
    interrupts::disable();
    console::flush();
    if DebugConsole::is_present() {
        let _ =
            fmt::Write::write_fmt(&mut DebugConsole, format_args!("xenolith-verdict: {verdict}\n"));
        leave_emulator(verdict);
    }
    log::info!("the machine is halted; it is safe to switch it off");
    console::flush();
    loop {
        hlt();
    }
}

fn leave_emulator(verdict: Verdict) {
    // SAFETY: the debug console showed that this is an emulator, where the port ends it or is free.
    unsafe { Port::new(QEMU_DEBUG_EXIT).write(verdict.code()) };
    for byte in b"Shutdown" {
        // SAFETY: as above.
        unsafe { Port::new(BOCHS_SHUTDOWN).write(*byte) };
    }
}
