//! `xtask abi`: compares every number and layout of the `abi` package with Xen's real headers.
//!
//! The package's source is read item by item ([`inventory`]), so nothing in it can be forgotten. Two
//! programs are made from that list: one in C that asks the headers ([`c_probe`]), one in Rust that
//! asks the package ([`rust_probe`]). Both answer each question on a line of its own, and
//! [`comparison`] wants the answers to be equal.

mod c_probe;
mod comparison;
mod inventory;
mod question;
mod rust_probe;
mod source;
mod without_header;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use inventory::Inventory;

/// The interface version that both sides are held to, as the headers want to be told it.
const INTERFACE_VERSION: &str = "0x00040e00";

/// What is compared with what, and where there is room to build.
struct Probe {
    /// The directory of the `abi` package.
    package: PathBuf,
    /// The directory that has Xen's headers in `xen/`.
    include: PathBuf,
    /// The workspace's lock file, so that the Rust side builds with the same dependencies.
    lock_file: PathBuf,
    /// Where both sides are built; cargo's own for the workspace, so that it is quick.
    target: PathBuf,
}

/// Compares the workspace's `abi` package with the installed headers and prints a summary.
///
/// # Errors
/// Any disagreement, an item that cannot be compared, missing headers, no C compiler.
pub(crate) fn run() -> Result<()> {
    let probe = Probe::of_workspace();
    let inventory = probe.inventory()?;
    probe.compare(&inventory)?;
    println!("{}", inventory.summary(&probe.include.join("xen"), INTERFACE_VERSION));
    println!("{}", inventory.without_header_summary());
    Ok(())
}

impl Probe {
    /// The probe of this workspace against the system's headers.
    fn of_workspace() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), Into::into);
        Self {
            package: root.join("abi"),
            include: PathBuf::from("/usr/include"),
            lock_file: root.join("Cargo.lock"),
            target,
        }
    }

    /// Reads the package's source; an item that could not be compared is an error already.
    fn inventory(&self) -> Result<Inventory> {
        let inventory = Inventory::of(&self.package, without_header::LIST)?;
        if !inventory.problems.is_empty() {
            bail!("the abi package cannot be compared:\n{}", inventory.problems.join("\n"));
        }
        Ok(inventory)
    }

    /// Asks both sides every question and compares the answers.
    fn compare(&self, inventory: &Inventory) -> Result<()> {
        let questions = &inventory.questions;
        let directory = std::fs::create_dir_all(&self.target)
            .and_then(|()| tempfile::tempdir_in(&self.target))
            .context("creating a directory for the probes")?;
        let headers = c_probe::answers(inventory, &self.include, directory.path())?;
        let package = rust_probe::answers(inventory, self, directory.path())?;
        let headers = comparison::parse(&headers, questions.len()).context("the C probe")?;
        let package = comparison::parse(&package, questions.len()).context("the Rust probe")?;
        let differences = comparison::differences(questions, &package, &headers);
        if !differences.is_empty() {
            bail!(
                "{} disagreements between the abi package and {}:\n{}",
                differences.len(),
                self.include.join("xen").display(),
                differences.join("\n")
            );
        }
        Ok(())
    }
}
