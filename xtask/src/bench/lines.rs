//! The lines in which the measuring guest tells its results.

use anyhow::{Context, Result, ensure};

/// What starts such a line.
const PREFIX: &str = "bench: ";

/// What one operation costs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measurement {
    /// The operation.
    pub(crate) op: String,
    /// Instructions for one, on average; of guest and hypervisor together.
    pub(crate) instructions: f64,
    /// VM exits for one, on average.
    pub(crate) vm_exits: f64,
}

/// Reads all lines of the form `bench: OP | INSTRUCTIONS | EXITS` in `text`.
///
/// # Errors
/// A line that starts like one is none, or two are about the same operation.
pub(crate) fn read(text: &str) -> Result<Vec<Measurement>> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix(PREFIX));
    let mut found: Vec<Measurement> = Vec::new();
    for line in lines {
        let measurement = parse(line).with_context(|| format!("no measurement: `{line}`"))?;
        let is_new = found.iter().all(|it| it.op != measurement.op);
        ensure!(is_new, "`{}` was measured twice", measurement.op);
        found.push(measurement);
    }
    Ok(found)
}

/// Reads `OP | INSTRUCTIONS | EXITS`.
fn parse(line: &str) -> Option<Measurement> {
    let mut parts = line.split('|').map(str::trim);
    let (op, instructions, vm_exits) = (parts.next()?, parts.next()?, parts.next()?);
    if op.is_empty() || parts.next().is_some() {
        return None;
    }
    let number =
        |text: &str| text.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0);
    Some(Measurement {
        op: op.to_owned(),
        instructions: number(instructions)?,
        vm_exits: number(vm_exits)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_in_their_order() {
        let found =
            read("hello\r\nbench: sched_op(yield) | 84.0 | 1.00\r\nbench: x|1|0\n").unwrap();
        let first = Measurement { op: "sched_op(yield)".into(), instructions: 84.0, vm_exits: 1.0 };
        assert_eq!(found[0], first);
        assert_eq!((found.len(), found[1].op.as_str()), (2, "x"));
    }

    #[test]
    fn a_broken_line_is_an_error() {
        for line in
            ["x", "x | 1", "x | 1 | 2 | 3", "x | one | 0", "x | -1 | 0", "x | NaN | 0", " | 1 | 0"]
        {
            assert!(read(&format!("bench: {line}\n")).is_err(), "{line}");
        }
        assert!(read("bench: x | 1 | 0\nbench: x | 2 | 0\n").is_err());
    }

    #[test]
    fn other_lines_are_none() {
        assert!(read("benchmark: x\n(XL) info: bench\n").unwrap().is_empty());
    }
}
