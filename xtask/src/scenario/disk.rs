//! Disks of scenarios: a pattern, or a file system that the host has put files into.
//!
//! `pattern:SIZE` is that of ramdisks. `ext4:SIZE` has the files of [`FILES`], made by `mke2fs`; with
//! `+SIZE` there are zeros behind the file system, for those who write the disk itself.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use super::ramdisk;
use crate::setup::program_in_path;
use crate::size::Size;

/// In front of the size of a file system.
const EXT4: &str = "ext4:";

/// The name of a file system's text for people, and what is in it.
pub(crate) const HELLO: (&str, &str) = ("hello", "the host says hello\n");

/// The name of its file of [`PATTERN_BYTES`].
pub(crate) const PATTERN: &str = "from-host";

/// The length of that file.
const PATTERN_BYTES: Size = Size::from_bytes((1 << 20) + 4321);

/// What every reader of the file system knows; those of newer versions are left out, which GRUB
/// refuses.
const FEATURES: &str = "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,\
    flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum";

/// Whether programs for file systems are needed to make a disk.
pub(crate) fn has_file_system(description: &str) -> bool {
    description.starts_with(EXT4)
}

/// The content of the file [`PATTERN`].
///
/// # Errors
/// None that can happen.
pub(crate) fn pattern() -> Result<Vec<u8>> {
    ramdisk::pattern(PATTERN_BYTES)
}

/// Makes the file of a disk.
///
/// # Errors
/// The description is none, a file cannot be written, or a tool is missing or fails.
pub(crate) fn make(description: &str, scenario: &Path, output: &Path) -> Result<()> {
    let Some(sizes) = description.strip_prefix(EXT4) else {
        let bytes = ramdisk::bytes(description, scenario)?;
        return fs::write(output, bytes).context("cannot write the disk");
    };
    let (size, behind) = sizes.split_once('+').unwrap_or((sizes, "0"));
    let (size, behind): (Size, Size) = (size.parse()?, behind.parse()?);
    let content = tempfile::tempdir().context("cannot make a directory for a file system")?;
    let (hello, text) = HELLO;
    let files = [(hello, text.as_bytes().to_owned()), (PATTERN, pattern()?)];
    for (name, bytes) in files {
        fs::write(content.path().join(name), bytes).context("cannot write a file of a disk")?;
    }
    let maker = program_in_path("mke2fs").context("mke2fs is not installed")?;
    let shell = Shell::new().context("cannot tell the current directory")?;
    let (content, kib) = (content.path(), format!("{}k", size.bytes() >> 10));
    cmd!(shell, "{maker} -q -F -t ext4 -b 4096 -O {FEATURES} -d {content} {output} {kib}")
        .quiet()
        .ignore_stdout()
        .run()
        .context("cannot make a file system")?;
    let file = fs::OpenOptions::new().write(true).open(output).context("mke2fs made no file")?;
    file.set_len(size.bytes() + behind.bytes()).context("cannot write the disk")
}

/// The content of a file in the file system at the beginning of `disk`.
///
/// # Errors
/// There is no such file, or a tool is missing or fails.
pub(crate) fn read_file(disk: &Path, name: &str) -> Result<Vec<u8>> {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    ensure!(is_plain, "`{name}` is no name of a file");
    let reader = program_in_path("debugfs").context("debugfs is not installed")?;
    let shell = Shell::new().context("cannot tell the current directory")?;
    let copy = tempfile::NamedTempFile::new().context("cannot make a file")?;
    let (path, request) = (copy.path(), format!("dump /{name} {}", copy.path().display()));
    let result = cmd!(shell, "{reader} -R {request} {disk}").quiet().ignore_stderr().run();
    result.with_context(|| format!("cannot read the file system of {}", disk.display()))?;
    let bytes = fs::read(path).context("cannot read what debugfs has written")?;
    // It fails only in words.
    ensure!(!bytes.is_empty(), "the disk has no file {name}, or an empty one");
    Ok(bytes)
}

/// Checks the file system at the beginning of `disk`.
///
/// # Errors
/// Something is wrong with it, or the tool is missing.
pub(crate) fn check_file_system(disk: &Path) -> Result<()> {
    let checker = program_in_path("e2fsck").context("e2fsck is not installed")?;
    let shell = Shell::new().context("cannot tell the current directory")?;
    let result = cmd!(shell, "{checker} -f -n {disk}").quiet().ignore_status().output();
    let result = result.context("cannot run e2fsck")?;
    let said = String::from_utf8_lossy(&result.stdout);
    ensure!(result.status.success(), "the disk's file system is damaged: {}", said.trim());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;

    #[test]
    fn a_file_system_has_the_hosts_files_and_room_behind_it() {
        let directory = tempfile::tempdir().unwrap();
        let disk = directory.path().join("disk");
        make("ext4:8M+1M", Path::new("/"), &disk).unwrap();
        assert_eq!(fs::metadata(&disk).unwrap().len(), 9 << 20);
        assert_eq!(read_file(&disk, HELLO.0).unwrap(), HELLO.1.as_bytes());
        assert_eq!(read_file(&disk, PATTERN).unwrap(), pattern().unwrap());
        for wrong in ["missing", "../hello", "a b"] {
            assert!(read_file(&disk, wrong).is_err(), "{wrong}");
        }
        check_file_system(&disk).unwrap();
        let file = fs::OpenOptions::new().write(true).open(&disk).unwrap();
        // The descriptors of groups.
        file.write_all_at(&[0x55; 64], 4096).unwrap();
        assert!(check_file_system(&disk).is_err());
    }

    #[test]
    fn other_disks_are_made_as_ramdisks_are() {
        let directory = tempfile::tempdir().unwrap();
        let disk = directory.path().join("disk");
        make("pattern:1000", Path::new("/"), &disk).unwrap();
        assert_eq!(fs::metadata(&disk).unwrap().len(), 1000);
        for wrong in ["ext4:", "ext4:1M+", "missing"] {
            assert!(make(wrong, Path::new("/"), &disk).is_err(), "{wrong}");
        }
    }
}
