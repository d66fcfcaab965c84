//! `xtask bench --latency`: how long an event waits while a long hypercall is being made.
//!
//! A guest prints samples (`lines`): moments in a call at which an event was due, and the
//! instructions from there to the first one of its handler. Here they become a table with the aims
//! that they have to meet, a file of numbers and a plot.

mod lines;
mod plot;

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::progress;
use crate::workspace::Workspace;
use lines::Samples;

/// What an event waits for at most, in instructions.
const WORST: u64 = 20_000;
/// What an event waits for as a rule, in instructions.
const MEDIAN: u64 = 3000;

/// The latencies under one call.
#[derive(Debug, PartialEq, Serialize)]
struct Row {
    /// The call.
    call: String,
    /// Instructions that the call took, events and all.
    instructions: u64,
    /// Number of samples.
    samples: usize,
    /// Instructions that an event waited for, at best.
    best: u64,
    /// Likewise, half of them.
    median: u64,
    /// Likewise, 99 in 100.
    percentile_99: u64,
    /// Likewise, at worst.
    worst: u64,
}

/// All latencies.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Report {
    rows: Vec<Row>,
}

/// Reads what the guest printed, and writes the numbers and the plot below the target directory.
///
/// # Errors
/// The text makes no sense, or a file cannot be written.
pub(super) fn report(workspace: &Workspace, text: &str) -> Result<Report> {
    let calls = lines::read(text)?;
    ensure!(!calls.is_empty(), "nothing was measured");
    let directory = workspace.directory("latency")?;
    let numbers = directory.join("latency.tsv");
    fs::write(&numbers, tsv(&calls)).context("cannot write the samples")?;
    let picture = directory.join("latency.svg");
    fs::write(&picture, plot::svg(&calls)?).context("cannot write the plot")?;
    progress!("samples: {}", numbers.display());
    progress!("plot: {}", picture.display());
    Ok(Report { rows: calls.iter().map(row).collect() })
}

/// The samples, one in a line.
fn tsv(calls: &[Samples]) -> String {
    let mut text = "call\tinstructions before\tlatency in instructions\n".to_owned();
    for Samples { call, events, .. } in calls {
        for (moment, latency) in events {
            let _ = writeln!(text, "{call}\t{moment}\t{latency}");
        }
    }
    text
}

fn row(samples: &Samples) -> Row {
    let latencies = samples.latencies();
    let last = latencies.len() - 1;
    Row {
        call: samples.call.clone(),
        instructions: samples.instructions,
        samples: latencies.len(),
        best: latencies[0],
        median: latencies[last / 2],
        percentile_99: latencies[last * 99 / 100],
        worst: latencies[last],
    }
}

impl Row {
    const fn meets_aims(&self) -> bool {
        self.worst <= WORST && self.median <= MEDIAN
    }
}

impl Report {
    /// Whether each call meets the aims.
    pub(super) fn meets_aims(&self) -> bool {
        self.rows.iter().all(Row::meets_aims)
    }

    /// The latencies as a table.
    pub(super) fn render(&self) -> String {
        let width = self.rows.iter().map(|row| row.call.len()).max().unwrap_or(0);
        let heads = ("instructions", "samples", "best", "median", "99 %", "worst");
        let mut text = format!(
            "{:<width$} {:>12} {:>8} {:>6} {:>7} {:>7} {:>7}\n",
            "event while a call is made", heads.0, heads.1, heads.2, heads.3, heads.4, heads.5
        );
        for row in &self.rows {
            let Row { call, instructions, samples, best, median, percentile_99, worst } = row;
            let missed = if row.meets_aims() { "" } else { "  misses its aim" };
            let _ = writeln!(
                text,
                "{call:<width$} {instructions:>12} {samples:>8} {best:>6} {median:>7} \
                 {percentile_99:>7} {worst:>7}{missed}"
            );
        }
        let _ = writeln!(text, "aims: median at most {MEDIAN}, worst at most {WORST} instructions");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(latencies: &[u64]) -> Samples {
        let events = latencies.iter().map(|latency| (7, *latency)).collect();
        Samples { call: "a call".into(), instructions: 5000, events }
    }

    #[test]
    fn a_row_has_the_middle_and_the_ends() {
        let row = row(&samples(&[30, 10, 20, 90]));
        assert_eq!((row.best, row.median, row.percentile_99, row.worst), (10, 20, 30, 90));
        assert_eq!((row.samples, row.instructions), (4, 5000));
    }

    #[test]
    fn aims_are_missed_by_the_worst_and_by_the_median() {
        for (latencies, meets) in
            [(&[3000, 3000, 20_000][..], true), (&[1, 1, 20_001], false), (&[1, 3001, 3002], false)]
        {
            let report = Report { rows: vec![row(&samples(latencies))] };
            assert_eq!(report.meets_aims(), meets, "{latencies:?}");
            assert_eq!(report.render().contains("misses"), !meets, "{latencies:?}");
        }
    }

    #[test]
    fn every_sample_has_a_line() {
        let text = tsv(&[samples(&[1, 2])]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[1..], ["a call\t7\t1", "a call\t7\t2"]);
    }
}
