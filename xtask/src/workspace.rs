//! Where the workspace and its build output are, as cargo sees it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use xshell::{Shell, cmd};

use crate::build::Profile;

/// The target of everything that does not run on the host.
pub(crate) const BARE_TARGET: &str = "x86_64-unknown-none";

/// The places that matter.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Workspace {
    /// The root of the workspace.
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    /// Where cargo builds, which `CARGO_TARGET_DIR` may have moved.
    #[serde(rename = "target_directory")]
    target: PathBuf,
}

/// The cargo that runs us, so that the toolchain is the same.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

impl Workspace {
    /// Asks cargo.
    ///
    /// # Errors
    /// Cargo does not run, or not inside the workspace.
    pub(crate) fn find() -> Result<Self> {
        let shell = Shell::new().context("cannot tell the current directory")?;
        let cargo = cargo();
        let metadata = cmd!(shell, "{cargo} metadata --no-deps --format-version 1").quiet().read();
        let metadata = metadata.context("cargo does not tell where the workspace is")?;
        serde_json::from_str(&metadata)
            .context("cannot understand what cargo tells of the workspace")
    }

    /// One whose places are known.
    #[cfg(test)]
    pub(crate) fn at(root: &Path, target: &Path) -> Self {
        Self { root: root.into(), target: target.into() }
    }

    /// A shell at the root.
    ///
    /// # Errors
    /// The root is gone.
    pub(crate) fn shell(&self) -> Result<Shell> {
        let shell = Shell::new().context("cannot tell the current directory")?;
        shell.change_dir(&self.root);
        Ok(shell)
    }

    /// The file that cargo builds for a bare-metal program.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.program_of(Profile::Release, name)
    }

    /// As [`Self::program`], for a program that is built with this profile.
    pub(crate) fn program_of(&self, profile: Profile, name: &str) -> PathBuf {
        self.host_program(BARE_TARGET, profile.name(), name)
    }

    /// The file that cargo builds for a program of this target.
    pub(crate) fn program_for(&self, target: &str, name: &str) -> PathBuf {
        self.target.join(target).join("release").join(name)
    }

    /// The file that cargo builds for a program of the host, when it is told its target's name.
    pub(crate) fn host_program(&self, target: &str, profile: &str, name: &str) -> PathBuf {
        self.target.join(target).join(profile).join(name)
    }

    /// A directory of our own below cargo's, made if it is missing.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn directory(&self, name: impl AsRef<Path>) -> Result<PathBuf> {
        let directory = self.target.join("xtask").join(name);
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot make the directory {}", directory.display()))?;
        Ok(directory)
    }

    /// A directory as above, but empty.
    ///
    /// # Errors
    /// It cannot be emptied or made.
    pub(crate) fn empty_directory(&self, name: impl AsRef<Path>) -> Result<PathBuf> {
        let directory = self.directory(name)?;
        fs::remove_dir_all(&directory)
            .with_context(|| format!("cannot empty {}", directory.display()))?;
        fs::create_dir(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        Ok(directory)
    }
}
