//! The scenarios of a test run, side by side.
//!
//! Each keeps its files in a directory of its own below the target directory until the next run.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::disk;
use super::linux::Linux;
use super::prepare::{Programs, discard, disk_in, prepare};
use super::recorder::Recorder;
use super::report::{Report, Row, Status};
use super::selection::scenario_name;
use crate::build::{HYPERVISOR, PAIRED_KERNEL, Profile, programs_of, single};
use crate::end::End;
use crate::grub::Grub;
use crate::machine::process::last_words;
use crate::machine::watch::{Finish, Watch};
use crate::machine::{self, Setup};
use crate::programs;
use crate::progress;
use crate::scenario::catalogue::Scenario;
use crate::scenario::judge::{Outcome, judge};
use crate::scenario::ramdisk;
use crate::scenario::spec::Guest;
use crate::scenario::transcript::Transcript;
use crate::setup::Policy;
use crate::symbols::{Images, Named};
use crate::trace;
use crate::workspace::Workspace;

/// How many lines of a failed scenario's output are shown.
const TAIL: usize = 25;

/// How often a machine is started that says nothing at all.
const STARTS: u32 = 3;

/// The file of a scenario's trace.
const TRACE: &str = "trace";

/// Builds and runs `scenarios`, `jobs` at a time.
pub(crate) fn run(workspace: &Workspace, scenarios: &[Scenario], jobs: usize, report: &Report) {
    if scenarios.is_empty() {
        return;
    }
    let start = Instant::now();
    match build(workspace, scenarios, Profile::Scenario) {
        Ok(programs) => {
            progress!("running {} scenarios, {jobs} at a time", scenarios.len());
            run_all(workspace, scenarios, &programs, jobs, report);
        }
        Err(error) => {
            report.add(&Row::failed(
                "build".to_owned(),
                vec![format!("{error:#}")],
                start.elapsed(),
            ));
        }
    }
}

/// Builds what the scenarios need, themselves with `profile`.
pub(crate) fn build(
    workspace: &Workspace,
    scenarios: &[Scenario],
    profile: Profile,
) -> Result<Programs> {
    let hypervisor = single(HYPERVISOR, workspace)?;
    let needs_kernel = scenarios.iter().any(|it| it.spec.image.guest == Guest::PairedKernel);
    let paired_kernel = if needs_kernel { Some(single(PAIRED_KERNEL, workspace)?) } else { None };
    let needs_programs =
        scenarios.iter().any(|it| it.spec.ramdisk.as_deref() == Some(ramdisk::PROGRAMS));
    let ramdisk = if needs_programs { Some(programs::ramdisk(workspace)?) } else { None };
    let names: BTreeSet<_> = scenarios.iter().filter_map(Scenario::program).collect();
    let names: Vec<_> = names.into_iter().collect();
    programs_of(&names, profile).run(workspace)?;
    let directory = workspace.directory("stripped")?;
    let symbols = [Profile::Release, profile].map(|profile| workspace.program_of(profile, ""));
    let has_grub = scenarios.iter().any(|it| it.spec.is_grub());
    let grub = if has_grub { Some(Grub::obtain(workspace, Policy::Report)?) } else { None };
    let has_linux = scenarios.iter().any(|it| it.spec.is_linux());
    let linux = if has_linux { Some(Linux::prepare(workspace)?) } else { None };
    Ok(Programs { hypervisor, paired_kernel, ramdisk, grub, directory, symbols, linux })
}

/// Runs them in `jobs` threads, each of which takes the next one.
fn run_all(
    workspace: &Workspace,
    scenarios: &[Scenario],
    programs: &Programs,
    jobs: usize,
    report: &Report,
) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
            report.add(&run_one(workspace, scenario, programs));
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.min(scenarios.len()) {
            scope.spawn(work);
        }
    });
}

/// Runs one of them.
fn run_one(workspace: &Workspace, scenario: &Scenario, programs: &Programs) -> Row {
    let start = Instant::now();
    let name = scenario_name(scenario);
    let directory = workspace.empty_directory(Path::new("scenarios").join(&scenario.name));
    let result = directory.and_then(|directory| attempt(scenario, programs, &directory));
    result.map_or_else(
        |error| Row::failed(name.clone(), vec![format!("{error:#}")], start.elapsed()),
        |(outcome, said)| row(name.clone(), outcome, &said, start.elapsed()),
    )
}

