//! The end of a run on bare hardware.
//!
//! In an emulator the word on how it ended goes to the debug console (port 0xE9), as the
//! hypervisor's does, and the emulator is left. Its power goes off as any machine's, by ACPI; a
//! restart would be without end.

use core::fmt::{self, Write};

use x86_64::instructions::{hlt, interrupts, port::Port};
use xenolith_core::shutdown::ShutdownReason as Reason;

use spin::Once;

use super::{acpi::Power, serial};
use crate::{console::print_unlocked, hypercall::sched::ShutdownReason};

const DEBUG_CONSOLE: u16 = 0xe9;
const QEMU_DEBUG_EXIT: u16 = 0xf4;
const BOCHS_SHUTDOWN: u16 = 0x8900;

/// The chipset's reset register, and the value that resets the processor and all else.
const RESET_CONTROL: (u16, u8) = (0xcf9, 0x0e);
/// The keyboard controller's commands, and the one that pulses the processor's reset line.
const KEYBOARD_RESET: (u16, u8) = (0x64, 0xfe);
/// Turns of waiting for a machine to go off: some milliseconds at least.
const PATIENCE: u32 = 10_000_000;

static POWER: Once<Power> = Once::new();

/// Keeps what ACPI's tables say.
pub(super) fn keep(power: Power) {
    POWER.call_once(|| power);
}

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
    let is_emulator = DebugConsole::is_present();
    if is_emulator {
        let _ = writeln!(DebugConsole, "xenolith-verdict: {}", verdict.word());
    }
    match verdict {
        Verdict::Kernel(Reason::Poweroff) => switch_off(),
        Verdict::Kernel(Reason::Reboot) if !is_emulator => reset(),
        _ => {}
    }
    if is_emulator {
        leave_emulator();
    }
    loop {
        hlt();
    }
}

/// Switches the machine off; returns if that has no effect.
fn switch_off() {
    if let Some(off) = POWER.get().and_then(|power| power.off) {
        for (port, value) in [Some(off.first), off.second].into_iter().flatten() {
            // SAFETY: firmware says that this switches the machine off; nothing is to go on.
            unsafe { Port::new(port).write(value) };
        }
        wait();
    }
    print_unlocked(format_args!("the machine does not go off by ACPI\n"));
    serial::flush();
}

/// Resets the machine; returns if that has no effect.
fn reset() {
    let register = POWER.get().and_then(|power| power.reset);
    for (port, value) in register.into_iter().chain([RESET_CONTROL, KEYBOARD_RESET]) {
        // SAFETY: the ports reset the machine or are nobody's; nothing is to go on.
        unsafe { Port::new(port).write(value) };
        wait();
    }
}

fn wait() {
    (0..PATIENCE).for_each(|_| core::hint::spin_loop());
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
