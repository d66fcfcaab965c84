//! A command line that is shown before it is run, exactly as it is run.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::progress;

/// A command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    words: Vec<String>,
}

impl Line {
    /// A line of these words.
    pub(crate) fn new(words: Vec<String>) -> Self {
        Self { words }
    }

    /// The same from literals.
    pub(crate) fn of(words: &[&str]) -> Self {
        Self::new(words.iter().map(|word| (*word).to_owned()).collect())
    }

    /// Shows and runs it in `directory`. Its output goes where ours about progress goes, so that
    /// standard output stays free for results.
    ///
    /// # Errors
    /// It cannot be started, or it fails.
    pub(crate) fn run(&self, directory: &Path) -> Result<()> {
        progress!("running: {self}");
        let output =
            io::stderr().as_fd().try_clone_to_owned().context("standard error is closed")?;
        let status = self.command(directory)?.stdout(Stdio::from(output)).status();
        let status = status.with_context(|| format!("cannot start `{self}`"))?;
        ensure!(status.success(), "`{self}` failed ({status})");
        Ok(())
    }

    /// Runs it without showing anything; tells whether it succeeded.
    pub(crate) fn succeeds(&self, directory: &Path) -> bool {
        let command = self.command(directory);
        command
            .is_ok_and(|mut command| command.output().is_ok_and(|output| output.status.success()))
    }

    /// The command.
    fn command(&self, directory: &Path) -> Result<Command> {
        let (program, arguments) = self.words.split_first().context("an empty command")?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(directory);
        Ok(command)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_is_named() {
        let error = Line::of(&["false", "x"]).run(Path::new("/")).unwrap_err().to_string();
        assert!(error.contains("`false x` failed"), "{error}");
        assert!(Line::of(&["true"]).run(Path::new("/")).is_ok());
        assert!(Line::of(&["nonexistent-program"]).run(Path::new("/")).is_err());
    }

    #[test]
    fn success_is_told_from_failure() {
        assert!(Line::of(&["true"]).succeeds(Path::new("/")));
        assert!(!Line::of(&["false"]).succeeds(Path::new("/")));
        assert!(!Line::of(&["nonexistent-program"]).succeeds(Path::new("/")));
    }
}
