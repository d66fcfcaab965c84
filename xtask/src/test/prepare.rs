//! From a scenario's description to a machine that is ready to start.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::build;
use crate::disk::{Access, Disk};
use crate::grub::Grub;
use crate::guest_file::{self, hypervisor_options};
use crate::image::{self, Contents};
use crate::machine::{self, Boot, Pace, Setup};
use crate::scenario::catalogue::Scenario;
use crate::scenario::spec::{Guest, Spec};
use crate::scenario::{disk, elf_patch, ramdisk};
use crate::size::Size;
use crate::symbols::Images;

use super::linux::Linux;

/// The names of what is written for a scenario.
const STAGING: &str = "iso";
const IMAGE: &str = "image.iso";
const GUEST: &str = "guest";
const RAMDISK: &str = "ramdisk";
const DISK: &str = "disk";

/// The programs of a test run, stripped.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// The hypervisor.
    pub(crate) hypervisor: PathBuf,
    /// The paired kernel, if a scenario boots it.
    pub(crate) paired_kernel: Option<PathBuf>,
    /// The ramdisk with the paired kernel's programs, if a scenario has it.
    pub(crate) ramdisk: Option<PathBuf>,
    /// GRUB's files, if a scenario boots it.
    pub(crate) grub: Option<Grub>,
    /// The directory that holds the scenarios'.
    pub(crate) directory: PathBuf,
    /// The directories that hold them with their debugging information: the scenarios' is the second.
    pub(crate) symbols: [PathBuf; 2],
    /// Linux, if a scenario boots it.
    pub(crate) linux: Option<Linux>,
}

impl Programs {
    /// Linux, which must have been prepared.
    fn linux(&self) -> Result<&Linux> {
        self.linux.as_ref().context("Linux was not prepared")
    }

    /// What names the addresses that a scenario prints.
    pub(crate) fn images(&self, scenario: &Scenario) -> Images {
        let [ours, scenarios] = &self.symbols;
        let guest = match scenario.spec.image.guest {
            Guest::PairedKernel => Some(ours.join(build::PAIRED_NAME)),
            _ => scenario.program().map(|name| scenarios.join(name)),
        };
        Images { hypervisor: Some(ours.join(build::HYPERVISOR_NAME)), guest }
    }
}

/// Writes the scenario's files to `directory` and describes its machine.
///
/// # Errors
/// A file cannot be read, written or patched, or the image not be made.
pub(crate) fn prepare(scenario: &Scenario, programs: &Programs, directory: &Path) -> Result<Setup> {
    let spec = &scenario.spec;
    let disk = disk(scenario, directory)?;
    let contents = Contents {
        hypervisor: (!spec.is_bare()).then(|| programs.hypervisor.clone()),
        guest: guest(scenario, programs, directory)?,
        ramdisk: ramdisk(scenario, programs, directory)?,
        disk: disk.clone(),
        options: hypervisor_options(spec.memory, &spec.hypervisor),
        append: spec.append.clone(),
    };
    let boot = if spec.machine().boots_directly() {
        Boot::direct(contents)?
    } else {
        let iso = directory.join(IMAGE);
        image::write(&contents, &directory.join(STAGING), &iso)?;
        Boot::Iso(iso)
    };
    // Firmware waits for so long that counting instructions takes minutes.
    let is_exact = spec.is_bare() && spec.machine().boots_directly();
    let pace = match spec.image.guest {
        Guest::Linux | Guest::GrubLinux => Pace::Brisk,
        _ if is_exact => Pace::Instructions,
        _ => Pace::Usual,
    };
    let disk_size = disk.as_ref().map(Disk::size).transpose()?;
    let memory = machine_memory(spec, disk_size);
    Ok(Setup { boot, memory, cpu: spec.cpu.clone(), pace })
}

