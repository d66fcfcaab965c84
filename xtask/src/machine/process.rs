//! The emulator's process: it never outlives this one.
//!
//! Started through `setpriv --pdeathsig` (util-linux), which asks the kernel to kill it when the
//! thread that started it ends, however that happens; the thread must therefore wait for it. In a
//! process group of its own, so that Ctrl-C reaches this program alone, which then ends it. What it
//! complains about goes to a file, which also tells by what signal it ended.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

/// The file of the emulator's complaints.
const ERRORS: &str = "emulator.err";

/// How many lines of it are its last words.
const LAST_LINES: usize = 4;

/// How often to look for the end of a process whose output has ended, and how long to wait between.
const LOOKS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(10);

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
    errors: File,
}

impl Process {
    /// Starts `command` without input, its complaints going to a file in `directory`; also hands
    /// over its output.
    ///
    /// # Errors
    /// The file cannot be made or the command not be started.
    pub(crate) fn start(mut command: Command, directory: &Path) -> Result<(Self, ChildStdout)> {
        let path = directory.join(ERRORS);
        let errors =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let shared = errors.try_clone().context("cannot share a file with the emulator")?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(shared);
        let mut child = command.spawn().context("cannot start `setpriv` (util-linux)")?;
        let output = child.stdout.take().context("the emulator has no output")?;
        Ok((Self { child, errors }, output))
    }

    /// Notes the signal that ended it, if one did. Its end has come, or is a moment away.
    pub(crate) fn note_signal(&mut self) {
        let mut status = None;
        for _ in 0..LOOKS {
            status = self.child.try_wait().ok().flatten();
            if status.is_some() {
                break;
            }
            thread::sleep(PAUSE);
        }
        if let Some(signal) = status.and_then(|status| status.signal()) {
            // A note that cannot be written is missed at most by a reader of the file.
            let _ = writeln!(self.errors, "ended by signal {signal}");
        }
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

/// The last complaints of the emulator that ran in `directory`.
pub(crate) fn last_words(directory: &Path) -> Vec<String> {
    let words = fs::read(directory.join(ERRORS)).unwrap_or_default();
    let words = String::from_utf8_lossy(&words);
    let lines: Vec<_> =
        words.lines().filter(|line| !line.trim_matches(['=', ' ']).is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    last.iter().map(|line| format!("the emulator: {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::time::Instant;

    #[test]
    fn a_dropped_process_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let mut command = ending_with_us("sleep");
        command.arg("60");
        let start = Instant::now();
        let (process, mut output) = Process::start(command, directory.path()).unwrap();
        drop(process);
        // The pipe closes only when nobody holds its other end any more.
        assert_eq!(output.read(&mut [0]).unwrap(), 0);
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn the_last_words_name_the_signal() {
        let directory = tempfile::tempdir().unwrap();
        let mut command = ending_with_us("bash");
        command.args(["-c", "echo one; for i in 1 2 3 4; do echo $i >&2; done; kill -ABRT $$"]);
        let (mut process, _output) = Process::start(command, directory.path()).unwrap();
        process.note_signal();
        let words = last_words(directory.path());
        let expected =
            ["2", "3", "4", "ended by signal 6"].map(|line| format!("the emulator: {line}"));
        assert_eq!(words, expected);
    }
}
