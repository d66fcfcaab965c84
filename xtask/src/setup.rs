//! Set-up: sees what is missing and installs it, or says how.
//!
//! Part of every command that needs something, so that a fresh clone needs no other step. Each
//! command is shown before it is run. Packages are installed by apt only; for other package
//! managers the command is shown and left to the user.

pub(crate) mod distribution;
mod line;
mod missing;
pub(crate) mod packages;
mod privilege;
pub(crate) mod requirement;
pub(crate) mod rust;

use std::env;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::progress;
use crate::workspace::Workspace;
use distribution::Manager;
use missing::Missing;
use privilege::Privilege;
use requirement::Use;
use rust::Part;

/// What may be done about what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// It is installed.
    Install,
    /// It is reported.
    Report,
}

/// Where root's programs are, which the search path of others may leave out.
const ROOTS_PROGRAMS: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Where a program is in the search path, or among root's.
pub(crate) fn program_in_path(name: &str) -> Option<PathBuf> {
    let paths = env::var_os("PATH").unwrap_or_default();
    let paths = env::split_paths(&paths).chain(ROOTS_PROGRAMS.map(PathBuf::from));
    paths.map(|directory| directory.join(name)).find(|path| path.is_file())
}

/// Sees to it that what `uses` need is there, and the toolchain's `parts`.
///
/// # Errors
/// Something is missing, and it may not or cannot be installed.
pub(crate) fn ensure(
    workspace: &Workspace,
    uses: &[Use],
    parts: &[Part],
    policy: Policy,
) -> Result<()> {
    let missing = Missing::of(workspace, uses, parts)?;
    if missing.is_empty() {
        return Ok(());
    }
    let manager = Manager::of_host();
    if policy == Policy::Report {
        bail!("missing:\n{}", missing.describe(manager).trim_end());
    }
    for part in &missing.parts {
        if program_in_path("rustup").is_none() {
            bail!(
                "missing, and rustup is not there to add it:\n{}",
                missing.describe(manager).trim_end()
            );
        }
        part.command().run(&workspace.root)?;
    }
    if !missing.requirements.is_empty() {
        install(workspace, &missing, manager)?;
    }
    let still = Missing::of(workspace, uses, parts)?;
    if !still.is_empty() {
        bail!("still missing after the installation:\n{}", still.describe(manager).trim_end());
    }
    Ok(())
}

/// Installs packages, where apt does it and we may.
fn install(workspace: &Workspace, missing: &Missing, manager: Option<Manager>) -> Result<()> {
    let privilege = Privilege::ours();
    if manager != Some(Manager::Apt) || privilege == Privilege::Unprivileged {
        let why = match manager {
            Some(Manager::Apt) => "only root can install packages, and there is no sudo",
            _ => "packages are installed by apt only",
        };
        bail!(
            "missing, and not installed because {why}:\n{}",
            missing.describe(manager).trim_end()
        );
    }
    let packages = Manager::Apt.packages(&missing.requirements);
    progress!(
        "installing {} packages; `cargo xtask doctor` tells what each is for",
        packages.len()
    );
    let line = privilege.elevate(locked(Manager::Apt.install(&packages)));
    let update = privilege.elevate(locked(vec!["apt-get".into(), "update".into()]));
    // Lists that are missing or old: known beforehand, or by a package that is no longer there.
    let mut simulation = Manager::Apt.install(&packages);
    simulation.push("--simulate".to_owned());
    let known = line::Line::new(simulation).succeeds(&workspace.root);
    if known && line.run(&workspace.root).is_ok() {
        return Ok(());
    }
    update.run(&workspace.root)?;
    line.run(&workspace.root)
}

/// `apt_get` so that it waits for another one that is at work.
fn locked(mut apt_get: Vec<String>) -> Vec<String> {
    apt_get.extend(["-o".to_owned(), "DPkg::Lock::Timeout=300".to_owned()]);
    apt_get
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_by_name() {
        assert!(program_in_path("sh").is_some());
        assert_eq!(program_in_path("nonexistent-program"), None);
    }
}
