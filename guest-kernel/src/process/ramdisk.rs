//! The ramdisk's files: a ustar archive.

use alloc::{string::String, vec::Vec};

use spin::Once;
use tar_no_std::{CorruptDataError, TarArchiveRef};

use crate::StartInfo;

static ARCHIVE: Once<TarArchiveRef<'static>> = Once::new();

/// Finds the ramdisk.
///
/// # Errors
///
/// If there is none, or it is no archive.
pub(super) fn install(start: &'static StartInfo) -> Result<(), CorruptDataError> {
    let archive = TarArchiveRef::new(start.module_bytes().unwrap_or_default())?;
    ARCHIVE.call_once(|| archive);
    Ok(())
}

/// Returns the names of all files, and their bytes.
pub fn files() -> Vec<(String, usize)> {
    let entries = ARCHIVE.get().into_iter().flat_map(TarArchiveRef::entries);
    entries.map(|entry| (entry.filename().as_str().unwrap_or("?").into(), entry.size())).collect()
}

/// Returns the content of a file.
pub(super) fn find(name: &str) -> Option<&'static [u8]> {
    let mut entries = ARCHIVE.get()?.entries();
    entries.find(|entry| entry.filename().as_str() == Ok(name)).map(|entry| entry.data())
}
