//! `xtask bench`: what operations cost, beside the same operations on Xen.
//!
//! A guest measures them in Bochs, where every instruction counts one and runs repeat to the tick;
//! `lines` reads what it prints, `xen` knows Xen's figures, `table` shows both, `sites` those of patched
//! sites. `linux` is about Debian's Linux; `native` is about what those take on the processor of the host; `latency` about how long
//! events wait.

mod drawing;
mod latency;
mod lines;
mod linux;
mod native;
mod sites;
mod table;
mod xen;

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::build::{self, PAIRED_KERNEL, Profile};
use crate::cli::{BenchOptions, BenchSubject};
use crate::end::End;
use crate::machine::watch::Finish;
use crate::progress;
use crate::scenario::catalogue;
use crate::scenario::spec::Kind;
use crate::setup::{self, requirement::Use, rust::Part};
use crate::test::scenarios;
use crate::workspace::Workspace;
use lines::Measurement;
use table::Row;

/// Where measurements have their files, below the target directory.
const DIRECTORY: &str = "benches";

/// Measures and prints.
///
/// # Errors
/// Something is missing, or a guest does not come to its end.
pub(crate) fn run(workspace: &Workspace, options: BenchOptions) -> Result<ExitCode> {
    if options.native {
        let parts = [Part::BareTarget];
        setup::ensure(workspace, &[Use::Build], &parts, options.setup.policy())?;
        let measured = native::measure(workspace)?;
        return print(options, &measured, native::Measured::render);
    }
    let uses = [Use::Build, Use::Image, Use::Bochs];
    setup::ensure(workspace, &uses, &[Part::BareTarget], options.setup.policy())?;
    if options.latency {
        let texts = outputs(workspace, Kind::Latency)?;
        let report = latency::report(workspace, &texts.concat())?;
        print(options, &report, latency::Report::render)?;
        return Ok(if report.meets_aims() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    match options.subject {
        Some(BenchSubject::Linux) => {
            let report = linux::report(workspace, options.setup.policy())?;
            print(options, &report, linux::Report::render)?;
            return Ok(if report.meets_aims() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Some(BenchSubject::LinuxOnXen) => {
            print!("{}", linux::xen_lines(workspace, options.setup.policy())?);
            return Ok(ExitCode::SUCCESS);
        }
        None => {}
    }
    let mut measurements = Vec::new();
    for text in outputs(workspace, Kind::Bench)? {
        measurements.extend(lines::read(&text)?);
    }
    build::single(PAIRED_KERNEL, workspace)?;
    let report = Report { rows: rows(measurements)?, counts: sites::counts(workspace)? };
    print(options, &report, Report::render)
}

/// All measurements.
#[derive(Serialize)]
#[serde(transparent)]
struct Report {
    rows: Vec<Row>,
    #[serde(skip)]
    counts: sites::Counts,
}

impl Report {
    /// The measurements as tables: those beside Xen's, and those at patched sites.
    fn render(&self) -> String {
        let others = self.rows.iter().filter(|row| sites::place(&row.op).is_none());
        table::render(others) + &sites::render(&self.rows, &self.counts)
    }
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

/// Runs each guest of a kind in its turn; returns what they printed.
fn outputs(workspace: &Workspace, kind: Kind) -> Result<Vec<String>> {
    let benches = catalogue::all(&workspace.root, kind)?;
    ensure!(!benches.is_empty(), "there is no scenario of this kind");
    let programs = scenarios::build(workspace, &benches, Profile::Release)?;
    let mut texts = Vec::new();
    for bench in &benches {
        progress!("measuring: {}", bench.name);
        let directory =
            workspace.empty_directory(std::path::Path::new(DIRECTORY).join(&bench.name))?;
        let (finish, recorder) = scenarios::execute(bench, &programs, &directory)?;
        let text = String::from_utf8_lossy(recorder.said()).into_owned();
        ensure!(
            finish == Finish::Ended(End::Poweroff),
            "{} did not power off ({finish:?}); it printed:\n{}",
            bench.name,
            end_of(&text)
        );
        texts.push(text);
    }
    Ok(texts)
}

/// The end of a text that may be long.
fn end_of(text: &str) -> &str {
    const MOST_BYTES: usize = 4000;
    let earliest = text.len().saturating_sub(MOST_BYTES);
    let start = (earliest..=text.len()).find(|at| text.is_char_boundary(*at));
    &text[start.unwrap_or(0)..]
}

/// The measurements beside Xen's figures.
fn rows(measurements: Vec<Measurement>) -> Result<Vec<Row>> {
    ensure!(!measurements.is_empty(), "nothing was measured");
    let figures = xen::figures()?;
    Ok(measurements.into_iter().map(|it| Row::new(it, &figures)).collect())
}
