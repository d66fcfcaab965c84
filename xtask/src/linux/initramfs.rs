//! The initramfs that Linux unpacks into its root file system: BusyBox and its init, a few modules.
//!
//! A cpio archive of the kind "newc", not compressed: an emulator unpacks slowly. The same packages
//! give the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cpio::newc::{Builder, ModeFileType, trailer};

use super::packages::Packages;

/// What configures BusyBox's init, the first program, and what that starts.
const FILES: &[(&str, u32, &str)] = &[
    ("etc/inittab", 0o644, include_str!("../../data/linux/inittab")),
    ("etc/rc", 0o755, include_str!("../../data/linux/rc")),
    ("etc/task", 0o755, include_str!("../../data/linux/task")),
];

/// Commands that are there before `/etc/rc` installs the others: it needs a shell, and the kernel
/// starts the other two itself if the domain is asked to end early.
const COMMANDS: &[&str] = &["init", "bin/sh", "sbin/poweroff", "sbin/reboot"];

/// Modules that come along, with what they need.
const MODULES: &[&str] = &["dummy", "xen-blkfront", "xen-privcmd", "ext4", "crc32c_generic"];

/// Directories, parents first.
const DIRECTORIES: &[&str] = &[
    "bin",
    "dev",
    "etc",
    "lib",
    "lib/modules",
    "mnt",
    "proc",
    "root",
    "sbin",
    "sys",
    "usr",
    "usr/bin",
    "usr/sbin",
];

/// The archive, with the workload if there is one.
///
/// # Errors
/// A file of the packages cannot be read.
pub(crate) fn bytes(packages: &Packages, workload: Option<&Path>) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    for directory in DIRECTORIES {
        archive.add(directory, ModeFileType::Directory, 0o755, &[])?;
    }
    // The kernel gives the first program this one before anything is mounted.
    archive.add_device("dev/console", 5, 1)?;
    archive.add("bin/busybox", ModeFileType::Regular, 0o755, &read(&packages.busybox)?)?;
    for command in COMMANDS {
        archive.add(command, ModeFileType::Symlink, 0o777, b"/bin/busybox")?;
    }
    for (name, mode, text) in FILES {
        archive.add(name, ModeFileType::Regular, *mode, text.as_bytes())?;
    }
    if let Some(workload) = workload {
        archive.add("bin/workload", ModeFileType::Regular, 0o755, &read(workload)?)?;
    }
    if let Some(directory) = &packages.modules {
        add_modules(&mut archive, directory)?;
    }
    archive.finish()
}

/// Adds modules, in the directory that the kernel's release names, with an index for `modprobe`.
fn add_modules(archive: &mut Archive, directory: &Path) -> Result<()> {
    let release = directory.file_name().context("a release has a name")?.to_string_lossy();
    let target = format!("lib/modules/{release}");
    archive.add(&target, ModeFileType::Directory, 0o755, &[])?;
    let files = module_files(directory)?;
    let mut index = String::new();
    for (name, content) in closure(&files, MODULES)? {
        index.extend([&name, ".ko:"]);
        for needed in needs(&content) {
            index.extend([" ", &needed, ".ko"]);
        }
        index.push('\n');
        archive.add(&format!("{target}/{name}.ko"), ModeFileType::Regular, 0o644, &content)?;
    }
    archive.add(&format!("{target}/modules.dep"), ModeFileType::Regular, 0o644, index.as_bytes())
}

/// The modules in a directory and those below it, by name.
fn module_files(directory: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(&directory);
        let entries = entries.with_context(|| format!("cannot list {}", directory.display()))?;
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "ko")
                && let Some(name) = path.file_stem().and_then(|name| name.to_str())
            {
                files.insert(name.to_owned(), path);
            }
        }
    }
    Ok(files)
}

/// These modules and all that they need, by name, with their contents. Those that a kernel has
/// built in are left out.
fn closure(
    files: &BTreeMap<String, PathBuf>,
    wanted: &[&str],
) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut open: Vec<_> = wanted.iter().map(|&name| name.to_owned()).collect();
    while let Some(name) = open.pop() {
        let Some(path) = files.get(&name).filter(|_| !found.contains_key(&name)) else { continue };
        let content = read(path)?;
        open.extend(needs(&content));
        found.insert(name, content);
    }
    Ok(found)
}

/// What a module says that it needs: `depends=A,B` among its NUL-terminated texts.
fn needs(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let start = module.windows(KEY.len()).position(|window| window == KEY);
    let list = start.map_or(&[][..], |at| &module[at + KEY.len()..]);
    let end = list.iter().position(|&byte| byte == 0).unwrap_or(0);
    let names = String::from_utf8_lossy(&list[..end]).into_owned();
    names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// A file's content.
fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// An archive that grows.
#[derive(Debug, Default)]
struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    /// Adds a file, a directory or a link with what it has in it.
    fn add(&mut self, name: &str, kind: ModeFileType, mode: u32, content: &[u8]) -> Result<()> {
        let builder = self.entry(name, kind, mode);
        self.put(builder, content)
    }

    /// Adds a character device.
    fn add_device(&mut self, name: &str, major: u32, minor: u32) -> Result<()> {
        let builder = self.entry(name, ModeFileType::Char, 0o600);
        self.put(builder.rdev_major(major).rdev_minor(minor), &[])
    }

    /// An entry with a number of its own.
    fn entry(&mut self, name: &str, kind: ModeFileType, mode: u32) -> Builder {
        self.entries += 1;
        Builder::new(name).ino(self.entries).nlink(1).mode(mode).set_mode_file_type(kind)
    }

    /// Writes an entry.
    fn put(&mut self, builder: Builder, content: &[u8]) -> Result<()> {
        let bytes = content.len().try_into().context("a file is too large for the initramfs")?;
        let mut writer = builder.write(&mut self.bytes, bytes);
        writer.write_all(content).context("cannot write the initramfs")?;
        writer.finish().map(drop).context("cannot write the initramfs")
    }

    /// The archive's bytes.
    fn finish(self) -> Result<Vec<u8>> {
        trailer(self.bytes).context("cannot finish the initramfs")
    }
}

#[cfg(test)]
mod tests;
