//! The list of everything in the package: each item becomes questions, or is a problem.
//!
//! Nothing is passed over. An item of a kind that cannot be compared (a macro, a private constant,
//! something conditional) is a problem, because numbers could hide behind it.

mod item;
mod structure;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;

use super::question::{Question, Subject};
use super::without_header::WithoutHeader;
use walk::Walk;

/// What was found in the package.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// What is asked.
    pub(super) questions: Vec<Question>,
    /// The headers that the modules name as their source.
    pub(super) headers: BTreeSet<String>,
    /// The items that no header has, with the reason.
    pub(super) without_header: Vec<(String, &'static str)>,
    /// What cannot be compared, and why.
    pub(super) problems: Vec<String>,
}

impl Inventory {
    /// Reads the package's source from its `lib.rs` on; `exempt` lists what has no header.
    ///
    /// # Errors
    /// A file that cannot be read or is not Rust.
    pub(super) fn of(package: &Path, exempt: &[WithoutHeader]) -> Result<Self> {
        let mut inventory = Walk::over(&package.join("src"), exempt)?;
        for listed in exempt {
            if !inventory.without_header.iter().any(|(path, _)| listed.covers(path)) {
                let path = listed.path;
                inventory.problems.push(format!("{path} is listed as without header, but is gone"));
            }
        }
        Ok(inventory)
    }

    /// Says in one line how much agrees, and with what.
    pub(super) fn summary(&self, headers: &Path, interface_version: &str) -> String {
        let count = |wanted: fn(&Subject) -> bool| {
            self.questions.iter().filter(|question| wanted(&question.subject)).count()
        };
        format!(
            "abi: {} numbers, {} sizes, {} offsets, {} fields' sizes, {} structures' padding agree \
             with {} (interface version {interface_version})",
            count(|subject| matches!(subject, Subject::Number { .. } | Subject::Bytes { .. })),
            count(|subject| matches!(subject, Subject::Size { .. })),
            count(|subject| matches!(subject, Subject::Offset(_))),
            count(|subject| matches!(subject, Subject::Extent { .. })),
            count(|subject| matches!(subject, Subject::Padding { .. })),
            headers.display(),
        )
    }

    /// Names, a line for each reason, what no header has.
    pub(super) fn without_header_summary(&self) -> String {
        let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (path, reason) in &self.without_header {
            reasons.entry(reason).or_default().push(path);
        }
        let lines =
            reasons.iter().map(|(reason, paths)| format!("  {reason}: {}", paths.join(" ")));
        let heading = format!("abi: {} items have no Xen header:", self.without_header.len());
        std::iter::once(heading).chain(lines).collect::<Vec<_>>().join("\n")
    }
}
