//! What is missing on this host, as a list for the user.

use std::fmt::Write;

use anyhow::Result;

use super::distribution::Manager;
use super::requirement::{REQUIREMENTS, Requirement, Use};
use super::rust::Part;
use crate::workspace::Workspace;

/// What is missing.
#[derive(Clone, Debug, Default)]
pub(super) struct Missing {
    /// Parts of the Rust toolchain.
    pub(super) parts: Vec<Part>,
    /// What packages bring.
    pub(super) requirements: Vec<&'static Requirement>,
}

impl Missing {
    /// What of `uses` and `parts` is missing now.
    pub(super) fn of(workspace: &Workspace, uses: &[Use], parts: &[Part]) -> Result<Self> {
        let mut missing = Self::default();
        for part in parts {
            if !part.is_present(workspace)? {
                missing.parts.push(*part);
            }
        }
        let needed = REQUIREMENTS.iter().filter(|it| it.is_needed_for(uses));
        missing.requirements = needed.filter(|it| !it.is_present()).collect();
        Ok(missing)
    }

    /// Whether that is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.requirements.is_empty()
    }

    /// Its list, with the commands that would install it on a host of `manager`.
    pub(super) fn describe(&self, manager: Option<Manager>) -> String {
        let parts = self.parts.iter().map(|it| (it.name(), it.purpose()));
        let requirements = self.requirements.iter().map(|it| (it.name, it.purpose));
        let mut text = String::new();
        for (name, purpose) in parts.chain(requirements) {
            let _ = writeln!(text, "  {name}: {purpose}");
        }
        text.push_str("to install it:\n");
        for part in &self.parts {
            let _ = writeln!(text, "  {}", part.command());
        }
        if !self.requirements.is_empty() {
            for manager in manager.map_or(Manager::ALL.to_vec(), |manager| vec![manager]) {
                let command = manager.install(&manager.packages(&self.requirements));
                let _ = writeln!(text, "  {}", command.join(" "));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_listed_with_the_command_of_the_host() {
        let requirements = REQUIREMENTS.iter().filter(|it| it.name == "xorriso").collect();
        let missing = Missing { parts: vec![Part::BareTarget], requirements };
        let text = missing.describe(Some(Manager::Pacman));
        assert!(text.contains("xorriso: writes the ISO"));
        assert!(text.contains("rustup target add x86_64-unknown-none"));
        assert!(text.contains("pacman -S --needed libisoburn") && !text.contains("apt-get"));
    }

    #[test]
    fn an_unknown_host_gets_the_commands_of_all() {
        let missing = Missing { parts: vec![], requirements: REQUIREMENTS.iter().collect() };
        let text = missing.describe(None);
        assert!(text.contains("apt-get") && text.contains("dnf") && text.contains("pacman"));
        assert!(!missing.is_empty() && Missing::default().is_empty());
    }
}
