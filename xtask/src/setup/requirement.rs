//! What has to be installed beside Rust: how to see that it is there, what it is for, and which
//! packages bring it.

use std::path::Path;

use super::program_in_path;
use crate::image;
use crate::machine::{Machine, bochs, qemu};

/// What a requirement is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Building what runs on the bare machine.
    Build,
    /// Making an image.
    Image,
    /// Running in Bochs.
    Bochs,
    /// Running in QEMU.
    Qemu,
    /// Running in QEMU with UEFI.
    Uefi,
    /// Disks with file systems, in tests.
    FileSystem,
    /// Comparing the ABI with Xen's headers.
    Abi,
    /// Fuzzing.
    Fuzz,
}

impl Use {
    /// All of them.
    pub(crate) const ALL: &[Self] = &[
        Self::Build,
        Self::Image,
        Self::Bochs,
        Self::Qemu,
        Self::Uefi,
        Self::FileSystem,
        Self::Abi,
        Self::Fuzz,
    ];

    /// What running on `machine` means.
    pub(crate) const fn of_machine(machine: Machine) -> &'static [Self] {
        match machine {
            Machine::Bochs => &[Self::Image, Self::Bochs],
            Machine::QemuKvm => &[Self::Image, Self::Qemu],
            Machine::QemuTcg => &[Self::Qemu],
            Machine::QemuUefi => &[Self::Image, Self::Qemu, Self::Uefi],
        }
    }
}

/// How to see that something is there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Probe {
    /// One of these programs is in the search path.
    Program(&'static [&'static str]),
    /// One of these files exists.
    File(&'static [&'static str]),
}

/// The packages that bring something, by package manager.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packages {
    /// Debian, Ubuntu.
    pub(crate) apt: &'static [&'static str],
    /// Fedora.
    pub(crate) dnf: &'static [&'static str],
    /// Arch.
    pub(crate) pacman: &'static [&'static str],
}

/// Something that has to be there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Requirement {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it is for.
    pub(crate) purpose: &'static str,
    /// When it is needed.
    needed_for: Use,
    /// How to see that it is there.
    probe: Probe,
    /// What brings it.
    pub(crate) packages: Packages,
}

impl Requirement {
    /// Whether it is there.
    pub(crate) fn is_present(&self) -> bool {
        match self.probe {
            Probe::Program(names) => names.iter().any(|name| program_in_path(name).is_some()),
            Probe::File(paths) => paths.iter().any(|path| Path::new(path).exists()),
        }
    }

    /// Whether one of `uses` needs it.
    pub(crate) fn is_needed_for(&self, uses: &[Use]) -> bool {
        uses.contains(&self.needed_for)
    }
}

/// A requirement with one package per package manager, the usual case.
const fn requirement(
    name: &'static str,
    purpose: &'static str,
    needed_for: Use,
    probe: Probe,
    packages: [&'static [&'static str]; 3],
) -> Requirement {
    let [apt, dnf, pacman] = packages;
    Requirement { name, purpose, needed_for, probe, packages: Packages { apt, dnf, pacman } }
}

/// All of them.
pub(crate) const REQUIREMENTS: &[Requirement] = &[
    requirement(
        "C compiler",
        "links what runs on the host; compiles the probe of Xen's headers",
        Use::Build,
        Probe::Program(&["cc"]),
        [&["gcc", "libc6-dev"], &["gcc", "glibc-devel"], &["gcc"]],
    ),
    requirement(
        "strip",
        "takes debug information out of what goes into an image",
        Use::Build,
        Probe::Program(&["strip"]),
        [&["binutils"], &["binutils"], &["binutils"]],
    ),
    requirement(
        "grub-mkrescue",
        "makes the boot image",
        Use::Image,
        Probe::Program(image::MAKERS),
        [&["grub-common"], &["grub2-tools-extra"], &["grub"]],
    ),
    requirement(
        "GRUB for BIOS",
        "starts the image from a BIOS",
        Use::Image,
        Probe::File(&["/usr/lib/grub/i386-pc/multiboot2.mod"]),
        [&["grub-pc-bin"], &["grub2-pc-modules"], &["grub"]],
    ),
    requirement(
        "GRUB for UEFI",
        "starts the image from UEFI",
        Use::Image,
        Probe::File(&["/usr/lib/grub/x86_64-efi/multiboot2.mod"]),
        [&["grub-efi-amd64-bin"], &["grub2-efi-x64-modules"], &["grub"]],
    ),
    requirement(
        "xorriso",
        "writes the ISO 9660 file system of the boot image",
        Use::Image,
        Probe::Program(&["xorriso"]),
        [&["xorriso"], &["xorriso"], &["libisoburn"]],
    ),
    requirement(
        "mtools",
        "writes the UEFI partition of the boot image",
        Use::Image,
        Probe::Program(&["mformat"]),
        [&["mtools"], &["mtools"], &["mtools"]],
    ),
    requirement(
        "setpriv",
        "ends the emulator when xtask dies",
        Use::Build,
        Probe::Program(&["setpriv"]),
        [&["util-linux"], &["util-linux"], &["util-linux"]],
    ),
    requirement(
        "Bochs",
        "the machine to run on: emulates VMX on any host",
        Use::Bochs,
        Probe::Program(&["bochs"]),
        [&["bochs", "bochs-term"], &["bochs"], &["bochs"]],
    ),
    requirement(
        "Bochs BIOS",
        "the firmware of that machine",
        Use::Bochs,
        Probe::File(bochs::BIOS),
        [&["bochsbios"], &["bochs-bios"], &["bochs"]],
    ),
    requirement(
        "Bochs VGA BIOS",
        "the firmware of its graphics card, which the BIOS insists on",
        Use::Bochs,
        Probe::File(bochs::VGA_BIOS),
        [&["vgabios"], &["bochs-bios"], &["bochs"]],
    ),
    requirement(
        "QEMU",
        "the machine where KVM offers nested VMX; without VMX, for kernels on the bare machine",
        Use::Qemu,
        Probe::Program(&["qemu-system-x86_64"]),
        [&["qemu-system-x86"], &["qemu-system-x86"], &["qemu-system-x86"]],
    ),
    requirement(
        "UEFI firmware",
        "tests of the boot through UEFI, in QEMU",
        Use::Uefi,
        Probe::File(qemu::UEFI),
        [&["ovmf"], &["edk2-ovmf"], &["edk2-ovmf"]],
    ),
    requirement(
        "e2fsprogs",
        "makes, reads and checks the file systems of disks in tests",
        Use::FileSystem,
        Probe::Program(&["mke2fs"]),
        [&["e2fsprogs"], &["e2fsprogs"], &["e2fsprogs"]],
    ),
    requirement(
        "Xen's headers",
        "the ABI is compared with them",
        Use::Abi,
        Probe::File(&["/usr/include/xen/xen.h"]),
        [&["libxen-dev"], &["xen-devel"], &["xen"]],
    ),
    requirement(
        "C++ compiler",
        "compiles libFuzzer, which looks for inputs that go wrong; without it that is skipped",
        Use::Fuzz,
        Probe::Program(&["c++"]),
        [&["g++"], &["gcc-c++"], &["gcc"]],
    ),
];
