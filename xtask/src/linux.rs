//! `xtask linux`: Debian's Linux as it is packaged, with a BusyBox userspace, under the hypervisor.
//!
//! The kernel and BusyBox come from their packages, which are fetched and unpacked below the target
//! directory, and not installed. On other systems than Debian the two files can be named.

pub(crate) mod initramfs;
pub(crate) mod packages;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::cli::{GuestOptions, LinuxOptions, RunOptions};
use crate::machine::Pace;
use crate::run;
use crate::size::Size;
use crate::workspace::Workspace;
use packages::Packages;

/// Memory unless told: enough for a shell and some more.
const MEMORY: Size = Size::from_mib(256);

/// In front of what the user appends. The tests that the kernel makes of its own ciphers take a
/// fifth of an emulated boot.
const APPEND: &str = "console=hvc0 cryptomgr.notests";

/// Boots Linux; tells by its exit status how it ended, as `run` does.
///
/// # Errors
/// The packages cannot be had, a file cannot be used, something is missing, or a tool fails.
pub(crate) fn run(workspace: &Workspace, options: &LinuxOptions) -> Result<ExitCode> {
    let packages = match (&options.kernel, &options.busybox) {
        (Some(kernel), Some(busybox)) => Packages::named(kernel, busybox),
        _ => packages::obtain(workspace, options.setup.policy())?,
    };
    let ramdisk = ramdisk(workspace, &packages)?;
    let append = format!("{APPEND} {}", options.append);
    let options = RunOptions {
        guest: GuestOptions {
            guest: Some(packages.kernel),
            ramdisk: Some(ramdisk),
            append: append.trim_end().to_owned(),
            memory: Some(options.memory.unwrap_or(MEMORY)),
            disk: options.disk.clone(),
            bare: false,
            hypervisor_args: options.hypervisor_args.clone(),
        },
        machine: options.machine,
        timeout: options.timeout,
        trace: options.trace.clone(),
        poweroff_after: options.poweroff_after,
        no_input: options.no_input,
        pace: Pace::Brisk,
        setup: options.setup,
    };
    run::run(workspace, &options)
}

/// Writes the initramfs of these packages and returns where it is.
///
/// # Errors
/// A file cannot be read or written.
fn ramdisk(workspace: &Workspace, packages: &Packages) -> Result<PathBuf> {
    write_ramdisk(workspace, "initramfs.cpio", &initramfs::bytes(packages, None)?)
}

/// Writes an initramfs under its name, at once and whole: another run may have it open.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write_ramdisk(workspace: &Workspace, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let directory = workspace.directory("linux")?;
    let file = tempfile::NamedTempFile::new_in(&directory);
    let file = file.context("cannot make a file for the initramfs")?;
    std::fs::write(&file, bytes).context("cannot write the initramfs")?;
    let path = directory.join(name);
    file.persist(&path).context("cannot name the initramfs")?;
    Ok(path)
}
