//! What the modules are for that a loader puts beside the hypervisor.
//!
//! The first is the guest kernel, whatever its command line. Of the others a disk has a command
//! line that begins with the word `disk`, alone or before `ro`; the one without it is the ramdisk.

use crate::block::SECTOR_BYTES;
use core::fmt;

/// The word with which the command line of a disk begins.
pub const DISK: &str = "disk";
/// The word behind it for a disk that must not be written.
pub const READ_ONLY: &str = "ro";

/// What a module is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// The guest kernel.
    Kernel,
    /// Its ramdisk.
    Ramdisk,
    /// The contents of its disk.
    Disk {
        /// Whether they must not change.
        read_only: bool,
    },
}

/// Why modules are not what a domain can be made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ModuleError {
    /// There are two ramdisks.
    SecondRamdisk,
    /// There are two disks.
    SecondDisk,
    /// Something else than `ro` stands behind `disk`.
    DiskOption,
    /// A disk is empty or has no whole number of sectors.
    DiskSize {
        /// Its bytes.
        bytes: u64,
    },
}

impl fmt::Display for ModuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecondRamdisk => f.write_str(
                "there are two ramdisks; the command line of a module that is a disk begins with \
                 the word `disk`",
            ),
            Self::SecondDisk => f.write_str("there are two disks; a domain has one at most"),
            Self::DiskOption => {
                f.write_str("behind the word `disk` of a module only `ro` may stand")
            }
            Self::DiskSize { bytes } => write!(
                f,
                "the disk has {bytes} bytes, which is no whole number of sectors of {SECTOR_BYTES}"
            ),
        }
    }
}

/// The roles that have been given.
#[derive(Clone, Copy, Debug, Default)]
pub struct Roles {
    kernel: bool,
    ramdisk: bool,
    disk: bool,
}

impl Roles {
    /// Returns the role of the next module, of so many bytes and with this command line.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn next(&mut self, command_line: &str, bytes: u64) -> Result<Role, ModuleError> {
        if !core::mem::replace(&mut self.kernel, true) {
            return Ok(Role::Kernel);
        }
        let mut words = command_line.split_ascii_whitespace();
        if words.next() != Some(DISK) {
            let is_second = core::mem::replace(&mut self.ramdisk, true);
            return if is_second { Err(ModuleError::SecondRamdisk) } else { Ok(Role::Ramdisk) };
        }
        if core::mem::replace(&mut self.disk, true) {
            return Err(ModuleError::SecondDisk);
        }
        let read_only = match (words.next(), words.next()) {
            (None, _) => false,
            (Some(READ_ONLY), None) => true,
            _ => return Err(ModuleError::DiskOption),
        };
        if bytes == 0 || !bytes.is_multiple_of(crate::address::to_u64(SECTOR_BYTES)) {
            return Err(ModuleError::DiskSize { bytes });
        }
        Ok(Role::Disk { read_only })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The roles of modules of 512 bytes with these command lines.
    fn roles(lines: &[&str]) -> Result<Vec<Role>, ModuleError> {
        let mut roles = Roles::default();
        lines.iter().map(|line| roles.next(line, 512)).collect()
    }

    #[test]
    fn the_first_is_the_kernel_and_disks_are_told_by_their_word() {
        let disk = |read_only| Role::Disk { read_only };
        for (lines, expected) in [
            (&["console=hvc0"][..], &[Role::Kernel][..]),
            (&["disk", ""], &[Role::Kernel, Role::Ramdisk]),
            (&["", "disk"], &[Role::Kernel, disk(false)]),
            (&["", "", "disk ro"], &[Role::Kernel, Role::Ramdisk, disk(true)]),
            (&["", " disk  ro ", "diskette"], &[Role::Kernel, disk(true), Role::Ramdisk]),
        ] {
            assert_eq!(roles(lines).unwrap(), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_there_is_no_use_for_is_refused() {
        assert_eq!(roles(&["", "a", "b"]), Err(ModuleError::SecondRamdisk));
        assert_eq!(roles(&["", "disk", "disk"]), Err(ModuleError::SecondDisk));
        assert_eq!(roles(&["", "disk rw"]), Err(ModuleError::DiskOption));
        assert_eq!(roles(&["", "disk ro ro"]), Err(ModuleError::DiskOption));
    }

    #[test]
    fn a_disk_has_whole_sectors() {
        for bytes in [0, 1, 511, 513] {
            let mut roles = Roles { kernel: true, ..Roles::default() };
            assert_eq!(roles.next("disk", bytes), Err(ModuleError::DiskSize { bytes }));
            assert!(roles.next("", bytes).is_ok());
        }
    }
}