/// Runs one of them as far as it gets; also tells what it printed.
fn attempt(
    scenario: &Scenario,
    programs: &Programs,
    directory: &Path,
) -> Result<(Outcome, Vec<u8>)> {
    let (finish, recorder) = execute(scenario, programs, directory)
        .with_context(|| format!("its files are in {}", directory.display()))?;
    let mut transcript = Transcript::read(recorder.said());
    if !scenario.spec.trace.is_empty() {
        transcript.trace =
            trace::text(&directory.join(TRACE))?.lines().map(str::to_owned).collect();
    }
    let mut outcome = judge(&scenario.spec, finish, &transcript);
    if let Some(linux) = programs.linux.as_ref().filter(|_| scenario.spec.is_linux()) {
        let problems = linux.problems(&scenario.spec, &transcript).into_iter();
        outcome = problems.fold(outcome, Outcome::with_problem);
    }
    if let Some(disk) = disk_in(directory, &scenario.spec).filter(|_| scenario.spec.disk_results) {
        let problems = disk::problems(&disk.path, &transcript).into_iter();
        outcome = problems.fold(outcome, Outcome::with_problem);
    }
    if finish == Finish::Ended(End::NoVerdict) {
        outcome = last_words(directory).into_iter().fold(outcome, Outcome::with_problem);
    }
    let outcome = match recorder.never_typed() {
        Some(text) => outcome
            .with_problem(format!("nothing was typed, because the console never said: {text}")),
        None => outcome,
    };
    Ok((settle(outcome, directory)?, recorder.said().to_vec()))
}

/// Tells where a failed scenario's files are; leaves only the logs of any other.
fn settle(outcome: Outcome, directory: &Path) -> Result<Outcome> {
    if let Outcome::Failed(_) = outcome {
        return Ok(outcome.with_problem(format!("its files are in {}", directory.display())));
    }
    discard(directory)?;
    Ok(outcome)
}

/// Starts the scenario's machine and waits for its end.
///
/// An emulator may fail before its machine has executed anything that matters: then nobody has said
/// a word. That is no result, so the machine is started again, and the output says so.
pub(crate) fn execute(
    scenario: &Scenario,
    programs: &Programs,
    directory: &Path,
) -> Result<(Finish, Recorder)> {
    let setup = prepare(scenario, programs, directory)?;
    let images = programs.images(scenario);
    for again in (0..STARTS).rev() {
        let (finish, recorder) = start(scenario, &setup, &images, directory)?;
        if again == 0 || !is_silent(finish, recorder.said()) {
            return Ok((finish, recorder));
        }
        progress!("{}: the machine said nothing; starting it again", scenario.name);
        for line in last_words(directory) {
            progress!("{line}");
        }
    }
    bail!("the machine is never started")
}

/// Whether the machine did nothing that anybody could see.
fn is_silent(finish: Finish, said: &[u8]) -> bool {
    finish == Finish::Ended(End::NoVerdict) && said.is_empty()
}

/// Starts it once.
fn start(
    scenario: &Scenario,
    setup: &Setup,
    images: &Images,
    directory: &Path,
) -> Result<(Finish, Recorder)> {
    let mut watch = Watch::prepare()?;
    if !scenario.spec.trace.is_empty() {
        watch.trace_to(trace::create(&directory.join(TRACE))?);
    }
    if let Some(disk) = disk_in(directory, &scenario.spec) {
        watch.disk_to(disk.open()?);
    }
    let command = machine::command(scenario.spec.machine(), setup, directory, watch.port()?)?;
    let mut recorder = Recorder::new(&scenario.spec.input);
    let limit = Duration::from_secs(scenario.spec.timeout);
    let finish = watch.run(command, directory, Some(limit), &mut Named::new(&mut recorder, images));
    fs::write(directory.join("serial.log"), recorder.said()).context("cannot write serial.log")?;
    Ok((finish?, recorder))
}

/// The line of a scenario.
fn row(name: String, outcome: Outcome, said: &[u8], time: Duration) -> Row {
    match outcome {
        Outcome::Passed => Row { name, status: Status::Passed, remarks: Vec::new(), time },
        Outcome::Skipped => Row { name, status: Status::Skipped, remarks: Vec::new(), time },
        Outcome::Failed(mut problems) => {
            problems.push("the end of its output:".to_owned());
            problems.extend(tail(said));
            Row::failed(name, problems, time)
        }
    }
}

/// The last lines of a scenario's output.
fn tail(said: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(said);
    let lines: Vec<_> = text.lines().map(|line| format!("| {}", line.escape_debug())).collect();
    lines[lines.len().saturating_sub(TAIL)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_machine_that_did_nothing_is_silent() {
        let silent = Finish::Ended(End::NoVerdict);
        assert!(is_silent(silent, b""));
        assert!(!is_silent(silent, b"x"));
        assert!(!is_silent(Finish::Ended(End::Timeout), b""));
        assert!(!is_silent(Finish::Stuck(End::NoVerdict), b""));
    }

    #[test]
    fn a_failure_shows_its_problems_and_the_tail_of_its_output() {
        let lines: Vec<_> = (0..100).map(|number| format!("line {number}\r\n")).collect();
        let said = lines.concat();
        let outcome = Outcome::Failed(vec!["why".into()]);
        let row = row("scenario/x".into(), outcome, said.as_bytes(), Duration::ZERO);
        let text = row.to_string();
        assert!(text.contains("why") && text.contains("| line 99"), "{text}");
        assert!(text.contains("| line 75") && !text.contains("| line 74"), "{text}");
    }
}
