//! `scenario.toml`: what a scenario needs, and what must come of it.
//!
//! Every key is optional; an unknown key is an error, so that a misspelt check cannot pass unseen.

use serde::Deserialize;

use crate::end::End;
use crate::machine::Machine;
use crate::size::Size;

use super::disk;

/// A scenario's description.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", default)]
pub(crate) struct Spec {
    /// What is tested and why it could go wrong, in a sentence.
    pub(crate) description: String,
    /// Whether it is a test at all.
    pub(crate) kind: Kind,
    /// The scenario whose program is booted, if not its own.
    pub(crate) bin: Option<String>,
    /// What the guest must report.
    pub(crate) verdict: Expected,
    /// How the run must end.
    pub(crate) end: End,
    /// Other ends that will do as well, where it depends on how the compiler lays out code.
    pub(crate) or_end: Vec<End>,
    /// Memory of the guest.
    pub(crate) memory: Option<Size>,
    /// Memory of the machine; enough for the guest unless told.
    pub(crate) machine_memory: Option<Size>,
    /// Command line of the guest.
    pub(crate) append: String,
    /// A file beside the description, `pattern:SIZE`, or `programs`: those of the paired kernel.
    pub(crate) ramdisk: Option<String>,
    /// The guest's disk: as a ramdisk, or `ext4:SIZE`, or `ext4:SIZE+SIZE` with room behind it.
    pub(crate) disk: Option<String>,
    /// The guest cannot write its disk.
    pub(crate) disk_read_only: bool,
    /// What the workload of Linux says of its disk must be in the disk's file afterwards, and the file
    /// system in order.
    pub(crate) disk_results: bool,
    /// Options of the hypervisor.
    pub(crate) hypervisor: String,
    /// Seconds until the run is ended from outside.
    pub(crate) timeout: u64,
    /// The emulator's CPU model.
    pub(crate) cpu: Option<String>,
    /// What its kernel runs on.
    pub(crate) environment: Environment,
    /// The machine, if not the usual one.
    machine: Option<Machine>,
    /// Lines of the guest that must appear in this order, each given by a part of it.
    pub(crate) console: Vec<String>,
    /// The same for the hypervisor's log.
    pub(crate) log: Vec<String>,
    /// The same for the list of its trace, which is made if there is any.
    pub(crate) trace: Vec<String>,
    /// What must appear nowhere.
    pub(crate) absent: Vec<String>,
    /// The least number of checks that a guest which reports `pass` must have run.
    pub(crate) min_checks: u32,
    /// What the image holds in place of the scenario's own guest.
    pub(crate) image: Image,
    /// Linux runs the workload, and its results must be those of the same program on the host.
    pub(crate) natively: bool,
    /// What is typed on the console, and when.
    pub(crate) input: Vec<Typing>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            description: String::new(),
            kind: Kind::Scenario,
            bin: None,
            verdict: Expected::Pass,
            end: End::Poweroff,
            or_end: Vec::new(),
            memory: None,
            machine_memory: None,
            append: String::new(),
            ramdisk: None,
            disk: None,
            disk_read_only: false,
            disk_results: false,
            hypervisor: String::new(),
            timeout: 20,
            cpu: None,
            environment: Environment::Xenolith,
            machine: None,
            console: Vec::new(),
            log: Vec::new(),
            trace: Vec::new(),
            absent: Vec::new(),
            min_checks: 1,
            image: Image::default(),
            natively: false,
            input: Vec::new(),
        }
    }
}

impl Spec {
    /// The machine it runs on: unless told, Bochs with the hypervisor, which needs VMX, and QEMU
    /// without.
    pub(crate) fn machine(&self) -> Machine {
        self.machine.unwrap_or(match self.environment {
            Environment::Xenolith => Machine::Bochs,
            Environment::Bare => Machine::QemuTcg,
        })
    }

    /// Whether it boots GRUB, for which packages have to be fetched.
    pub(crate) fn is_grub(&self) -> bool {
        matches!(self.image.guest, Guest::Grub | Guest::GrubStandalone | Guest::GrubLinux)
    }

    /// Whether it boots Linux, for which packages have to be fetched.
    pub(crate) fn is_linux(&self) -> bool {
        matches!(self.image.guest, Guest::Linux | Guest::GrubLinux)
    }

    /// Whether its disk has a file system, for which there are programs.
    pub(crate) fn has_file_system(&self) -> bool {
        self.disk.as_deref().is_some_and(disk::has_file_system)
    }

    /// Whether its kernel runs without the hypervisor.
    pub(crate) fn is_bare(&self) -> bool {
        self.environment == Environment::Bare
    }
}

/// What a scenario's kernel runs on.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Environment {
    /// The hypervisor.
    Xenolith,
    /// The machine itself.
    Bare,
}

/// Whether a program under `tests/` is a test.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// It is run and judged by `xtask test`.
    Scenario,
    /// It measures, for `xtask bench`.
    Bench,
    /// It measures Linux, for `xtask bench linux`.
    Linux,
    /// It measures how long events wait, for `xtask bench --latency`.
    Latency,
}

/// What a guest must have reported.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Expected {
    /// Every check held.
    Pass,
    /// A check failed; for scenarios that test the checker.
    Fail,
    /// The scenario could not run its checks.
    Error,
    /// The machine lacks what the scenario needs.
    Skip,
    /// Nothing: the run ends before the guest can report.
    None,
}

/// What the image holds.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "snake_case", default)]
pub(crate) struct Image {
    /// The guest kernel.
    pub(crate) guest: Guest,
    /// Damage done to the guest's file, in this order.
    pub(crate) patch: Vec<Patch>,
}

/// Where the guest kernel of an image comes from.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Guest {
    /// The scenario's own program.
    #[default]
    Own,
    /// The paired kernel.
    PairedKernel,
    /// GRUB's image for Xen, from Debian's package.
    Grub,
    /// GRUB for Xen with the `grub.cfg` beside the description.
    GrubStandalone,
    /// GRUB for Xen with the `grub.cfg` beside the description, Linux and its initramfs.
    GrubLinux,
    /// The image has no guest.
    None,
    /// Debian's Linux, with the initramfs of `xtask linux`.
    Linux,
    /// A file of text.
    Text,
    /// A file of no bytes.
    Empty,
}

/// One piece of damage to an ELF file.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "do")]
pub(crate) enum Patch {
    /// The file says that it is of 32 bits.
    Elf32,
    /// The file is for another kind of machine.
    Machine {
        /// The ELF machine number.
        number: u16,
    },
    /// No program header leads to the notes any more.
    DropNotes,
    /// No section header leads to the notes any more.
    DropNoteSections,
    /// Xen's note of one type is no longer Xen's.
    DropNote {
        /// The note's type.
        note: u32,
    },
    /// Xen's note of one type says another number.
    SetNote {
        /// The note's type.
        note: u32,
        /// The number.
        value: u64,
    },
    /// A loadable segment lies elsewhere or has another size.
    Segment {
        /// Which of the loadable segments.
        index: usize,
        /// Its physical address.
        paddr: Option<u64>,
        /// Its bytes in the file.
        filesz: Option<u64>,
        /// Its bytes in memory.
        memsz: Option<u64>,
    },
    /// The second loadable segment lies where the first one does.
    Overlap,
    /// The file ends early.
    Truncate {
        /// Its length.
        bytes: usize,
    },
}

/// Something typed on the console.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Typing {
    /// Once this has appeared, after what the previous entry waited for.
    pub(crate) after: String,
    /// This is typed.
    pub(crate) send: String,
}

#[cfg(test)]
mod tests;
