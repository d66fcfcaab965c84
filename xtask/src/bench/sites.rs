//! Operations at patched sites: what kernels measured in both worlds, patched and by calls through the table,
//! in a table of its own, with how often the paired kernel has each.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use anyhow::Result;
use xenolith_guest::pvops::{Op, Site};

use super::table::Row;
use crate::sites::records::Program;
use crate::workspace::Workspace;

/// What the name of a measurement begins with, and which columns there are (`tests/src/bin/bench-sites`):
/// `pvops OPERATION: COLUMN`.
const PREFIX: &str = "pvops ";
const COLUMNS: [&str; 5] =
    ["Xenolith, patched", "Xenolith, called", "bare, patched", "bare, called", "bare, popf"];

/// Sites of each operation, by its name.
pub(super) type Counts = HashMap<&'static str, u32>;

/// Counts the sites of the paired kernel, which has been built.
///
/// # Errors
/// Its records make no sense.
pub(super) fn counts(workspace: &Workspace) -> Result<Counts> {
    let program = Program::of_path(&workspace.program("paired-kernel"))?;
    let mut counts: Counts = Op::ALL.iter().map(|op| (op.name(), 0)).collect();
    for op in program.sites.iter().filter_map(Site::op) {
        *counts.entry(op.name()).or_default() += 1;
    }
    Ok(counts)
}

/// Splits the name of a measurement into operation and column, if it is one of these.
pub(super) fn place(name: &str) -> Option<(&str, usize)> {
    let (op, column) = name.strip_prefix(PREFIX)?.split_once(": ")?;
    Some((op, COLUMNS.iter().position(|it| *it == column)?))
}

/// The table; nothing if nothing of the kind was measured.
pub(super) fn render(rows: &[Row], counts: &Counts) -> String {
    let mut operations: Vec<&str> = Vec::new();
    let mut cells: BTreeMap<(&str, usize), &Row> = BTreeMap::new();
    for row in rows {
        if let Some((op, column)) = place(&row.op) {
            if !operations.contains(&op) {
                operations.push(op);
            }
            cells.insert((op, column), row);
        }
    }
    if operations.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\n{:<15} {:>6} {:>9} {:>7} {:>6} {:>6} {:>9} {:>7} {:>6}\n",
        "operation", "sites", "Xenolith", "called", "exits", "saved", "bare", "called", "popf"
    );
    for op in operations {
        let cell = |column| cells.get(&(op, column)).copied();
        let count = op.split('(').next().and_then(|name| counts.get(name)).copied().unwrap_or(0);
        let [patched, called, bare, bare_called, popf] =
            [0, 1, 2, 3, 4].map(|column| number(cell(column).map(|row| row.instructions), 1));
        let exits = number(cell(0).map(|row| row.vm_exits), 2);
        let saved = match (cell(0), cell(1)) {
            (Some(patched), Some(called)) => {
                Some((called.instructions - patched.instructions) * f64::from(count))
            }
            _ => None,
        };
        let saved = number(saved, 0);
        let _ = writeln!(
            text,
            "{op:<15} {count:>6} {patched:>9} {called:>7} {exits:>6} {saved:>6} {bare:>9} \
             {bare_called:>7} {popf:>6}"
        );
    }
    text
}

/// A number with so many digits behind the point, or a dash.
fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::super::lines::Measurement;
    use super::*;

    fn row(op: &str, instructions: f64) -> Row {
        let measurement = Measurement { op: op.into(), instructions, vm_exits: 0.0 };
        Row::new(measurement, &HashMap::new())
    }

    #[test]
    fn measurements_of_one_operation_share_a_line() {
        let rows = [
            row("pvops restore_fl(IF): Xenolith, patched", 5.0),
            row("cpuid", 255.0),
            row("pvops restore_fl(IF): Xenolith, called", 10.0),
            row("pvops restore_fl(IF): bare, popf", 2.0),
        ];
        let text = render(&rows, &Counts::from([("restore_fl", 500)]));
        let lines: Vec<_> = text.trim().lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        let cells: Vec<_> = lines[1].split_whitespace().collect();
        let expected = ["restore_fl(IF)", "500", "5.0", "10.0", "0.00", "2500", "-", "-", "2.0"];
        assert_eq!(cells, expected);
    }

    #[test]
    fn other_measurements_are_none() {
        assert_eq!(place("pvops save_fl: bare, called"), Some(("save_fl", 3)));
        for name in ["cpuid", "pvops boot: one of them", "save_fl: bare, called"] {
            assert_eq!(place(name), None, "{name}");
        }
        assert_eq!(render(&[row("cpuid", 1.0)], &Counts::new()), "");
    }
}
