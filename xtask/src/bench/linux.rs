//! `xtask bench linux`: what Debian's Linux costs under Xenolith, beside the same kernel with the same
//! initramfs as the first domain of Xen.
//!
//! Scenarios of the kind `linux` boot it: one measures operations from within, the other one goes from
//! power-on to a program and to poweroff. `lines` reads what comes of them. Xen's figures are kept in a
//! file, which `xen` measures again.

mod lines;
mod xen;

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::linux::packages;
use crate::scenario::catalogue::{self, Scenario};
use crate::scenario::spec::Kind;
use crate::setup::Policy;
use crate::workspace::Workspace;
use lines::Figure;

/// Xen's figures; where they come from stands in the file.
const XEN: &str = include_str!("../../data/xen-4.17-linux.tsv");

/// The scenario of a whole boot, and its row.
const BOOT: &str = "bench-linux-boot";
const BOOT_ROW: &str = "boot: power-on to poweroff";
/// The row of Linux's own part of it.
const WITHIN_ROW: &str = "boot: in Linux, to the first program";

/// Reasons whose exits the aim for a whole boot leaves out, and that aim.
const LEFT_OUT: [&str; 2] = ["CPUID", "I/O instruction"];
const BOOT_EXITS: u64 = 10_000;

/// What starts the line of an aim that was missed within Linux.
const MISSED: &str = "check failed: ";

/// One operation.
#[derive(Debug, Serialize)]
struct Row {
    op: String,
    instructions: u64,
    /// VM exits, where they can be counted.
    vm_exits: Option<f64>,
    xen_instructions: Option<f64>,
}

/// All that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    rows: Vec<Row>,
    /// Exits of a whole boot by reason.
    boot_exits: Vec<(String, u64)>,
    /// Aims that were missed.
    missed: Vec<String>,
}

/// Boots Linux as often as it takes.
///
/// # Errors
/// Packages cannot be had, or a machine does not come to its end.
pub(super) fn report(workspace: &Workspace, policy: Policy) -> Result<Report> {
    packages::obtain(workspace, policy)?;
    let texts = super::outputs(workspace, Kind::Linux)?;
    let mut figures = Vec::new();
    for (scenario, text) in scenarios(workspace)?.iter().zip(&texts) {
        let directory = workspace.directory(Path::new(super::DIRECTORY).join(&scenario.name))?;
        figures.extend(figures_of(scenario, text, &directory)?);
    }
    let text = texts.concat();
    Ok(summary(figures, lines::exits(&text), &text, &super::xen::read(XEN)?))
}

/// Boots Linux on Xen as often, and returns the lines of the file of Xen's figures.
///
/// # Errors
/// As for [`report`].
pub(super) fn xen_lines(workspace: &Workspace, policy: Policy) -> Result<String> {
    packages::obtain(workspace, policy)?;
    let machine = xen::Machine::prepare(workspace, policy)?;
    let mut text = String::new();
    for scenario in &scenarios(workspace)? {
        let (directory, said) = machine.run(workspace, scenario)?;
        for figure in figures_of(scenario, &said, &directory)? {
            writeln!(text, "{}\t{}", figure.op, figure.instructions)?;
        }
    }
    Ok(text)
}

/// The scenarios, in the order of their names.
fn scenarios(workspace: &Workspace) -> Result<Vec<Scenario>> {
    catalogue::all(&workspace.root, Kind::Linux)
}

/// The figures of one scenario, which said this and has its files there.
fn figures_of(scenario: &Scenario, text: &str, directory: &Path) -> Result<Vec<Figure>> {
    let mut figures = lines::read(text)?;
    if scenario.name == BOOT {
        let log = fs::read_to_string(directory.join("emulator.log"));
        let log = log.context("cannot read the emulator's log")?;
        let instructions = lines::last_instruction(&log).context("the emulator's log is empty")?;
        let within = lines::until_first_program(text).context("Linux starts no program")?;
        for (op, instructions) in [(BOOT_ROW, instructions), (WITHIN_ROW, within)] {
            figures.push(Figure { op: op.to_owned(), instructions, vm_exits: None });
        }
    }
    Ok(figures)
}

