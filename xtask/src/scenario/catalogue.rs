//! The scenarios there are: the directories of `tests/src/bin` that hold a `scenario.toml`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::spec::{Guest, Kind, Spec};

/// Where they are, below the workspace.
const DIRECTORY: &str = "tests/src/bin";

/// A scenario.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// Its directory's name, which is that of its program too.
    pub(crate) name: String,
    /// Its directory.
    pub(crate) directory: PathBuf,
    /// Its description.
    pub(crate) spec: Spec,
}

/// All programs of one kind, by name.
///
/// # Errors
/// A description cannot be read or does not fit its directory.
pub(crate) fn all(workspace: &Path, kind: Kind) -> Result<Vec<Scenario>> {
    let directory = workspace.join(DIRECTORY);
    let entries =
        fs::read_dir(&directory).with_context(|| format!("cannot list {}", directory.display()))?;
    let mut scenarios = Vec::new();
    for entry in entries {
        let path = entry.context("cannot list the scenarios")?.path();
        if path.is_dir() {
            let scenario = read(path)?;
            if scenario.spec.kind == kind {
                scenarios.push(scenario);
            }
        }
    }
    scenarios.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(scenarios)
}

/// Reads the scenario of one directory.
fn read(directory: PathBuf) -> Result<Scenario> {
    let file = directory.join("scenario.toml");
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let spec: Spec = toml::from_str(&text).with_context(|| format!("in {}", file.display()))?;
    let name = directory.file_name().and_then(|name| name.to_str());
    let name =
        name.with_context(|| format!("{} has no usable name", directory.display()))?.to_owned();
    let scenario = Scenario { name, directory, spec };
    scenario.check().with_context(|| format!("in {}", file.display()))?;
    Ok(scenario)
}

impl Scenario {
    /// The program to build for it: its own, or that of the scenario it names.
    pub(crate) fn program(&self) -> Option<&str> {
        let is_booted = self.spec.image.guest == Guest::Own;
        is_booted.then(|| self.spec.bin.as_deref().unwrap_or(&self.name))
    }

    /// Refuses what cannot mean anything.
    fn check(&self) -> Result<()> {
        let image = &self.spec.image;
        let has_source = |directory: &Path| directory.join("main.rs").exists();
        if has_source(&self.directory) && (self.spec.bin.is_some() || image.guest != Guest::Own) {
            bail!("there is a main.rs, which `bin` or `image.guest` keeps out of the image");
        }
        if let Some(program) = self.program()
            && !has_source(&self.directory.with_file_name(program))
        {
            bail!(
                "there is no {program}/main.rs, so `bin` or `image.guest` must say what is booted"
            );
        }
        if !image.patch.is_empty() && !matches!(image.guest, Guest::Own | Guest::PairedKernel) {
            bail!("`image.patch` needs a guest to patch");
        }
        let is_bare = self.spec.is_bare();
        if self.spec.machine().boots_directly() && self.spec.ramdisk.is_some() && !is_bare {
            bail!("without a boot loader there is no ramdisk beside the guest");
        }
        if self.spec.disk.is_some() && (is_bare || self.spec.machine().boots_directly()) {
            bail!("a disk needs the hypervisor, and a boot loader that puts it into memory");
        }
        if self.spec.disk_read_only && self.spec.disk.is_none() {
            bail!("there is no disk that could be read-only");
        }
        if self.spec.disk_results && !(self.spec.is_linux() && self.spec.has_file_system()) {
            bail!("only the workload of Linux says something of a disk with a file system");
        }
        if is_bare && !(self.spec.hypervisor.is_empty() && self.spec.log.is_empty()) {
            bail!("a bare kernel has no hypervisor that takes options or writes a log");
        }
        if self.spec.is_linux() && (is_bare || self.spec.ramdisk.is_some()) {
            bail!("Linux has the initramfs of `xtask linux`, and runs under the hypervisor");
        }
        if self.spec.natively && !self.spec.is_linux() {
            bail!("only the workload of Linux can run natively");
        }
        if is_bare && image.guest == Guest::None {
            bail!("without a guest there is no bare kernel");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace with one scenario; `program` if it has a main.rs.
    fn workspace(description: &str, program: Option<&str>) -> tempfile::TempDir {
        let workspace = tempfile::tempdir().unwrap();
        let directory = workspace.path().join(DIRECTORY).join("one");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("scenario.toml"), description).unwrap();
        if let Some(program) = program {
            fs::write(directory.join("main.rs"), program).unwrap();
        }
        workspace
    }

    #[test]
    fn scenarios_are_found_by_kind() {
        let found = workspace("kind = \"bench\"", Some(""));
        assert_eq!(all(found.path(), Kind::Bench).unwrap()[0].name, "one");
        assert!(all(found.path(), Kind::Scenario).unwrap().is_empty());
    }

    #[test]
    fn a_scenario_may_boot_the_program_of_another() {
        let found = workspace("", Some(""));
        let other = found.path().join(DIRECTORY).join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("scenario.toml"), "bin = \"one\"").unwrap();
        let scenarios = all(found.path(), Kind::Scenario).unwrap();
        let programs: Vec<_> = scenarios.iter().map(Scenario::program).collect();
        assert_eq!(programs, [Some("one"), Some("one")]);
    }

    #[test]
    fn what_cannot_mean_anything_is_refused() {
        for (description, program) in [
            ("", None),
            ("bin = \"two\"", None),
            ("bin = \"one\"", Some("")),
            ("image = { guest = \"text\" }", Some("")),
            ("image = { guest = \"text\", patch = [{ do = \"elf32\" }] }", None),
            ("machine = \"qemu-tcg\"\nramdisk = \"pattern:1\"", Some("")),
            ("machine = \"qemu-tcg\"\ndisk = \"pattern:1\"", Some("")),
            ("machine = \"bochs\"\nenvironment = \"bare\"\ndisk = \"pattern:1\"", Some("")),
            ("disk_read_only = true", Some("")),
            ("disk = \"ext4:1M\"\ndisk_results = true", Some("")),
            ("image = { guest = \"linux\" }\ndisk = \"pattern:1M\"\ndisk_results = true", None),
            ("environment = \"bare\"\nhypervisor = \"log=debug\"", Some("")),
            ("environment = \"bare\"\nlog = [\"x\"]", Some("")),
            ("environment = \"bare\"\nimage = { guest = \"none\" }", None),
            ("image = { guest = \"linux\" }\nramdisk = \"programs\"", None),
            ("image = { guest = \"linux\" }\nenvironment = \"bare\"", None),
            ("natively = true", Some("")),
            ("unknown = 1", Some("")),
        ] {
            let found = workspace(description, program);
            assert!(all(found.path(), Kind::Scenario).is_err(), "{description}");
        }
    }

    #[test]
    fn a_directory_without_a_description_is_refused() {
        let found = workspace("", Some(""));
        fs::create_dir(found.path().join(DIRECTORY).join("two")).unwrap();
        let error = format!("{:#}", all(found.path(), Kind::Scenario).unwrap_err());
        assert!(error.contains("two/scenario.toml"), "{error}");
    }
}
