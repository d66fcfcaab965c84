//! The machines an image can run on, and what all of them share.
//!
//! One file per emulator turns a `Setup` into a command; `process` runs it, `link` carries the
//! console, `watch` sees how it ends. `kvm` asks the host whether QEMU can offer VMX.

pub(crate) mod bochs;
pub(crate) mod choice;
pub(crate) mod kvm;
pub(crate) mod link;
pub(crate) mod process;
pub(crate) mod qemu;
pub(crate) mod watch;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::image::Contents;
use crate::size::Size;

/// A machine to run on.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Machine {
    /// Bochs, which emulates VMX; boots the ISO through its BIOS.
    Bochs,
    /// QEMU with nested VMX of the host; boots the ISO through its BIOS.
    QemuKvm,
    /// QEMU's own emulation, which has no VMX; starts a file through its PVH note.
    QemuTcg,
    /// The same, but boots the ISO through UEFI firmware.
    QemuUefi,
}

impl Machine {
    /// Its name for the user.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bochs => "Bochs",
            Self::QemuKvm => "QEMU with KVM",
            Self::QemuTcg => "QEMU",
            Self::QemuUefi => "QEMU with UEFI",
        }
    }

    /// Whether it starts a file itself instead of booting an ISO.
    pub(crate) const fn boots_directly(self) -> bool {
        matches!(self, Self::QemuTcg)
    }
}

/// What a machine boots.
#[derive(Clone, Debug)]
pub(crate) enum Boot {
    /// An ISO image, through its boot loader.
    Iso(PathBuf),
    /// A file, without a boot loader.
    Direct {
        /// The hypervisor, or a kernel for the bare machine.
        kernel: PathBuf,
        /// The guest, or a ramdisk.
        module: Option<PathBuf>,
        /// Options of the hypervisor, ` -- `, command line of the guest; or the latter alone.
        command_line: String,
    },
}

impl Boot {
    /// The boot of `contents` without a boot loader.
    ///
    /// # Errors
    /// There is no kernel, or something that only a boot loader can put beside it.
    pub(crate) fn direct(contents: Contents) -> Result<Self> {
        let Contents { hypervisor, guest, ramdisk, disk, options, append } = contents;
        ensure!(disk.is_none(), "without a boot loader there is no disk beside the guest");
        Ok(match hypervisor {
            Some(kernel) => {
                let command_line = format!("{options} -- {append}").trim().to_owned();
                Self::Direct { kernel, module: guest, command_line }
            }
            None => Self::Direct {
                kernel: guest.context("without a boot loader there must be a kernel")?,
                module: ramdisk,
                command_line: append,
            },
        })
    }
}

/// How time passes in an emulated machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As the emulator usually has it; in QEMU as outside.
    #[default]
    Usual,
    /// As usual, but in Bochs with some five times the instructions to a second: a kernel with a
    /// clock tick of its own has so much more to do in each of its ticks.
    Brisk,
    /// By instructions executed, and at once where the machine only waits: runs repeat.
    Instructions,
}

/// A machine about to be started.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// What it boots.
    pub(crate) boot: Boot,
    /// Its memory.
    pub(crate) memory: Size,
    /// Its CPU model, if not the usual one.
    pub(crate) cpu: Option<String>,
    /// How its time passes.
    pub(crate) pace: Pace,
}

/// The command that starts `machine`, with its console on the listener at `port` of the loopback
/// interface and the status port on standard output. Its files go to `directory`.
///
/// # Errors
/// A file of the emulator is missing or cannot be written.
pub(crate) fn command(
    machine: Machine,
    setup: &Setup,
    directory: &Path,
    port: u16,
) -> Result<Command> {
    match machine {
        Machine::Bochs => bochs::command(setup, directory, port),
        Machine::QemuKvm | Machine::QemuTcg | Machine::QemuUefi => {
            qemu::command(machine, setup, port)
        }
    }
}

/// Refuses a machine that its emulator cannot be.
///
/// # Errors
/// It has too much memory.
pub(crate) fn check(machine: Machine, memory: Size) -> Result<()> {
    match machine {
        Machine::Bochs => bochs::check_memory(memory),
        Machine::QemuKvm | Machine::QemuTcg | Machine::QemuUefi => Ok(()),
    }
}

/// Memory for a machine whose guest has `guest`, and a disk of this size: room for the hypervisor and
/// the boot loader as well.
pub(crate) fn memory_for(guest: Size, disk: Option<Size>) -> Size {
    let usual = guest.mib().saturating_add(128).max(512);
    Size::from_mib(usual.saturating_add(disk.map_or(0, Size::mib)))
}