/// The report on all this, beside Xen's figures.
fn summary(
    figures: Vec<Figure>,
    boot_exits: Vec<(String, u64)>,
    text: &str,
    xen: &HashMap<&str, f64>,
) -> Report {
    let missed = text.lines().filter_map(|line| line.trim().strip_prefix(MISSED));
    let mut missed: Vec<_> = missed.map(str::to_owned).collect();
    let counted = counted(&boot_exits);
    if counted > BOOT_EXITS {
        missed.push(format!("{BOOT_ROW}: {counted} exits, not {BOOT_EXITS}"));
    }
    let row = |Figure { op, instructions, vm_exits }| {
        let xen_instructions = xen.get(op.as_str()).copied();
        Row { op, instructions, vm_exits, xen_instructions }
    };
    Report { rows: figures.into_iter().map(row).collect(), boot_exits, missed }
}

/// The exits that the aim for a whole boot is about.
fn counted(exits: &[(String, u64)]) -> u64 {
    let counted = exits.iter().filter(|(reason, _)| !LEFT_OUT.contains(&reason.as_str()));
    counted.map(|(_, count)| count).sum()
}

impl Report {
    /// Whether all aims were met.
    pub(super) fn meets_aims(&self) -> bool {
        self.missed.is_empty()
    }

    /// The table, the exits of a boot, and what was missed.
    pub(super) fn render(&self) -> String {
        let width = self.rows.iter().map(|row| row.op.len()).max().unwrap_or(0);
        let mut text =
            line(width, "operation", ["instructions", "VM exits", "Xen 4.17", "Xen/ours"]);
        for row in &self.rows {
            let xen = row.xen_instructions;
            text += &line(
                width,
                &row.op,
                [
                    &row.instructions.to_string(),
                    &row.vm_exits.map_or("-".to_owned(), |exits| format!("{exits:.2}")),
                    &xen.map_or("-".to_owned(), |xen| xen.to_string()),
                    &xen.map_or("-".to_owned(), |xen| ratio(xen, row.instructions)),
                ],
            );
        }
        let _ = writeln!(text, "\nVM exits from power-on to poweroff");
        for (reason, count) in &self.boot_exits {
            let _ = writeln!(text, "{count:>8} by {reason}");
        }
        let _ =
            writeln!(text, "{:>8} besides {}", counted(&self.boot_exits), LEFT_OUT.join(" and "));
        for missed in &self.missed {
            let _ = writeln!(text, "missed: {missed}");
        }
        text
    }
}

/// How many times as much it is on Xen.
fn ratio(xen: f64, instructions: u64) -> String {
    let instructions = u32::try_from(instructions).map_or(f64::INFINITY, f64::from);
    format!("{:.1}x", xen / instructions)
}

/// A line of the table.
fn line(width: usize, op: &str, [a, b, c, d]: [&str; 4]) -> String {
    format!("{op:<width$} {a:>12} {b:>9} {c:>12} {d:>9}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The report on one figure and these exits of a boot.
    fn report(said: &str, cpuid: u64, others: u64) -> Report {
        let figures = lines::read("bench: x | 50 | 0.00\nbench: y | 7").unwrap();
        let exits = vec![("CPUID".to_owned(), cpuid), ("VMCALL".to_owned(), others)];
        summary(figures, exits, said, &HashMap::from([("x", 100.0)]))
    }

    #[test]
    fn aims_are_missed_within_linux_and_by_the_boot() {
        assert!(report("check: all is well", 1 << 20, BOOT_EXITS).meets_aims());
        assert!(!report("check failed: x: 1.00 exits, not 0\r\n", 0, 0).meets_aims());
        assert!(!report("", 0, BOOT_EXITS + 1).meets_aims());
    }

    #[test]
    fn the_table_has_a_line_for_each() {
        let text = report("check failed: z", 3, 4).render();
        let lines: Vec<_> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        let has = |words: &[&str]| assert!(lines.contains(&words.to_vec()), "{text}");
        has(&["x", "50", "0.00", "100", "2.0x"]);
        has(&["y", "7", "-", "-", "-"]);
        has(&["3", "by", "CPUID"]);
        has(&["4", "besides", "CPUID", "and", "I/O", "instruction"]);
        has(&["missed:", "z"]);
    }
}
