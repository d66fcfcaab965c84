//! `xtask bench`: what operations cost, beside the same operations on Xen.
//!
//! A guest measures them in Bochs, where every instruction counts one and runs repeat to the tick;
//! `lines` reads what it prints, `xen` knows Xen's figures, `table` shows both. `native` is about
//! what a guest does without the hypervisor, on the processor of the host.

mod lines;
mod native;
mod table;
mod xen;

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::cli::BenchOptions;
use crate::end::End;
use crate::machine::watch::Finish;
use crate::progress;
use crate::scenario::catalogue::{self, Scenario};
use crate::scenario::spec::Kind;
use crate::setup::{self, requirement::Use, rust::Part};
use crate::test::scenarios;
use crate::workspace::Workspace;
use lines::Measurement;
use table::Row;

/// Measures and prints.
///
/// # Errors
/// Something is missing, or a guest does not come to its end.
pub(crate) fn run(workspace: &Workspace, options: BenchOptions) -> Result<ExitCode> {
    if options.native {
        setup::ensure(workspace, &[Use::Build], &[], options.setup.policy())?;
        let measured = native::measure(workspace)?;
        return print(options, &measured, native::Measured::render);
    }
    let uses = [Use::Build, Use::Image, Use::Bochs];
    setup::ensure(workspace, &uses, &[Part::BareTarget], options.setup.policy())?;
    let benches = catalogue::all(&workspace.root, Kind::Bench)?;
    ensure!(!benches.is_empty(), "there is no scenario of kind `bench`");
    let rows = rows(measure(workspace, &benches)?)?;
    print(options, &rows, |rows| table::render(rows))
}

/// Prints what was measured, as records or as a table.
fn print<T: Serialize>(
    options: BenchOptions,
    measured: &T,
    table: fn(&T) -> String,
) -> Result<ExitCode> {
    if options.json {
        println!("{}", serde_json::to_string_pretty(measured).context("cannot write JSON")?);
    } else {
        print!("{}", table(measured));
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs each guest in its turn.
fn measure(workspace: &Workspace, benches: &[Scenario]) -> Result<Vec<Measurement>> {
    let programs = scenarios::build(workspace, benches)?;
    let mut measurements = Vec::new();
    for bench in benches {
        progress!("measuring: {}", bench.name);
        let directory =
            workspace.empty_directory(std::path::Path::new("benches").join(&bench.name))?;
        let (finish, recorder) = scenarios::execute(bench, &programs, &directory)?;
        let text = String::from_utf8_lossy(recorder.said());
        ensure!(
            finish == Finish::Ended(End::Poweroff),
            "{} did not power off ({finish:?}); it printed:\n{text}",
            bench.name
        );
        measurements.extend(lines::read(&text)?);
    }
    Ok(measurements)
}

/// The measurements beside Xen's figures.
fn rows(measurements: Vec<Measurement>) -> Result<Vec<Row>> {
    ensure!(!measurements.is_empty(), "nothing was measured");
    let figures = xen::figures()?;
    Ok(measurements.into_iter().map(|it| Row::new(it, &figures)).collect())
}
