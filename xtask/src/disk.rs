//! The file of a guest's disk: looked at before the run, part of the boot image, and written as the
//! guest writes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use xenolith_core::block::SECTOR_BYTES;

use crate::size::Size;

/// The largest disk: a boot loader has to find room for it below 4 GiB.
const LARGEST: Size = Size::from_mib(2048);

/// Bytes of a sector.
const SECTOR: u64 = xenolith_core::address::to_u64(SECTOR_BYTES);

/// A disk as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Disk {
    /// Its file.
    pub(crate) path: PathBuf,
    /// Whether the guest may write it.
    pub(crate) access: Access,
}

/// Whether a guest may write its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It may, and the file changes with it.
    ReadWrite,
    /// It may not.
    ReadOnly,
}

impl Disk {
    /// Looks at the file.
    ///
    /// # Errors
    /// It cannot be read or cannot be a disk.
    pub(crate) fn size(&self) -> Result<Size> {
        self.check_kind()?;
        let file = File::open(&self.path);
        size_of(&file.with_context(|| format!("cannot read {}", self.name()))?, &self.name())
    }

    /// Opens the file for a run, which has it alone if it writes.
    ///
    /// # Errors
    /// It cannot be a disk, cannot be read or written as asked for, or another run has it.
    pub(crate) fn open(&self) -> Result<DiskFile> {
        self.check_kind()?;
        let (name, writes) = (self.name(), self.access == Access::ReadWrite);
        let file = OpenOptions::new().read(true).write(writes).open(&self.path);
        let file = file.with_context(|| match self.access {
            Access::ReadWrite => format!("cannot write {name}, without --disk-read-only"),
            Access::ReadOnly => format!("cannot read {name}"),
        })?;
        let size = size_of(&file, &name)?;
        let locked = if writes { file.try_lock() } else { file.try_lock_shared() };
        match locked {
            Ok(()) => Ok(DiskFile { file, name, size, access: self.access }),
            Err(TryLockError::WouldBlock) => bail!("{name} belongs to another run now"),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {name}"))
            }
        }
    }

    /// Sees before it is opened that it is a file: to open a pipe is to wait for its other end.
    fn check_kind(&self) -> Result<()> {
        let name = self.name();
        let metadata = fs::metadata(&self.path).with_context(|| format!("cannot read {name}"))?;
        ensure!(metadata.is_file(), "{name} is no file");
        Ok(())
    }

    /// What it is called.
    fn name(&self) -> String {
        format!("the disk {}", self.path.display())
    }
}

/// The size of a file that can be a disk.
fn size_of(file: &File, name: &str) -> Result<Size> {
    let metadata = file.metadata().with_context(|| format!("cannot look at {name}"))?;
    let size = Size::from_bytes(metadata.len());
    ensure!(size.bytes() > 0, "{name} is empty; `truncate --size 64M FILE` makes one of zeros");
    ensure!(
        size.bytes().is_multiple_of(SECTOR),
        "{name} has {} bytes, which is no whole number of sectors of {SECTOR}",
        size.bytes()
    );
    ensure!(
        size <= LARGEST,
        "{name} is too large: it is kept in memory, of which {LARGEST} at most can be a disk"
    );
    Ok(size)
}

/// The file of a disk that is in use.
#[derive(Debug)]
pub(crate) struct DiskFile {
    file: File,
    name: String,
    size: Size,
    access: Access,
}

impl DiskFile {
    /// Writes what the guest has written from `sector` on.
    ///
    /// # Errors
    /// It cannot be written, or it is no part of the disk: the file is never made longer.
    pub(crate) fn write(&self, sector: u64, data: &[u8]) -> Result<()> {
        let name = &self.name;
        ensure!(self.access == Access::ReadWrite, "{name} is read-only, and was written");
        let at = self.place(sector, data).with_context(|| {
            let bytes = data.len();
            format!("{name} was written at sector {sector}, {bytes} bytes, where it is not")
        })?;
        self.file.write_all_at(data, at).with_context(|| format!("cannot write {name}"))
    }

    /// Where whole sectors are in the file, if they are on the disk.
    fn place(&self, sector: u64, data: &[u8]) -> Option<u64> {
        let (at, bytes) = (sector.checked_mul(SECTOR)?, u64::try_from(data.len()).ok()?);
        let end = at.checked_add(bytes)?;
        (bytes.is_multiple_of(SECTOR) && end <= self.size.bytes()).then_some(at)
    }

    /// Waits until all is on the host's own disk.
    ///
    /// # Errors
    /// It cannot be written there.
    pub(crate) fn finish(&self) -> Result<()> {
        self.file.sync_data().with_context(|| format!("cannot write {}", self.name))
    }
}

#[cfg(test)]
mod tests;
