//! `xtask bench --native`: the event flag on the processor of the host, beside RFLAGS.
//!
//! Criterion measures and leaves its samples in files; this runs it and reads the fastest of each
//! bench: such operations have one right duration, and whatever else the host does only adds to it.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use xshell::cmd;

use crate::progress;
use crate::workspace::{Workspace, cargo};

/// Operations that the bench does each time it is called (`many!` there).
const OPERATIONS_PER_CALL: f64 = 64.0;

/// Where Linux tells the processor's name.
const CPU_INFORMATION: &str = "/proc/cpuinfo";

/// What is measured: the bench's name for it, ours, and what is done on RFLAGS instead.
const OPERATIONS: [[&str; 3]; 5] = [
    ["save_fl", "save_fl", "pushf; pop"],
    ["restore_fl_enabled", "restore_fl(IF)", "push; popf"],
    ["restore_fl_disabled", "restore_fl(0)", "push; popf"],
    ["save_disable_restore", "save_fl; irq_disable; restore_fl(IF)", "pushf; pop; push; popf"],
    ["disable_enable", "irq_disable; irq_enable", "pushf; pop; push; popf"],
];

/// One operation, and what it stands for.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Row {
    /// The operation of the guest library.
    op: &'static str,
    /// Nanoseconds for one.
    ns: f64,
    /// The instructions on RFLAGS.
    rflags_op: &'static str,
    /// Nanoseconds for these.
    rflags_ns: f64,
}

/// Criterion's samples of one bench: how many calls each has, and how long these took together.
#[derive(Deserialize)]
struct Samples {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// All that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    /// The processor's name.
    cpu: String,
    /// The operations.
    operations: Vec<Row>,
}

/// Runs the bench and reads what it leaves.
///
/// # Errors
/// It does not build or run, or leaves no figures.
pub(super) fn measure(workspace: &Workspace) -> Result<Measured> {
    let directory = workspace.empty_directory("native-bench")?;
    progress!("measuring on the host; other load disturbs it");
    let shell = workspace.shell()?;
    let cargo = cargo();
    let bench = cmd!(shell, "{cargo} bench --quiet --package native-bench -- --quiet");
    // What Criterion says about its progress goes where ours goes; the table is ours.
    let output = std::process::Command::from(bench.env("CRITERION_HOME", &directory))
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start the bench")?;
    let words = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "the bench failed:\n{words}");
    let operations = OPERATIONS.iter().map(|names| row(&directory, *names)).collect::<Result<_>>();
    Ok(Measured { cpu: cpu(), operations: operations? })
}

/// The figures of one operation.
fn row(directory: &Path, [bench, op, rflags_op]: [&'static str; 3]) -> Result<Row> {
    let ns = |side: &str| {
        let path = directory.join(bench).join(side).join("new").join("sample.json");
        let text = fs::read_to_string(&path);
        let text = text.with_context(|| format!("no figures in {}", path.display()))?;
        fastest(&text).with_context(|| format!("cannot understand {}", path.display()))
    };
    Ok(Row { op, ns: ns("mask")?, rflags_op, rflags_ns: ns("rflags")? })
}

/// Reads the fastest of the samples in a file of Criterion's, as nanoseconds for one operation.
fn fastest(text: &str) -> Result<f64> {
    let Samples { iters, times } = serde_json::from_str(text)?;
    let calls = times.iter().zip(iters).map(|(time, calls)| time / calls);
    let ns = calls.fold(f64::INFINITY, f64::min) / OPERATIONS_PER_CALL;
    ensure!(ns.is_finite() && ns > 0.0, "{ns} ns is no time");
    Ok(ns)
}

/// The processor's name, where the system tells it.
fn cpu() -> String {
    let text = fs::read_to_string(CPU_INFORMATION).unwrap_or_default();
    named_cpu(&text).unwrap_or("unknown").to_owned()
}

/// The first processor's name in the text that Linux gives.
fn named_cpu(text: &str) -> Option<&str> {
    let name = text.lines().find_map(|line| line.strip_prefix("model name"))?;
    Some(name.trim_start_matches([' ', '\t', ':']))
}

impl Measured {
    /// The figures as a table.
    pub(super) fn render(&self) -> String {
        let heads = ("event mask", "ns", "RFLAGS", "ns", "RFLAGS/mask");
        let line = |[a, b, c, d, e]: [&str; 5]| format!("{a:<37} {b:>5}  {c:<22} {d:>5} {e:>12}\n");
        let mut text = format!("on {}\n", self.cpu);
        text += &line([heads.0, heads.1, heads.2, heads.3, heads.4]);
        for row in &self.operations {
            let [ns, rflags_ns] = [row.ns, row.rflags_ns].map(|ns| format!("{ns:.2}"));
            let ratio = format!("{:.1}x", row.rflags_ns / row.ns);
            text += &line([row.op, &ns, row.rflags_op, &rflags_ns, &ratio]);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_sample_counts_for_one_operation() {
        let text = r#"{"sampling_mode":"Flat","iters":[10.0,10.0],"times":[9000.0,1280.0]}"#;
        assert!((fastest(text).unwrap() - 2.0).abs() < 1e-9);
        let none = r#"{"iters":[],"times":[]}"#;
        for text in ["", "{}", none, r#"{"iters":[1.0],"times":[0.0]}"#] {
            assert!(fastest(text).is_err(), "{text}");
        }
    }

    #[test]
    fn figures_that_are_missing_are_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let error = row(directory.path(), OPERATIONS[0]).unwrap_err().to_string();
        assert!(error.contains("save_fl") && error.contains("no figures"), "{error}");
    }

    #[test]
    fn the_processor_has_a_name() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2\nmodel name\t: Other\n";
        assert_eq!(named_cpu(text), Some("Some CPU @ 2"));
        assert_eq!(named_cpu("x"), None);
    }

    #[test]
    fn the_table_has_ratios() {
        let row = Row { op: "save_fl", ns: 0.5, rflags_op: "pushf; pop", rflags_ns: 2.0 };
        let text = Measured { cpu: "X".into(), operations: vec![row] }.render();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines.len(), lines[0]), (3, "on X"));
        assert!(lines[2].starts_with("save_fl ") && lines[2].ends_with(" 4.0x"), "{text}");
    }
}
