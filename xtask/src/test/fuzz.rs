//! Fuzzing: each target of `xenolith_core::fuzzing` for a while, under libFuzzer.
//!
//! libFuzzer comes as source with a package, and the compiler's own passes count what is reached: no
//! other toolchain and no other tool. `core` has no unsafe code, so there is nothing for a sanitizer
//! of addresses to find; Miri runs the tests of what it copies.
//!
//! What was found to reach new code is kept below the target directory for the next run, and so is
//! an input that failed: each run begins with those.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use xenolith_core::fuzzing::TARGETS;
use xshell::cmd;

use super::report::{Report, Row};
use super::selection::Tier;
use crate::progress;
use crate::setup::requirement::Use;
use crate::workspace::{Workspace, cargo};

/// The profile and the package.
const PROFILE: &str = "fuzz";
const PACKAGE: &str = "xenolith-fuzz";

/// What has the compiler count edges and tell of comparisons.
const FLAGS: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Seconds after which one input is taken to run for ever; the longest takes a tenth of one.
const TIMEOUT: u32 = 30;

/// The least number of inputs in a second; with fewer something is wrong with the target.
const SLOWEST: u64 = 10;

/// How many lines of a failed target's output are shown.
const TAIL: usize = 12;

/// What has to be installed to fuzz `targets`.
pub(super) fn uses(targets: &[&str]) -> &'static [Use] {
    if targets.is_empty() { &[] } else { &[Use::Build, Use::Fuzz] }
}

/// The name of a target's row.
pub(super) fn row_name(target: &'static str) -> String {
    Tier::Fuzz(target).name()
}

