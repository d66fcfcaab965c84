//! The programs that do not run on the host, and the steps in which they are built.
//!
//! Debug information stays in cargo's own files; what goes into an image is a stripped copy.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::cmd;

use crate::progress;
use crate::workspace::{BARE_TARGET, Workspace, cargo};

/// The largest hypervisor that is let through, stripped.
pub(crate) const HYPERVISOR_LIMIT: u64 = 512 << 10;

/// A step of the build.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    /// What is built, for the user.
    what: &'a str,
    /// The package.
    package: &'a str,
    /// Its programs.
    programs: &'a [&'a str],
    /// How it is optimised.
    profile: Profile,
}

/// How a program is optimised: a profile of cargo's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As a whole: what is used, measured, or looked at instruction by instruction.
    Release,
    /// Crate by crate, which builds hundreds of programs several times as fast.
    Scenario,
}

impl Profile {
    /// Its name for cargo, and its directory's.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Scenario => "scenario",
        }
    }
}

/// The hypervisor's program.
pub(crate) const HYPERVISOR_NAME: &str = "xenolith";

/// The paired kernel's.
pub(crate) const PAIRED_NAME: &str = "paired-kernel";

/// The hypervisor.
pub(crate) const HYPERVISOR: Step<'_> =
    Step::release("the hypervisor", "xenolith", &[HYPERVISOR_NAME]);

/// The kernel that is run when no other is given.
pub(crate) const PAIRED_KERNEL: Step<'_> =
    Step::release("the paired kernel", "xenolith-guest", &[PAIRED_NAME]);

/// What an image is made of, in the order in which it is built; the hypervisor comes first.
const STEPS: &[Step<'_>] = &[HYPERVISOR, PAIRED_KERNEL];

/// The step that builds these scenarios.
pub(crate) const fn programs_of<'a>(programs: &'a [&'a str], profile: Profile) -> Step<'a> {
    Step { profile, ..Step::release("the scenarios", "scenarios", programs) }
}

/// The step that builds programs for the paired kernel's user mode.
pub(crate) const fn user_programs<'a>(programs: &'a [&'a str]) -> Step<'a> {
    Step::release("the programs", "xenolith-programs", programs)
}

impl<'a> Step<'a> {
    const fn release(what: &'a str, package: &'a str, programs: &'a [&'a str]) -> Self {
        Self { what, package, programs, profile: Profile::Release }
    }
}

impl Step<'_> {
    /// Builds, and makes the stripped copies; returns those.
    ///
    /// # Errors
    /// A tool fails; what it says goes to the terminal.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<Vec<PathBuf>> {
        if self.programs.is_empty() {
            return Ok(Vec::new());
        }
        progress!("building {}", self.what);
        let shell = workspace.shell()?;
        let (cargo, package, profile) = (cargo(), self.package, self.profile.name());
        let target = ["--target", BARE_TARGET];
        let programs = self.programs.iter().flat_map(|program| ["--bin", program]);
        let command = ["build", "--profile", profile, "--package", package];
        cmd!(shell, "{cargo} {command...} {target...} {programs...}")
            .quiet()
            .run()
            .with_context(|| format!("cannot build {}", self.what))?;
        let file = |program: &&str| workspace.program_of(self.profile, program);
        self.programs.iter().map(|program| strip(workspace, &file(program))).collect()
    }
}

/// Builds the workload for Linux and returns its file: a program for the host and for the guest,
/// without libraries.
///
/// # Errors
/// A tool fails; what it says goes to the terminal.
pub(crate) fn linux_workload(workspace: &Workspace) -> Result<PathBuf> {
    const TARGET: &str = "x86_64-unknown-linux-gnu";
    const FLAGS: &str =
        "target.x86_64-unknown-linux-gnu.rustflags=[\"-C\", \"target-feature=+crt-static\"]";
    const NAME: &str = "linux-workload";
    progress!("building the workload for Linux");
    let (shell, cargo) = (workspace.shell()?, cargo());
    cmd!(shell, "{cargo} build --release --package {NAME} --target {TARGET} --config {FLAGS}")
        .quiet()
        .run()
        .context("cannot build the workload for Linux")?;
    strip(workspace, &workspace.program_for(TARGET, NAME))
}

/// Builds what an image is made of and returns the stripped copies, the hypervisor's first.
///
/// # Errors
/// As for a step.
pub(crate) fn everything(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let programs = STEPS.iter().map(|step| step.run(workspace)).collect::<Result<Vec<_>>>()?;
    Ok(programs.concat())
}

/// Builds one program and returns its stripped copy.
///
/// # Errors
/// As for a step.
pub(crate) fn single(step: Step<'_>, workspace: &Workspace) -> Result<PathBuf> {
    step.run(workspace)?.pop().context("the step builds nothing")
}

/// Makes a copy of `program` without symbols and debug information.
fn strip(workspace: &Workspace, program: &Path) -> Result<PathBuf> {
    let name = program.file_name().context("a program has a name")?;
    let stripped = workspace.directory("stripped")?.join(name);
    // Written beside and moved, because another run may be reading the old one.
    let fresh = tempfile::Builder::new().tempfile_in(workspace.directory("stripped")?);
    let fresh = fresh.context("cannot make a file for the stripped program")?.into_temp_path();
    let shell = workspace.shell()?;
    let output = fresh.to_path_buf();
    cmd!(shell, "strip --strip-all -o {output} {program}")
        .quiet()
        .run()
        .context("cannot strip a program")?;
    fresh.persist(&stripped).with_context(|| format!("cannot write {}", stripped.display()))?;
    Ok(stripped)
}

/// Checks that the hypervisor is no larger than it may be, and tells how large it is.
///
/// # Errors
/// It is too large.
pub(crate) fn check_size(hypervisor: &Path) -> Result<String> {
    let metadata = fs::metadata(hypervisor);
    let bytes = metadata.with_context(|| format!("cannot look at {}", hypervisor.display()))?.len();
    let text = format!("{} KiB stripped, of {} KiB", bytes.div_ceil(1024), HYPERVISOR_LIMIT >> 10);
    ensure!(bytes <= HYPERVISOR_LIMIT, "the hypervisor is too large: {text}");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hypervisor_above_the_limit_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(HYPERVISOR_LIMIT).unwrap();
        assert!(check_size(file.path()).unwrap().contains("512 KiB stripped"));
        file.as_file().set_len(HYPERVISOR_LIMIT + 1).unwrap();
        assert!(check_size(file.path()).unwrap_err().to_string().contains("too large"));
    }
}
