//! QEMU: with KVM where the host offers nested VMX, else its own emulation, which has no VMX.
//!
//! Emulated, it boots guest kernels on the bare machine, and the hypervisor as far as "this machine
//! has no VMX": by the PVH note, or through a boot loader. The device at 0xf4 lets them end it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Boot, Machine, Pace, Setup, process};

/// Where distributions keep the UEFI firmware.
pub(crate) const UEFI: &[&str] = &[
    "/usr/share/OVMF/OVMF_CODE_4M.fd",
    "/usr/share/OVMF/OVMF_CODE.fd",
    "/usr/share/edk2/ovmf/OVMF_CODE.fd",
    "/usr/share/edk2/x64/OVMF_CODE.4m.fd",
];

/// The command that starts QEMU as `machine` on `setup`.
///
/// # Errors
/// UEFI firmware is asked for and not installed.
pub(crate) fn command(machine: Machine, setup: &Setup, port: u16) -> Result<Command> {
    let mut command = process::ending_with_us("qemu-system-x86_64");
    command.args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]);
    command.args(["-m", &format!("{}M", setup.memory.mib())]);
    command.args(["-chardev", &format!("socket,id=console,host=127.0.0.1,port={port}")]);
    command.args(["-serial", "chardev:console", "-debugcon", "stdio"]);
    command.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
    match machine {
        Machine::QemuKvm => {
            command.args(["-accel", "kvm", "-cpu", setup.cpu.as_deref().unwrap_or("host")])
        }
        _ => command.args(["-accel", "tcg", "-cpu", setup.cpu.as_deref().unwrap_or("max")]),
    };
    if setup.pace == Pace::Instructions {
        command.args(["-icount", "shift=0,sleep=off", "-rtc", "clock=vm"]);
    }
    if machine == Machine::QemuUefi {
        let firmware = uefi().context("no UEFI firmware for QEMU is installed")?;
        let drive = format!("if=pflash,unit=0,format=raw,readonly=on,file={}", firmware.display());
        command.args(["-drive", &drive]);
    }
    add_boot(&mut command, &setup.boot);
    Ok(command)
}

/// The UEFI firmware, if one is installed.
fn uefi() -> Option<PathBuf> {
    UEFI.iter().map(PathBuf::from).find(|path| path.exists())
}

/// Adds what is booted.
fn add_boot(command: &mut Command, boot: &Boot) {
    match boot {
        Boot::Iso(image) => add_disc(command, image),
        Boot::Direct { kernel, module, command_line } => {
            command.arg("-kernel").arg(kernel).arg("-append").arg(command_line);
            if let Some(module) = module {
                command.arg("-initrd").arg(module);
            }
        }
    }
}

/// Adds a CD in the drive.
fn add_disc(command: &mut Command, image: &Path) {
    command.arg("-cdrom").arg(image).args(["-boot", "d"]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::size::Size;

    /// The arguments for `machine` and `boot`.
    fn arguments(machine: Machine, boot: Boot) -> Vec<String> {
        let setup = Setup { boot, memory: Size::from_mib(512), cpu: None, pace: Pace::Usual };
        let command = command(machine, &setup, 4321).unwrap();
        command.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect()
    }

    /// Whether `pair` stands in `arguments`, next to each other.
    fn has(arguments: &[String], pair: [&str; 2]) -> bool {
        arguments.windows(2).any(|window| window == pair)
    }

    #[test]
    fn a_direct_boot_passes_the_files_and_one_command_line() {
        let boot = Boot::Direct {
            kernel: "/k".into(),
            module: Some("/m".into()),
            command_line: "log=debug -- a b".into(),
        };
        let arguments = arguments(Machine::QemuTcg, boot);
        assert!(has(&arguments, ["-kernel", "/k"]) && has(&arguments, ["-initrd", "/m"]));
        assert!(
            has(&arguments, ["-append", "log=debug -- a b"]) && has(&arguments, ["-accel", "tcg"])
        );
        assert!(!arguments.contains(&"-cdrom".to_owned()));
    }

    #[test]
    fn kvm_boots_the_disc_with_the_host_cpu() {
        let arguments = arguments(Machine::QemuKvm, Boot::Iso("/i".into()));
        assert!(has(&arguments, ["-accel", "kvm"]) && has(&arguments, ["-cpu", "host"]));
        assert!(has(&arguments, ["-cdrom", "/i"]) && has(&arguments, ["-m", "512M"]));
    }
}
