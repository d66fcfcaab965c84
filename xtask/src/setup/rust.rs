//! The parts of the Rust toolchain that may be missing: `rustup` adds them.

use anyhow::Result;
use xshell::cmd;

use super::line::Line;
use crate::workspace::{BARE_TARGET, Workspace, cargo};

/// A part of the toolchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The library of the bare-metal target.
    BareTarget,
    /// The formatter.
    Rustfmt,
    /// The linter.
    Clippy,
}

impl Part {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::BareTarget, Self::Rustfmt, Self::Clippy];

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::BareTarget => "Rust for the bare machine",
            Self::Rustfmt => "rustfmt",
            Self::Clippy => "clippy",
        }
    }

    /// What it is for.
    pub(crate) const fn purpose(self) -> &'static str {
        match self {
            Self::BareTarget => "compiles hypervisor and guests",
            Self::Rustfmt => "checks the form of the source; for developers",
            Self::Clippy => "checks the source; for developers",
        }
    }

    /// Whether it is there.
    ///
    /// # Errors
    /// The directory of the workspace is gone.
    pub(crate) fn is_present(self, workspace: &Workspace) -> Result<bool> {
        let shell = workspace.shell()?;
        let cargo = cargo();
        let answer = match self {
            Self::BareTarget => cmd!(shell, "rustc --print target-libdir --target {BARE_TARGET}"),
            Self::Rustfmt => cmd!(shell, "{cargo} fmt --version"),
            Self::Clippy => cmd!(shell, "{cargo} clippy --version"),
        };
        let answer = answer.quiet().ignore_stderr().read();
        Ok(match self {
            Self::BareTarget => answer.is_ok_and(|directory| shell.path_exists(directory)),
            Self::Rustfmt | Self::Clippy => answer.is_ok(),
        })
    }

    /// The command that adds it.
    pub(crate) fn command(self) -> Line {
        match self {
            Self::BareTarget => Line::of(&["rustup", "target", "add", BARE_TARGET]),
            Self::Rustfmt => Line::of(&["rustup", "component", "add", "rustfmt"]),
            Self::Clippy => Line::of(&["rustup", "component", "add", "clippy"]),
        }
    }
}
