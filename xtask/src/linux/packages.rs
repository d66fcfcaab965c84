//! Debian's packages of the kernel and of a static BusyBox, fetched by apt and unpacked.
//!
//! They are kept below the target directory; `rm -r target/xtask/linux` has the newest ones fetched
//! again. Nothing is installed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use crate::setup::{Policy, packages};
use crate::workspace::Workspace;

/// The package that depends on the newest kernel.
const KERNEL: &str = "linux-image-amd64";

/// The package of BusyBox without libraries.
const BUSYBOX: &str = "busybox-static";

/// What is needed of the packages.
#[derive(Clone, Debug)]
pub(crate) struct Packages {
    /// The kernel, a bzImage.
    pub(crate) kernel: PathBuf,
    /// The kernel's modules: the directory of a release below `lib/modules`.
    pub(crate) modules: Option<PathBuf>,
    /// The BusyBox program.
    pub(crate) busybox: PathBuf,
}

impl Packages {
    /// These files, without modules.
    pub(crate) fn named(kernel: &Path, busybox: &Path) -> Self {
        Self { kernel: kernel.to_owned(), modules: None, busybox: busybox.to_owned() }
    }

    /// What was unpacked to `root`, if that is all.
    fn unpacked(root: &Path) -> Option<Self> {
        let kernel = only_entry(&root.join("boot"), "vmlinuz-")?;
        let modules = only_entry(&root.join("lib/modules"), "")?;
        let busybox = ["bin/busybox", "usr/bin/busybox"].map(|path| root.join(path));
        let busybox = busybox.into_iter().find(|path| path.is_file())?;
        Some(Self { kernel, modules: Some(modules), busybox })
    }
}

/// The entry of a directory whose name begins like this.
fn only_entry(directory: &Path, prefix: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(directory).ok()?.filter_map(Result::ok);
    let mut found = entries.filter(|it| it.file_name().to_string_lossy().starts_with(prefix));
    found.next().map(|entry| entry.path())
}

/// The packages, fetched unless they are there.
///
/// # Errors
/// They are not there, and may not or cannot be fetched.
pub(crate) fn obtain(workspace: &Workspace, policy: Policy) -> Result<Packages> {
    let directory = workspace.directory("linux")?;
    let root = directory.join("root");
    if let Some(packages) = Packages::unpacked(&root) {
        return Ok(packages);
    }
    if policy == Policy::Report {
        bail!(
            "Debian's packages {KERNEL} and {BUSYBOX} are not there and would have to be fetched"
        );
    }
    packages::check_tools()
        .context("name a kernel and a static BusyBox of yours by --kernel and --busybox")?;
    packages::fetch(&directory, &root, || {
        let kernel = newest_kernel().with_context(|| format!("apt knows no package {KERNEL}"))?;
        Ok(vec![kernel, BUSYBOX.to_owned()])
    })?;
    Packages::unpacked(&root).context("the packages do not have what was looked for in them")
}

/// The name of the package with the newest kernel.
fn newest_kernel() -> Option<String> {
    let shell = Shell::new().ok()?;
    let text = cmd!(shell, "apt-cache depends {KERNEL}").quiet().ignore_stderr().read().ok()?;
    dependency(&text)
}

/// The first dependency that `apt-cache depends` prints.
fn dependency(text: &str) -> Option<String> {
    let name = text.lines().find_map(|line| line.trim().strip_prefix("Depends: "))?;
    name.starts_with("linux-image-").then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_name_is_read() {
        let text = "linux-image-amd64\n  Depends: linux-image-6.1.0-56-amd64\n  Depends: x\n";
        assert_eq!(dependency(text).as_deref(), Some("linux-image-6.1.0-56-amd64"));
        for text in ["", "linux-image-amd64\n", "x\n  Depends: y\n"] {
            assert_eq!(dependency(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_unpacked_is_found_once_it_is_complete() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for (directory, file) in [
            ("boot", "boot/vmlinuz-6.1"),
            ("lib/modules/6.1", "lib/modules/6.1/modules.builtin"),
            ("usr/bin", "usr/bin/busybox"),
        ] {
            assert!(Packages::unpacked(root.path()).is_none());
            fs::create_dir_all(at(directory)).unwrap();
            fs::write(at(file), "x").unwrap();
        }
        let packages = Packages::unpacked(root.path()).unwrap();
        assert_eq!(packages.kernel, at("boot/vmlinuz-6.1"));
        assert_eq!(packages.modules, Some(at("lib/modules/6.1")));
    }

    #[test]
    fn nothing_is_fetched_without_leave() {
        let directory = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(directory.path(), directory.path());
        let error = obtain(&workspace, Policy::Report).unwrap_err().to_string();
        assert!(error.contains("linux-image-amd64"), "{error}");
    }
}
