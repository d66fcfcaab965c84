//! Measurements beside Xen's figures, as rows for people and as records for programs.

use std::collections::HashMap;
use std::fmt::Write;

use serde::Serialize;

use super::lines::Measurement;

/// One operation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    /// The operation, as Xen's table names it.
    pub(super) op: String,
    /// Instructions of guest and hypervisor.
    pub(super) instructions: f64,
    /// VM exits.
    pub(super) vm_exits: f64,
    /// Instructions on Xen, if that was measured.
    xen_instructions: Option<f64>,
}

impl Row {
    /// A measurement with Xen's figure for the same operation.
    pub(crate) fn new(measurement: Measurement, figures: &HashMap<&str, f64>) -> Self {
        let Measurement { op, instructions, vm_exits } = measurement;
        let xen_instructions = figures.get(op.as_str()).copied();
        Self { op, instructions, vm_exits, xen_instructions }
    }

    /// Xen's figure and how many times it is ours, in words.
    fn beside(&self) -> [String; 2] {
        match self.xen_instructions {
            Some(xen) if self.instructions > 0.0 => {
                [format!("{xen:.1}"), format!("{:.1}x", xen / self.instructions)]
            }
            Some(xen) => [format!("{xen:.1}"), "-".to_owned()],
            None => ["-".to_owned(), "-".to_owned()],
        }
    }
}

/// The rows as a table.
pub(crate) fn render<'a>(rows: impl Iterator<Item = &'a Row> + Clone) -> String {
    let width = rows.clone().map(|row| row.op.len()).max().unwrap_or(0).max("operation".len());
    let mut text = String::new();
    let heads = ("instructions", "VM exits", "Xen 4.17", "Xen/ours");
    let _ = writeln!(
        text,
        "{:<width$} {:>12} {:>9} {:>9} {:>9}",
        "operation", heads.0, heads.1, heads.2, heads.3
    );
    for row in rows {
        let [xen, ratio] = row.beside();
        let (instructions, exits) = (row.instructions, row.vm_exits);
        let _ = writeln!(
            text,
            "{:<width$} {instructions:>12.1} {exits:>9.2} {xen:>9} {ratio:>9}",
            row.op
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row for this operation.
    fn row(op: &str, instructions: f64) -> Row {
        let figures = HashMap::from([("known", 254.0)]);
        Row::new(Measurement { op: op.into(), instructions, vm_exits: 1.0 }, &figures)
    }

    #[test]
    fn records_have_the_four_fields() {
        let json = serde_json::to_string(&[row("known", 84.5), row("new", 1.0)]).unwrap();
        assert_eq!(
            json,
            r#"[{"op":"known","instructions":84.5,"vm_exits":1.0,"xen_instructions":254.0},{"op":"new","instructions":1.0,"vm_exits":1.0,"xen_instructions":null}]"#
        );
    }

    #[test]
    fn the_table_has_a_line_for_each() {
        let text = render([row("known", 127.0), row("new", 1.0)].iter());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(
            lines[1].starts_with("known") && lines[1].ends_with("254.0      2.0x"),
            "{}",
            lines[1]
        );
        assert!(lines[2].starts_with("new") && lines[2].ends_with('-'), "{}", lines[2]);
    }
}
