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
    let lines = FILE.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| parse(line).with_context(|| format!("a figure of Xen's: `{line}`"))).collect()
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
        let lines = FILE.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(figures.len(), lines);
    }
}
