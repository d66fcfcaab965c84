//! The guide for authors of guest kernels: the package with which it begins can be made, built and
//! booted, and the code that it shows is that of scenarios.

use std::fs;

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use super::prepare::Programs;
use super::scenarios::attempt;
use crate::build::{HYPERVISOR, single};
use crate::new;
use crate::scenario::catalogue;
use crate::scenario::judge::Outcome;
use crate::scenario::spec::Kind;
use crate::workspace::{BARE_TARGET, Workspace, cargo};

/// The package that is made.
const NAME: &str = "first-kernel";

/// The scenario that says what it prints.
const SCENARIO: &str = "guide-hello";

/// Makes the package, builds it as its author would, and boots it.
///
/// # Errors
/// A tool fails, or the kernel does not do what the guide says.
pub(crate) fn run(workspace: &Workspace) -> Result<String> {
    let parent = workspace.empty_directory("new")?;
    let directory = parent.join(NAME);
    new::write(workspace, &directory)?;
    let shell = Shell::new().context("cannot tell the current directory")?;
    shell.change_dir(&directory);
    let (cargo, target) = (cargo(), parent.join("target"));
    cmd!(shell, "{cargo} build --release --target-dir {target}")
        .run()
        .context("the new package cannot be built")?;
    let built = target.join(BARE_TARGET).join("release");
    let programs = Programs {
        hypervisor: single(HYPERVISOR, workspace)?,
        paired_kernel: None,
        ramdisk: None,
        directory: built.clone(),
        symbols: built,
    };
    let scenarios = catalogue::all(&workspace.root, Kind::Scenario)?;
    let mut scenario =
        scenarios.into_iter().find(|it| it.name == SCENARIO).context("the scenario is gone")?;
    scenario.spec.bin = Some(NAME.to_owned());
    let files = workspace.empty_directory("scenarios/guide-new")?;
    match attempt(&scenario, &programs, &files)?.0 {
        Outcome::Passed => {
            fs::remove_dir_all(&parent).context("cannot remove the new package")?;
            Ok(format!("{NAME} was made, built and booted"))
        }
        Outcome::Skipped => bail!("the new kernel was not booted"),
        Outcome::Failed(problems) => bail!("{}", problems.join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// What begins a piece of code that is a file's.
    const FENCE: &str = "```rust title=\"";

    #[test]
    fn the_code_of_the_guide_is_that_of_scenarios() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let guide = fs::read_to_string(root.join("docs/guest-guide.md")).unwrap();
        let mut pieces = 0;
        for piece in guide.split(FENCE).skip(1) {
            let (path, rest) = piece.split_once("\"\n").unwrap();
            let (code, _) = rest.split_once("```").unwrap();
            let file = fs::read_to_string(root.join(path)).unwrap();
            assert_eq!(code, file, "{path}");
            pieces += 1;
        }
        assert_eq!(pieces, 3, "pieces of code");
    }
}
