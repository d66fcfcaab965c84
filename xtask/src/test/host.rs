//! The tests that run on the host, by `cargo test`, and the sums it prints.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use xshell::{Cmd, cmd};

use super::report::{Row, Status, Tally};
use crate::progress;
use crate::workspace::{Workspace, cargo};

/// How many lines of a failed package's output are shown.
const TAIL: usize = 60;

/// What starts the line of sums.
const SUMS_PREFIX: &str = "test result: ";

/// The tests of a package.
#[derive(Clone, Debug)]
pub(crate) struct HostTests {
    /// Their sums.
    pub(crate) tally: Tally,
    /// The end of their output, if one failed.
    output: Vec<String>,
}

impl HostTests {
    /// The package's line.
    pub(crate) fn row(&self, name: String, time: Duration) -> Row {
        let status = if self.tally.failed == 0 { Status::Passed } else { Status::Failed };
        let mut remarks = vec![self.tally.to_string()];
        remarks.extend(self.output.iter().cloned());
        Row { name, status, remarks, time }
    }
}

/// Runs the tests of `package`.
///
/// # Errors
/// Cargo cannot be started, or ends in a way that its sums do not tell.
pub(crate) fn run(workspace: &Workspace, package: &str) -> Result<HostTests> {
    progress!("testing {package} on the host");
    let shell = workspace.shell()?;
    let cargo = cargo();
    tests_of(cmd!(shell, "{cargo} test --package {package} --no-fail-fast"), package)
}

/// Runs a command that tests `package`.
///
/// # Errors
/// It cannot be started, or ends in a way that its sums do not tell.
pub(super) fn tests_of(command: Cmd<'_>, package: &str) -> Result<HostTests> {
    let mut run = Command::from(command);
    // What the compiler has to say goes to the terminal as it comes; the tests' words are kept.
    let output = run.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot test {package}"))?;
    judge(&String::from_utf8_lossy(&output.stdout), output.status.success())
}

/// Adds up what cargo printed.
fn judge(output: &str, succeeded: bool) -> Result<HostTests> {
    let mut tally = Tally::default();
    for line in output.lines() {
        if let Some(sums) = parse_sums(line) {
            tally.passed += sums.passed;
            tally.failed += sums.failed;
            tally.skipped += sums.skipped;
        }
    }
    ensure!(
        succeeded || tally.failed > 0,
        "cargo test failed before or beside the tests\n{}",
        tail(output).join("\n")
    );
    ensure!(succeeded != (tally.failed > 0), "cargo test and its sums disagree");
    ensure!(tally.passed + tally.failed > 0, "there are no tests");
    let output = if succeeded { Vec::new() } else { tail(output) };
    Ok(HostTests { tally, output })
}

/// The last lines of some output.
fn tail(output: &str) -> Vec<String> {
    let lines: Vec<_> = output.lines().map(str::to_owned).collect();
    lines[lines.len().saturating_sub(TAIL)..].to_vec()
}

/// Reads `test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; ...`.
fn parse_sums(line: &str) -> Option<Tally> {
    let (_, sums) = line.strip_prefix(SUMS_PREFIX)?.split_once(". ")?;
    let count = |name: &str| -> Option<u32> {
        let words = sums.split("; ").find_map(|part| part.strip_suffix(name))?;
        words.trim().parse().ok()
    };
    Some(Tally { passed: count("passed")?, failed: count("failed")?, skipped: count("ignored")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of sums as cargo prints it.
    const OK: &str = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s";
    const FAILED: &str = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";

    #[test]
    fn sums_are_read() {
        assert_eq!(parse_sums(OK), Some(Tally { passed: 12, failed: 0, skipped: 1 }));
        assert_eq!(parse_sums(FAILED), Some(Tally { passed: 3, failed: 2, skipped: 0 }));
        for line in [
            "",
            "test a ... ok",
            "test result: ok.",
            "test result: ok. many passed; 0 failed; 0 ignored",
        ] {
            assert_eq!(parse_sums(line), None, "{line}");
        }
    }

    #[test]
    fn sums_of_several_programs_add_up() {
        let tests = judge(&format!("{OK}\nnoise\n{OK}\n"), true).unwrap();
        assert_eq!(tests.tally, Tally { passed: 24, failed: 0, skipped: 2 });
        let tests = judge(&format!("{OK}\nthread panicked\n{FAILED}\n"), false).unwrap();
        assert_eq!(tests.tally.failed, 2);
        let row = tests.row("host/x".into(), Duration::ZERO);
        assert!(row.status == Status::Failed && row.to_string().contains("thread panicked"));
    }

    #[test]
    fn silence_and_contradiction_are_no_success() {
        assert!(judge("", true).is_err());
        assert!(judge("error: could not compile", false).is_err());
        assert!(judge(OK, false).is_err());
        assert!(judge(FAILED, true).is_err());
        let none = "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
        assert!(judge(none, true).is_err());
    }
}
