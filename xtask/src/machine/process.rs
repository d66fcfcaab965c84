//! The emulator's process: it never outlives this one.
//!
//! Started through `setpriv --pdeathsig` (util-linux), which asks the kernel to kill it when the
//! thread that started it ends, however that happens; the thread must therefore wait for it. In a
//! process group of its own, so that Ctrl-C reaches this program alone, which then ends it.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};

/// A command for `program` that is killed when the calling thread ends.
pub(crate) fn ending_with_us(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", program]).process_group(0);
    command
}

/// A running emulator, killed at the latest when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts `command` without input, its complaints going to `errors`; also hands over its
    /// output.
    ///
    /// # Errors
    /// The file cannot be made or the command not be started.
    pub(crate) fn start(mut command: Command, errors: &Path) -> Result<(Self, ChildStdout)> {
        let errors =
            File::create(errors).with_context(|| format!("cannot write {}", errors.display()))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().context("cannot start `setpriv` (util-linux)")?;
        let output = child.stdout.take().context("the emulator has no output")?;
        Ok((Self { child }, output))
    }

    /// Ends it now; nothing happens if it has ended.
    pub(crate) fn kill(&mut self) {
        // Both fail only for a process that is gone, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::time::{Duration, Instant};

    #[test]
    fn a_dropped_process_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let mut command = ending_with_us("sleep");
        command.arg("60");
        let start = Instant::now();
        let (process, mut output) =
            Process::start(command, &directory.path().join("errors")).unwrap();
        drop(process);
        // The pipe closes only when nobody holds its other end any more.
        assert_eq!(output.read(&mut [0]).unwrap(), 0);
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}
