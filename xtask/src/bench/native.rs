//! `xtask bench --native`: what sites hold, on the processor of the host, beside ways with RFLAGS.
//!
//! Criterion measures and leaves its samples in files; this hands it the sites (`sites`), runs it and
//! reads the fastest of each bench: such operations have one right duration, and whatever else the
//! host does only adds to it. The table and a plot (`plot`) come of it.

mod plot;
mod sites;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use xshell::cmd;

use crate::build::{self, PAIRED_KERNEL};
use crate::progress;
use crate::workspace::{Workspace, cargo};

/// Operations that the bench does each time it is called (`TIMES` there).
const OPERATIONS_PER_CALL: f64 = 64.0;

/// Where Linux tells the processor's name.
const CPU_INFORMATION: &str = "/proc/cpuinfo";

/// What is measured: the bench's name for it, and ours.
const OPERATIONS: [[&str; 2]; 8] = [
    ["save_fl", "save_fl"],
    ["irq_disable", "irq_disable"],
    ["irq_enable", "irq_enable"],
    ["restore_fl_enabled", "restore_fl(IF)"],
    ["restore_fl_disabled", "restore_fl(0)"],
    ["disable_enable", "irq_disable; irq_enable"],
    ["save_disable_restore", "save_fl; irq_disable; restore_fl(IF)"],
    ["nested", "save_fl; irq_disable; restore_fl(0)"],
];

/// How operations are executed: the bench's name for it, ours, and whether each operation has it.
const FORMS: [(&str, &str, bool); 5] = [
    ("inline", "mask, patched site", true),
    ("call", "mask, direct call", true),
    ("table", "mask, through the table", true),
    ("branch", "IF, patched site, NOP for CLI and STI", false),
    ("popf", "IF, PUSHF and POPF, NOP for CLI", false),
];

/// One operation.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Row {
    /// The operation of the guest library.
    op: &'static str,
    /// Nanoseconds for one, in each form that was measured.
    ns: [Option<f64>; FORMS.len()],
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
    /// Names of the forms.
    forms: [&'static str; FORMS.len()],
    /// The operations.
    operations: Vec<Row>,
}

/// Runs the bench and reads what it leaves.
///
/// # Errors
/// The kernel or the bench does not build or run, or leaves no figures.
pub(super) fn measure(workspace: &Workspace) -> Result<Measured> {
    let directory = workspace.empty_directory("native-bench")?;
    build::single(PAIRED_KERNEL, workspace)?;
    let kit = directory.join("sites.json");
    fs::write(&kit, sites::kit(&workspace.program("paired-kernel"))?)
        .context("cannot write the sites")?;
    progress!("measuring on the host; other load disturbs it");
    let shell = workspace.shell()?;
    let cargo = cargo();
    let bench = cmd!(shell, "{cargo} bench --quiet --package native-bench -- --quiet");
    let bench = bench.env("CRITERION_HOME", &directory).env("XENOLITH_SITES", &kit);
    // What Criterion says about its progress goes where ours goes; the table is ours.
    let output = std::process::Command::from(bench)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start the bench")?;
    let words = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "the bench failed:\n{words}");
    let operations =
        OPERATIONS.iter().map(|names| row(&directory, *names)).collect::<Result<_>>()?;
    let measured = Measured { cpu: cpu(), forms: FORMS.map(|form| form.1), operations };
    let picture = directory.join("native.svg");
    fs::write(&picture, plot::svg(&measured)?).context("cannot write the plot")?;
    progress!("plot: {}", picture.display());
    Ok(measured)
}

/// The figures of one operation.
fn row(directory: &Path, [bench, op]: [&'static str; 2]) -> Result<Row> {
    let mut ns = [None; FORMS.len()];
    for (ns, (form, _, has_each)) in ns.iter_mut().zip(FORMS) {
        let path = directory.join(bench).join(form).join("new").join("sample.json");
        if has_each || path.exists() {
            let text = fs::read_to_string(&path);
            let text = text.with_context(|| format!("no figures in {}", path.display()))?;
            let fastest = fastest(&text);
            *ns = Some(fastest.with_context(|| format!("cannot understand {}", path.display()))?);
        }
    }
    Ok(Row { op, ns })
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
    /// The figures as a table, in nanoseconds.
    pub(super) fn render(&self) -> String {
        let mut text = format!("nanoseconds on {}\n", self.cpu);
        let mut line = |op: &str, cells: [String; FORMS.len()]| {
            let [inline, call, table, branch, popf] = cells;
            writeln!(text, "{op:<37} {inline:>8} {call:>8} {table:>8} {branch:>8} {popf:>8}")
        };
        let _ = line("operation", FORMS.map(|form| form.0.to_owned()));
        for row in &self.operations {
            let cells = row.ns.map(|ns| ns.map_or("-".to_owned(), |ns| format!("{ns:.2}")));
            let _ = line(row.op, cells);
        }
        for (short, long, _) in FORMS {
            let _ = writeln!(text, "{short:<8}{long}");
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
    fn forms_that_not_each_operation_has_may_be_missing() {
        let directory = tempfile::tempdir().unwrap();
        for form in ["inline", "call", "table", "popf"] {
            let at = directory.path().join("save_fl").join(form).join("new");
            fs::create_dir_all(&at).unwrap();
            fs::write(at.join("sample.json"), r#"{"iters":[1.0],"times":[128.0]}"#).unwrap();
        }
        let row = row(directory.path(), OPERATIONS[0]).unwrap();
        assert_eq!(row.ns, [Some(2.0), Some(2.0), Some(2.0), None, Some(2.0)]);
    }

    #[test]
    fn the_processor_has_a_name() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2\nmodel name\t: Other\n";
        assert_eq!(named_cpu(text), Some("Some CPU @ 2"));
        assert_eq!(named_cpu("x"), None);
    }

    #[test]
    fn the_table_has_a_column_for_each_form() {
        let row = Row { op: "save_fl", ns: [Some(0.5), Some(1.0), Some(2.0), None, Some(3.25)] };
        let forms = FORMS.map(|form| form.1);
        let text = Measured { cpu: "X".into(), forms, operations: vec![row] }.render();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines.len(), lines[0]), (3 + FORMS.len(), "nanoseconds on X"));
        let cells: Vec<_> = lines[2].split_whitespace().collect();
        assert_eq!(cells, ["save_fl", "0.50", "1.00", "2.00", "-", "3.25"]);
    }
}