/// Removes what `prepare` wrote; it is large.
///
/// # Errors
/// Something of it cannot be removed.
pub(crate) fn discard(directory: &Path) -> Result<()> {
    let staging = directory.join(STAGING);
    if staging.exists() {
        fs::remove_dir_all(&staging)
            .with_context(|| format!("cannot remove {}", staging.display()))?;
    }
    for path in [IMAGE, GUEST, RAMDISK, DISK].map(|name| directory.join(name)) {
        if path.exists() {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// The guest's file, damaged as described; nothing if the image has none.
fn guest(scenario: &Scenario, programs: &Programs, directory: &Path) -> Result<Option<PathBuf>> {
    let image = &scenario.spec.image;
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let mut bytes = match image.guest {
        Guest::None => return Ok(None),
        Guest::Own => read(
            &programs.directory.join(scenario.program().context("the scenario has no program")?),
        )?,
        Guest::PairedKernel => {
            read(programs.paired_kernel.as_ref().context("no paired kernel was built")?)?
        }
        Guest::Grub => read(&grub(programs)?.image())?,
        Guest::GrubStandalone => {
            let output = directory.join(GUEST);
            grub(programs)?.make_standalone(&scenario.directory.join("grub.cfg"), &[], &output)?;
            return Ok(Some(output));
        }
        Guest::GrubLinux => {
            let (output, linux) = (directory.join(GUEST), programs.linux()?);
            let files = [("vmlinux", &*linux.kernel), ("initramfs", &*linux.ramdisk)];
            let configuration = scenario.directory.join("grub.cfg");
            grub(programs)?.make_standalone(&configuration, &files, &output)?;
            return Ok(Some(output));
        }
        Guest::Linux => return programs.linux().map(|linux| Some(linux.kernel.clone())),
        Guest::Text => b"This is no kernel.\n".to_vec(),
        Guest::Empty => Vec::new(),
    };
    elf_patch::apply(&mut bytes, &image.patch)?;
    write(directory.join(GUEST), &bytes).map(Some)
}

/// GRUB, which must have been obtained.
fn grub(programs: &Programs) -> Result<&Grub> {
    programs.grub.as_ref().context("GRUB was not obtained")
}

/// The ramdisk's file, if there is one.
fn ramdisk(scenario: &Scenario, programs: &Programs, directory: &Path) -> Result<Option<PathBuf>> {
    if scenario.spec.image.guest == Guest::Linux {
        return programs.linux().map(|linux| Some(linux.ramdisk.clone()));
    }
    let Some(description) = &scenario.spec.ramdisk else { return Ok(None) };
    if description == ramdisk::PROGRAMS {
        return programs.ramdisk.clone().context("the programs were not built").map(Some);
    }
    let bytes = ramdisk::bytes(description, &scenario.directory)?;
    write(directory.join(RAMDISK), &bytes).map(Some)
}

/// The disk that was made for a scenario in `directory`, if it has one.
pub(crate) fn disk_in(directory: &Path, spec: &Spec) -> Option<Disk> {
    let access = if spec.disk_read_only { Access::ReadOnly } else { Access::ReadWrite };
    spec.disk.as_ref().map(|_| Disk { path: directory.join(DISK), access })
}

/// Makes the disk, if there is one.
fn disk(scenario: &Scenario, directory: &Path) -> Result<Option<Disk>> {
    let disk = disk_in(directory, &scenario.spec);
    if let (Some(description), Some(disk)) = (&scenario.spec.disk, &disk) {
        disk::make(description, &scenario.directory, &disk.path)?;
    }
    Ok(disk)
}

/// Writes a file and returns where it is.
fn write(path: PathBuf, bytes: &[u8]) -> Result<PathBuf> {
    fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// The machine's memory: as described, or what a bare kernel has, or enough for the guest.
fn machine_memory(spec: &Spec, disk: Option<Size>) -> Size {
    let guest = spec.memory.unwrap_or(guest_file::DEFAULT_MEMORY);
    let usual = if spec.is_bare() { guest } else { machine::memory_for(guest, disk) };
    spec.machine_memory.unwrap_or(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Programs that are text.
    fn programs(directory: &Path) -> Programs {
        fs::write(directory.join("x"), "own").unwrap();
        fs::write(directory.join("kernel"), "paired").unwrap();
        Programs {
            hypervisor: "/h".into(),
            paired_kernel: Some(directory.join("kernel")),
            ramdisk: Some("/r".into()),
            grub: None,
            directory: directory.into(),
            symbols: [directory.into(), directory.into()],
            linux: None,
        }
    }

    /// A scenario of this description.
    fn scenario(description: &str) -> Scenario {
        Scenario {
            name: "x".into(),
            directory: "/".into(),
            spec: toml::from_str(description).unwrap(),
        }
    }

    #[test]
    fn the_guest_is_what_the_description_says() {
        let directory = tempfile::tempdir().unwrap();
        let programs = programs(directory.path());
        for (description, content) in [
            ("", Some("own")),
            ("image = { guest = \"paired-kernel\" }", Some("paired")),
            ("image = { guest = \"text\" }", Some("This is no kernel.\n")),
            ("image = { guest = \"empty\" }", Some("")),
            ("image = { guest = \"none\" }", None),
            ("image = { patch = [{ do = \"truncate\", bytes = 1 }] }", Some("o")),
        ] {
            let path = guest(&scenario(description), &programs, directory.path()).unwrap();
            let found = path.map(|path| fs::read_to_string(path).unwrap());
            assert_eq!(found.as_deref(), content, "{description}");
        }
    }

    #[test]
    fn the_ramdisk_of_programs_is_shared() {
        let directory = tempfile::tempdir().unwrap();
        let programs = programs(directory.path());
        let scenario = scenario("ramdisk = \"programs\"");
        let path = ramdisk(&scenario, &programs, directory.path()).unwrap();
        assert_eq!(path, programs.ramdisk);
    }

    #[test]
    fn a_direct_boot_has_both_command_lines_in_one() {
        let directory = tempfile::tempdir().unwrap();
        let programs = programs(directory.path());
        let description =
            "machine = \"qemu-tcg\"\nmemory = \"64M\"\nhypervisor = \"log=off\"\nappend = \"a b\"";
        let setup = prepare(&scenario(description), &programs, directory.path()).unwrap();
        let Boot::Direct { command_line, .. } = setup.boot else { panic!("{:?}", setup.boot) };
        assert_eq!(command_line, "memory=64M log=off -- a b");
    }

    #[test]
    fn a_bare_kernel_is_booted_alone() {
        let directory = tempfile::tempdir().unwrap();
        let programs = programs(directory.path());
        let description = "environment = \"bare\"\nappend = \"a b\"\nramdisk = \"pattern:1\"";
        let setup = prepare(&scenario(description), &programs, directory.path()).unwrap();
        let Boot::Direct { kernel, module, command_line } = setup.boot else {
            panic!("{:?}", setup.boot)
        };
        assert_eq!(fs::read_to_string(kernel).unwrap(), "own");
        assert_eq!(fs::read(module.unwrap()).unwrap().len(), 1);
        assert_eq!((command_line.as_str(), setup.pace), ("a b", Pace::Instructions));
    }

    #[test]
    fn the_machine_has_room_for_the_guest_unless_told() {
        let of = |text| machine_memory(&toml::from_str(text).unwrap(), None).mib();
        assert_eq!(of(""), 512);
        assert_eq!(of("memory = \"1G\""), 1152);
        assert_eq!(of("memory = \"1G\"\nmachine_memory = \"256M\""), 256);
        assert_eq!(of("environment = \"bare\""), 128);
    }
}
