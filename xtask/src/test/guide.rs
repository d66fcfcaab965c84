//! The guide for authors of guest kernels: the package with which it begins can be made, and booted
//! as it says, and the code that it shows is that of scenarios.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::new;
use crate::scenario::catalogue;
use crate::scenario::spec::Kind;
use crate::workspace::{Workspace, cargo};

/// The package that is made.
const NAME: &str = "first-kernel";

/// The scenario with the same code, which says what it prints.
const SCENARIO: &str = "guide-hello";

/// Seconds after which a kernel is ended that does not end.
const LIMIT: &str = "120";

/// Makes the package, and builds and boots it as its author would.
///
/// # Errors
/// A tool fails, or the kernel does not do what the guide says.
pub(crate) fn run(workspace: &Workspace) -> Result<String> {
    let scenarios = catalogue::all(&workspace.root, Kind::Scenario)?;
    let scenario = scenarios.iter().find(|it| it.name == SCENARIO);
    let expected = &scenario.context("the scenario is gone")?.spec.console;
    let parent = workspace.empty_directory("new")?;
    let directory = parent.join(NAME);
    new::write(workspace, &directory)?;
    let said = boot(&directory)?;
    for text in expected {
        ensure!(said.contains(text), "the new kernel did not say `{text}` but\n{said}");
    }
    fs::remove_dir_all(&parent).context("cannot remove the new package")?;
    Ok(format!("{NAME} was made, built and booted"))
}

/// Boots the package's kernel and returns what is said on its console.
fn boot(directory: &std::path::Path) -> Result<String> {
    let shell = Shell::new().context("cannot tell the current directory")?;
    shell.change_dir(directory);
    let cargo = cargo();
    let command = cmd!(
        shell,
        "{cargo} run --release --target-dir target -- --no-input --timeout {LIMIT} --machine bochs"
    );
    let output = command.ignore_status().output().context("the new package cannot be run")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("the new kernel ended with {}\n{errors}\n{said}", output.status);
    }
    Ok(said)
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
