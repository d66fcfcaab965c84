//! Files that the user names, looked at before anything long begins.
//!
//! Whether a guest is a kernel at all is the hypervisor's to say; here it must be there, readable,
//! not empty, and small enough for the memory it is given.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::cli::GuestOptions;
use crate::image;
use crate::machine;
use crate::size::Size;

/// Memory of a guest unless told; the hypervisor's own default.
pub(crate) const DEFAULT_MEMORY: Size = Size::from_mib(128);

/// The least and the most memory that a guest can be given.
const MEMORY_LIMITS: [Size; 2] = [Size::from_mib(1), Size::from_mib(64 << 10)];

/// Looks at everything that the user asked for.
///
/// # Errors
/// A file cannot be used, or a size makes no sense.
pub(crate) fn check(options: &GuestOptions) -> Result<()> {
    let memory = options.memory.unwrap_or(DEFAULT_MEMORY);
    let [least, most] = MEMORY_LIMITS;
    ensure!(
        (least..=most).contains(&memory),
        "a guest gets {least} to {most} of memory, not {memory}"
    );
    image::check_command_line(&options.append)?;
    image::check_command_line(&options.hypervisor_args)?;
    for (what, path) in [("guest", &options.guest), ("ramdisk", &options.ramdisk)] {
        if let Some(path) = path {
            check_file(what, path, memory)?;
        }
    }
    disk_size(options).map(drop)
}

/// Looks at one file.
fn check_file(what: &str, path: &Path, memory: Size) -> Result<()> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("cannot read the {what} {name}"))?;
    let metadata = file.metadata().with_context(|| format!("cannot look at the {what} {name}"))?;
    ensure!(metadata.is_file(), "the {what} {name} is no file");
    let bytes = metadata.len();
    ensure!(bytes > 0, "the {what} {name} is empty");
    if what == "ramdisk" {
        ensure!(
            bytes < memory.bytes(),
            "the {what} {name} of {bytes} bytes does not fit into {memory} of memory"
        );
    }
    Ok(())
}

/// The size of the disk, if there is one.
fn disk_size(options: &GuestOptions) -> Result<Option<Size>> {
    options.disk.disk().map(|disk| disk.size()).transpose()
}

/// Memory of the machine that the user's guest gets.
///
/// # Errors
/// The disk's file cannot be a disk.
pub(crate) fn machine_memory(options: &GuestOptions) -> Result<Size> {
    let guest = options.memory.unwrap_or(DEFAULT_MEMORY);
    Ok(machine::memory_for(guest, disk_size(options)?))
}

/// Options of the hypervisor: those given, and the memory if it was given.
pub(crate) fn hypervisor_options(memory: Option<Size>, others: &str) -> String {
    let memory = memory.map(|memory| format!("memory={memory}"));
    let others = Some(others.trim().to_owned()).filter(|others| !others.is_empty());
    memory.into_iter().chain(others).collect::<Vec<_>>().join(" ")
}

/// The guest that the user named, as an absolute path.
///
/// # Errors
/// The current directory is gone.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::DiskOptions;
    use std::fs;

    /// Options that name this guest and ramdisk.
    fn options(guest: Option<&Path>, ramdisk: Option<&Path>, memory: Option<&str>) -> GuestOptions {
        GuestOptions {
            guest: guest.map(Path::to_owned),
            ramdisk: ramdisk.map(Path::to_owned),
            append: String::new(),
            memory: memory.map(|memory| memory.parse().unwrap()),
            disk: DiskOptions::default(),
            bare: false,
            hypervisor_args: String::new(),
        }
    }

    /// The message of a refusal.
    fn refusal(options: &GuestOptions) -> String {
        format!("{:#}", check(options).unwrap_err())
    }

    #[test]
    fn files_must_be_there_and_hold_something() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        let empty = directory.path().join("empty");
        let full = directory.path().join("full");
        fs::write(&empty, "").unwrap();
        fs::write(&full, "content").unwrap();
        assert!(refusal(&options(Some(&missing), None, None)).contains("cannot read the guest"));
        assert!(refusal(&options(None, Some(&missing), None)).contains("cannot read the ramdisk"));
        assert!(refusal(&options(Some(directory.path()), None, None)).contains("is no file"));
        assert!(refusal(&options(None, Some(&empty), None)).contains("is empty"));
        assert!(check(&options(Some(&full), Some(&full), Some("1M"))).is_ok());
    }

    #[test]
    fn a_ramdisk_larger_than_memory_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(64 << 20).unwrap();
        assert!(refusal(&options(None, Some(file.path()), Some("64M"))).contains("does not fit"));
        assert!(check(&options(None, Some(file.path()), Some("65M"))).is_ok());
    }

    #[test]
    fn memory_must_make_sense() {
        for memory in ["0", "1023K", "65G"] {
            assert!(
                refusal(&options(None, None, Some(memory))).contains("a guest gets"),
                "{memory}"
            );
        }
    }

    #[test]
    fn a_command_line_that_cannot_be_passed_on_is_refused() {
        let mut options = options(None, None, None);
        options.append = "init=\"a b\"".to_owned();
        assert!(refusal(&options).contains("GRUB cannot pass"));
        options.append.clear();
        assert!(check(&options).is_ok());
    }

    #[test]
    fn options_are_joined() {
        assert_eq!(hypervisor_options(None, ""), "");
        assert_eq!(hypervisor_options(Some(Size::from_mib(64)), " "), "memory=64M");
        assert_eq!(hypervisor_options(Some(Size::from_mib(64)), "log=off"), "memory=64M log=off");
        assert_eq!(hypervisor_options(None, "log=off"), "log=off");
    }
}
