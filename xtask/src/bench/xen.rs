//! Xen's own costs, by the names of the operations.

use std::collections::HashMap;

use anyhow::{Context, Result};

/// The figures; where they come from stands in the file.
const FILE: &str = include_str!("../../data/xen-4.17-costs.tsv");

/// Instructions per operation on Xen 4.17.
///
/// # Errors
/// The file is broken.
pub(crate) fn figures() -> Result<HashMap<&'static str, f64>> {
    read(FILE)
}

/// The figures of a file of this form.
///
/// # Errors
/// The file is broken.
pub(super) fn read(file: &'static str) -> Result<HashMap<&'static str, f64>> {
    file.lines()
        .filter(is_figure)
        .map(|line| parse(line).with_context(|| format!("a figure of Xen's: `{line}`")))
        .collect()
}

/// Returns whether a line is no comment; `#UD` and `#PF` are names of operations.
fn is_figure(line: &&str) -> bool {
    !line.starts_with("# ") && *line != "#" && !line.is_empty()
}

/// Reads an operation and its figure.
fn parse(line: &'static str) -> Option<(&'static str, f64)> {
    let (op, figure) = line.split_once('\t')?;
    Some((op, figure.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_file_is_understood() {
        let figures = figures().unwrap();
        assert_eq!(figures.get("xen_version(hypercall_page)"), Some(&254.3));
        assert_eq!(figures.get("bad hypercall nr (-ENOSYS)"), Some(&207.8));
        assert_eq!(figures.get("#UD kernel, asm handler + iret"), Some(&665.3));
        assert_eq!(figures.len(), FILE.lines().filter(is_figure).count());
    }
}
