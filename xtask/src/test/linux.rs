//! Linux in scenarios: kernel, initramfs and workload made ready, and what its log must not say.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::linux::{initramfs, packages, write_ramdisk};
use crate::scenario::spec::Spec;
use crate::scenario::transcript::Transcript;
use crate::setup::Policy;
use crate::workspace::Workspace;
use crate::{build, kernel_file};

/// What starts a line of the workload that must be the same everywhere.
const RESULT_PREFIX: &str = "result: ";

/// Parts of lines by which Linux complains of itself or of its machine.
const TROUBLE: &[&str] = &[
    "WARNING: CPU",
    "WARNING: possible",
    "BUG:",
    "kernel BUG at",
    "Oops:",
    "[#1]",
    "Call Trace",
    "cut here",
    "unchecked MSR access",
    "Kernel panic",
    "soft lockup",
    "hung task",
    "self-detected stall",
    "detected stalls",
];

/// What scenarios need that boot Linux.
#[derive(Clone, Debug)]
pub(crate) struct Linux {
    /// The kernel's ELF file.
    pub(crate) kernel: PathBuf,
    /// The initramfs, with the workload.
    pub(crate) ramdisk: PathBuf,
    /// The results of the workload on the host.
    results: Vec<String>,
}

impl Linux {
    /// Makes everything ready. The packages have to be there.
    ///
    /// # Errors
    /// They are not, or a tool fails, or the workload does not run on the host.
    pub(crate) fn prepare(workspace: &Workspace) -> Result<Self> {
        let packages = packages::obtain(workspace, Policy::Report)?;
        let workload = build::linux_workload(workspace)?;
        let ramdisk = initramfs::bytes(&packages, Some(&workload))?;
        Ok(Self {
            kernel: kernel_file::elf_of(workspace, &packages.kernel)?,
            ramdisk: write_ramdisk(workspace, "initramfs-tests.cpio", &ramdisk)?,
            results: run_natively(&workload)?,
        })
    }

    /// What is wrong with a run beyond what the judge knows.
    pub(crate) fn problems(&self, spec: &Spec, transcript: &Transcript) -> Vec<String> {
        let mut problems: Vec<_> = trouble(&transcript.console).collect();
        if spec.natively {
            let results = results(transcript.console.iter().map(String::as_str));
            problems.extend(differences(&self.results, &results));
        }
        problems
    }
}

/// The lines by which Linux complains.
fn trouble(console: &[String]) -> impl Iterator<Item = String> {
    let complains = |line: &&String| TROUBLE.iter().any(|part| line.contains(part));
    console.iter().filter(complains).map(|line| format!("Linux complains: {}", line.trim()))
}

/// Results that are not the same.
fn differences(host: &[String], guest: &[String]) -> Vec<String> {
    let only = |these: &[String], others: &[String], whose: &str| -> Vec<_> {
        let missing = these.iter().filter(|it| !others.contains(it));
        missing.map(|it| format!("only {whose} has the result: {it}")).collect()
    };
    [only(host, guest, "the host"), only(guest, host, "the guest")].concat()
}

/// The results among some lines.
fn results<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    lines
        .filter_map(|line| line.trim_end().strip_prefix(RESULT_PREFIX))
        .map(str::to_owned)
        .collect()
}

/// The results of the workload on the host.
fn run_natively(workload: &Path) -> Result<Vec<String>> {
    let output = Command::new(workload).output().context("cannot run the workload on the host")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "the workload fails on the host: {text}");
    Ok(results(text.lines()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn complaints_are_found() {
        for line in [
            "[    1.0] WARNING: CPU: 0 PID: 1 at mm/x.c:1 f+0x1/0x2",
            "[    1.0] BUG: unable to handle page fault",
            "[    1.0] unchecked MSR access error: RDMSR from 0x8b",
            "[    1.0] general protection fault: 0000 [#1] PREEMPT SMP NOPTI",
        ] {
            assert_eq!(trouble(&lines(line)).count(), 1, "{line}");
        }
        let usual = "[    1.0] RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable\n\
            [    1.0] traps: workload[9] general protection fault ip:7f sp:7f error:0\n\
            [    1.0] AMD-Vi: not available on this system - This is not a bug.";
        assert_eq!(trouble(&lines(usual)).count(), 0);
    }

    #[test]
    fn results_are_compared() {
        let host = results("x\nresult: a 1\nresult: b 2\r\n".lines());
        assert_eq!(host, ["a 1", "b 2"]);
        assert!(differences(&host, &host).is_empty());
        let guest = lines("a 1\nb 3");
        assert_eq!(
            differences(&host, &guest),
            ["only the host has the result: b 2", "only the guest has the result: b 3"]
        );
        assert_eq!(differences(&host, &[]).len(), 2);
    }
}
