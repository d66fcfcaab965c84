//! `xtask test`: the tests of every tier, cheapest first, and one line on how it went. Miri, which
//! takes long and uses one CPU, runs beside the others.
//!
//! A run in which too little was tested fails, so that a broken filter or an empty directory never
//! looks like success.

mod disk;
mod fuzz;
mod guide;
pub(crate) mod host;
pub(crate) mod linux;
mod miri;
pub(crate) mod prepare;
pub(crate) mod recorder;
pub(crate) mod report;
pub(crate) mod scenarios;
pub(crate) mod selection;

use std::fs::File;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::cli::TestOptions;
use crate::grub::Grub;
use crate::linux::packages;
use crate::progress;
use crate::scenario::catalogue;
use crate::scenario::spec::Kind;
use crate::setup::{self, Policy, rust::Part};
use crate::workspace::Workspace;
use crate::{abi, build, noinstr, sites};
use report::{Report, Row};
use selection::{Selection, Tier, scenario_name};

/// Runs the tests.
///
/// # Errors
/// Something is missing; a failed test is no error but a failing exit status.
pub(crate) fn run(workspace: &Workspace, options: &TestOptions) -> Result<ExitCode> {
    let scenarios = catalogue::all(&workspace.root, Kind::Scenario)?;
    let mut selection = Selection::of(scenarios, &options.filters);
    if options.list {
        selection.names().for_each(|name| println!("{name}"));
        return Ok(ExitCode::SUCCESS);
    }
    setup::ensure(workspace, &selection.uses(), &[Part::BareTarget], options.setup.policy())?;
    let _alone = wait_until_alone(workspace)?;
    let start = Instant::now();
    let report = Report::default();
    let interpreted = miri::available(workspace, &selection, options.setup.policy(), &report);
    thread::scope(|scope| {
        scope.spawn(|| miri::run_all(workspace, &interpreted, &report));
        for tier in &selection.tiers {
            run_tier(workspace, *tier, &report);
        }
        run_fuzzing(workspace, &selection, options, &report);
        skip_unavailable(workspace, &mut selection, options.setup.policy(), &report);
        scenarios::run(workspace, &selection.scenarios, jobs(options), &report);
    });
    progress!("{:.0} s in all", start.elapsed().as_secs_f64());
    Ok(report.close(selection.minimum()))
}

/// Fuzzes what is selected.
fn run_fuzzing(
    workspace: &Workspace,
    selection: &Selection,
    options: &TestOptions,
    report: &Report,
) {
    let fuzzed = selection.fuzzed();
    match setup::ensure(workspace, fuzz::uses(&fuzzed), &[], options.setup.policy()) {
        Ok(()) => fuzz::run(workspace, &fuzzed, options.fuzz_seconds, jobs(options), report),
        Err(error) => {
            for name in fuzzed {
                report.add(&Row::skipped(fuzz::row_name(name), &error));
            }
        }
    }
}

/// Takes out, each by its name, what needs a machine or packages that cannot be had here.
fn skip_unavailable(
    workspace: &Workspace,
    selection: &mut Selection,
    policy: Policy,
    report: &Report,
) {
    if let Err(error) = setup::ensure(workspace, &selection.wishes(), &[], policy) {
        for scenario in selection.take_skipped() {
            report.add(&Row::skipped(scenario_name(&scenario), &error));
        }
    }
    if selection.has_grub()
        && let Err(error) = Grub::obtain(workspace, policy)
    {
        for scenario in selection.take_grub() {
            report.add(&Row::skipped(scenario_name(&scenario), &error));
        }
    }
    if selection.has_linux()
        && let Err(error) = packages::obtain(workspace, policy)
    {
        for scenario in selection.take_linux() {
            report.add(&Row::skipped(scenario_name(&scenario), &error));
        }
    }
}

/// Runs a tier that is a single step, or the tests of a package.
fn run_tier(workspace: &Workspace, tier: Tier, report: &Report) {
    let start = Instant::now();
    let result = match tier {
        Tier::Host(package) => {
            let result = host::run(workspace, package);
            return report.add_package(tier.name(), result, start.elapsed());
        }
        // Run beside these, and behind them.
        Tier::Miri(_) | Tier::Fuzz(_) => return,
        Tier::Abi => abi::run().map(|()| String::new()),
        Tier::Noinstr => noinstr::run(workspace),
        Tier::Guide => guide::run(workspace),
        Tier::Sites => sites::test(workspace),
        Tier::Size => {
            build::single(build::HYPERVISOR, workspace).and_then(|file| build::check_size(&file))
        }
    };
    report.add(&Row::of_result(tier.name(), result, start.elapsed()));
}

/// How many scenarios run side by side.
fn jobs(options: &TestOptions) -> usize {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    options.jobs.map_or(cores, usize::from)
}

/// Waits for another run that uses the same directories; the lock ends with the file.
fn wait_until_alone(workspace: &Workspace) -> Result<File> {
    let path = workspace.directory("")?.join("test.lock");
    let lock = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    if lock.try_lock().is_err() {
        progress!("waiting for another test run in the same target directory");
        lock.lock().context("cannot wait for the other test run")?;
    }
    Ok(lock)
}
