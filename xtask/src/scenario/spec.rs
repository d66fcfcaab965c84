//! `scenario.toml`: what a scenario needs, and what must come of it.
//!
//! Every key is optional; an unknown key is an error, so that a misspelt check cannot pass unseen.

use serde::Deserialize;

use crate::end::End;
use crate::machine::Machine;
use crate::size::Size;

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
    /// Memory of the guest.
    pub(crate) memory: Option<Size>,
    /// Memory of the machine; enough for the guest unless told.
    pub(crate) machine_memory: Option<Size>,
    /// Command line of the guest.
    pub(crate) append: String,
    /// A file beside the description, or `pattern:SIZE`.
    pub(crate) ramdisk: Option<String>,
    /// Options of the hypervisor.
    pub(crate) hypervisor: String,
    /// Seconds until the run is ended from outside.
    pub(crate) timeout: u64,
    /// The emulator's CPU model.
    pub(crate) cpu: Option<String>,
    /// The machine it runs on.
    pub(crate) machine: Machine,
    /// Lines of the guest that must appear in this order, each given by a part of it.
    pub(crate) console: Vec<String>,
    /// The same for the hypervisor's log.
    pub(crate) log: Vec<String>,
    /// What must appear nowhere.
    pub(crate) absent: Vec<String>,
    /// The least number of checks that a guest which reports `pass` must have run.
    pub(crate) min_checks: u32,
    /// What the image holds in place of the scenario's own guest.
    pub(crate) image: Image,
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
            memory: None,
            machine_memory: None,
            append: String::new(),
            ramdisk: None,
            hypervisor: String::new(),
            timeout: 20,
            cpu: None,
            machine: Machine::Bochs,
            console: Vec::new(),
            log: Vec::new(),
            absent: Vec::new(),
            min_checks: 1,
            image: Image::default(),
            input: Vec::new(),
        }
    }
}

/// Whether a program under `tests/` is a test.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// It is run and judged by `xtask test`.
    Scenario,
    /// It measures, for `xtask bench`.
    Bench,
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
    /// The image has no guest.
    None,
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
mod tests {
    use super::*;

    #[test]
    fn an_empty_description_means_pass_and_poweroff() {
        let spec: Spec = toml::from_str("").unwrap();
        assert_eq!((spec.verdict, spec.end), (Expected::Pass, End::Poweroff));
        assert_eq!((spec.kind, spec.machine), (Kind::Scenario, Machine::Bochs));
        assert_eq!((spec.timeout, spec.min_checks), (20, 1));
        assert_eq!(spec.image.guest, Guest::Own);
    }

    #[test]
    fn every_key_is_read() {
        let spec: Spec = toml::from_str(
            r#"
            description = "d"
            kind = "bench"
            bin = "other"
            verdict = "none"
            end = "boot-error"
            memory = "64M"
            machine_memory = "256M"
            append = "a b"
            ramdisk = "pattern:4096"
            hypervisor = "log=debug"
            timeout = 5
            cpu = "tigerlake"
            machine = "qemu-tcg"
            console = ["one", "two"]
            log = ["three"]
            absent = ["panic"]
            min_checks = 7
            image = { guest = "paired-kernel", patch = [
                { do = "elf32" }, { do = "machine", number = 183 }, { do = "drop-notes" },
                { do = "drop-note", note = 1 }, { do = "set-note", note = 3, value = 0x10 },
                { do = "segment", index = 1, paddr = 0x1000, memsz = 1 }, { do = "overlap" },
                { do = "truncate", bytes = 10 },
            ] }
            input = [{ after = ">", send = "help\n" }]
            "#,
        )
        .unwrap();
        assert_eq!(
            (spec.kind, spec.verdict, spec.end),
            (Kind::Bench, Expected::None, End::BootError)
        );
        assert_eq!(
            (spec.memory, spec.machine_memory),
            (Some(Size::from_mib(64)), Some(Size::from_mib(256)))
        );
        assert_eq!((spec.machine, spec.timeout, spec.min_checks), (Machine::QemuTcg, 5, 7));
        assert_eq!((spec.console.len(), spec.log.len(), spec.absent.len()), (2, 1, 1));
        assert_eq!(spec.image.patch.len(), 8);
        assert_eq!(spec.input, [Typing { after: ">".into(), send: "help\n".into() }]);
        assert_eq!((spec.cpu.as_deref(), spec.bin.as_deref()), (Some("tigerlake"), Some("other")));
        assert_eq!((spec.append.as_str(), spec.hypervisor.as_str()), ("a b", "log=debug"));
        assert_eq!(
            (spec.ramdisk.as_deref(), spec.description.as_str()),
            (Some("pattern:4096"), "d")
        );
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        for text in [
            "verdcit = \"pass\"",
            "verdict = \"passed\"",
            "end = \"halt\"",
            "memory = \"64MB\"",
            "machine = \"qemu\"",
            "timeout = -1",
            "image = { guest = \"nothing\" }",
            "image = { patch = [{ do = \"elf33\" }] }",
            "input = [{ send = \"x\" }]",
        ] {
            assert!(toml::from_str::<Spec>(text).is_err(), "{text}");
        }
    }
}