/// Fuzzes `targets` for some seconds each, `jobs` at a time.
pub(super) fn run(
    workspace: &Workspace,
    targets: &[&'static str],
    seconds: u32,
    jobs: usize,
    report: &Report,
) {
    if targets.is_empty() {
        return;
    }
    let start = Instant::now();
    let host = match build(workspace) {
        Ok(host) => host,
        Err(error) => {
            let remarks = vec![format!("{error:#}")];
            return report.add(&Row::failed("fuzz".to_owned(), remarks, start.elapsed()));
        }
    };
    progress!("fuzzing {} targets for {seconds} s each, {jobs} at a time", targets.len());
    let next = Mutex::new(targets.iter());
    let take = || next.lock().ok()?.next().copied();
    let work = || {
        while let Some(target) = take() {
            let start = Instant::now();
            let result = fuzz(workspace, &host, target, seconds);
            report.add(&Row::of_result(row_name(target), result, start.elapsed()));
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.min(targets.len()) {
            scope.spawn(work);
        }
    });
}

/// Builds all targets; returns the name of the host's target.
fn build(workspace: &Workspace) -> Result<String> {
    progress!("building what is fuzzed");
    let shell = workspace.shell()?;
    let host = cmd!(shell, "rustc --print host-tuple").quiet().read()?;
    let cargo = cargo();
    // With a target, so that programs of the build itself are not counted.
    cmd!(shell, "{cargo} build --package {PACKAGE} --bins --profile {PROFILE} --target {host}")
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"))
        .quiet()
        .run()
        .context("cannot build what is fuzzed")?;
    Ok(host)
}

/// Fuzzes one target; returns a remark.
fn fuzz(workspace: &Workspace, host: &str, name: &str, seconds: u32) -> Result<String> {
    let directory = Path::new("fuzz").join(name);
    let seeds = workspace.empty_directory(directory.join("seeds"))?;
    let found = workspace.directory(directory.join("found"))?;
    let failed = workspace.directory(directory.join("failed"))?;
    write_seeds(name, &seeds)?;
    let program = workspace.host_program(host, PROFILE, name);
    let start = Instant::now();
    let output = Command::new(&program)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={TIMEOUT}"))
        .arg(format!("-artifact_prefix={}/", failed.display()))
        .args(["-print_final_stats=1", "-use_value_profile=1", "-reload=0"])
        .args([&found, &seeds, &failed])
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    judge(&output, start.elapsed(), &program)
}

/// Writes what a target starts from.
fn write_seeds(name: &str, directory: &Path) -> Result<()> {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.with_context(|| format!("there is no target {name}"))?;
    for (number, seed) in (target.seeds)().iter().enumerate() {
        let path = directory.join(number.to_string());
        fs::write(&path, seed).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// What libFuzzer says.
fn judge(output: &Output, time: Duration, program: &Path) -> Result<String> {
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{}", failure(&text, program));
    }
    let runs = number_behind(&text, "stat::number_of_executed_units:");
    let runs = runs.with_context(|| format!("libFuzzer tells no sums\n{}", tail(&text)))?;
    let each_second = runs / time.as_secs().max(1);
    ensure!(each_second >= SLOWEST, "only {runs} inputs in {} s", time.as_secs());
    let reached = number_behind(&text[text.rfind(" cov: ").unwrap_or(0)..], "cov:").unwrap_or(0);
    ensure!(reached != 0, "nothing is counted: the compiler's passes have not run");
    Ok(format!("{runs} inputs, {each_second} a second, {reached} edges"))
}

/// What went wrong, and how to see it again.
fn failure(text: &str, program: &Path) -> String {
    const WRITTEN: &str = "Test unit written to ";
    let lines: Vec<_> = text.lines().collect();
    let mut words = Vec::new();
    if let Some(at) = lines.iter().position(|line| line.contains("panicked at")) {
        words.extend(lines[at..].iter().take(2).map(|line| (*line).to_owned()));
    }
    words.extend(lines.iter().filter(|it| it.contains("libFuzzer: ")).map(|it| (*it).to_owned()));
    match lines.iter().find_map(|line| line.split_once(WRITTEN)) {
        Some((_, input)) => {
            words.push(format!("to run it again: {} {input}", program.display()));
        }
        None => words.push(tail(text)),
    }
    words.join("\n")
}

/// The number behind a word.
fn number_behind(text: &str, word: &str) -> Option<u64> {
    text.split_once(word)?.1.split_whitespace().next()?.parse().ok()
}

/// The last lines.
fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    /// What a target left that ended with `status`.
    fn output(status: i32, text: &str) -> Output {
        let stderr = text.as_bytes().to_vec();
        Output { status: ExitStatus::from_raw(status << 8), stdout: Vec::new(), stderr }
    }

    fn judged(status: i32, text: &str) -> Result<String> {
        judge(&output(status, text), Duration::from_secs(10), Path::new("/x/store"))
    }

    #[test]
    fn sums_are_told() {
        let text = "#1 NEW cov: 3 ft: 4\n#9 DONE   cov: 616 ft: 2153 corp: 4\n\
                    stat::number_of_executed_units: 33381\n";
        assert_eq!(judged(0, text).unwrap(), "33381 inputs, 3338 a second, 616 edges");
    }

    #[test]
    fn silence_slowness_and_blindness_are_no_success() {
        for text in [
            "",
            "cov: 616 ft\nstat::number_of_executed_units: 99",
            "stat::number_of_executed_units: 99999",
            "#2 DONE cov: 0 ft: 0\nstat::number_of_executed_units: 99999",
        ] {
            assert!(judged(0, text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_failure_names_its_input_and_how_to_run_it() {
        let text = "noise\nthread '<unnamed>' (1) panicked at a.rs:1:2:\nindex\nstack\n\
                    ==1== ERROR: libFuzzer: deadly signal\n\
                    artifact_prefix='/f/'; Test unit written to /f/crash-1\n";
        let words = judged(77, text).unwrap_err().to_string();
        for part in ["panicked at a.rs:1:2:\nindex\n", "deadly signal", "/x/store /f/crash-1"] {
            assert!(words.contains(part), "{words}");
        }
        assert!(!words.contains("noise"));
        assert!(judged(1, "killed").unwrap_err().to_string().contains("killed"));
    }

    #[test]
    fn every_target_has_something_to_start_from() {
        let directory = tempfile::tempdir().unwrap();
        for target in TARGETS {
            write_seeds(target.name, directory.path()).unwrap();
            assert!(directory.path().join("0").exists());
        }
        assert!(write_seeds("nothing", directory.path()).is_err());
    }
}
