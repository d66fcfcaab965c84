//! Debian's packages that are used and not installed: fetched by apt, unpacked to a directory.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use super::line::Line;
use super::privilege::Privilege;
use super::program_in_path;
use crate::progress;

/// The programs that this takes.
const TOOLS: [&str; 3] = ["apt-get", "apt-cache", "dpkg-deb"];

/// Checks that packages can be fetched here.
///
/// # Errors
/// Names the program that is missing.
pub(crate) fn check_tools() -> Result<()> {
    for tool in TOOLS {
        ensure!(program_in_path(tool).is_some(), "{tool} is not there, which fetches packages");
    }
    Ok(())
}

/// Unpacks the packages that `names` tells to `root`, whole or not at all, by way of `directory`,
/// which is on the same file system. The names are asked for again once apt's lists are new.
///
/// # Errors
/// There are no such packages, or a tool fails.
pub(crate) fn fetch(
    directory: &Path,
    root: &Path,
    names: impl Fn() -> Result<Vec<String>>,
) -> Result<()> {
    let staging = tempfile::tempdir_in(directory).context("cannot make a directory")?;
    let download = || {
        let names = names()?;
        let words: Vec<_> =
            ["apt-get", "download"].into_iter().chain(names.iter().map(String::as_str)).collect();
        Line::of(&words).run(staging.path())
    };
    if download().is_err() {
        // There are no lists, or they name a version that is no longer there.
        Privilege::ours().elevate(vec!["apt-get".into(), "update".into()]).run(staging.path())?;
        download()?;
    }
    let unpacked = staging.path().join("root");
    unpack(staging.path(), &unpacked)?;
    // Whatever an interrupted run left there is not all of it.
    let _ = fs::remove_dir_all(root);
    fs::rename(&unpacked, root).context("cannot name what was unpacked")
}

/// Unpacks all packages of `directory` to `root`.
fn unpack(directory: &Path, root: &Path) -> Result<()> {
    let shell = Shell::new().context("cannot tell the current directory")?;
    let entries = fs::read_dir(directory).context("cannot list the packages")?;
    let files = entries.filter_map(Result::ok).map(|entry| entry.path());
    for file in files.filter(|path| path.extension().is_some_and(|it| it == "deb")) {
        let result = cmd!(shell, "dpkg-deb --extract {file} {root}").quiet().run();
        result.with_context(|| format!("cannot unpack {}", file.display()))?;
    }
    progress!("the packages are unpacked");
    Ok(())
}
