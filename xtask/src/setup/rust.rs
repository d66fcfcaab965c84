//! The parts of the Rust toolchain that may be missing: `rustup` adds them.

use anyhow::Result;
use xshell::cmd;

use super::line::Line;
use crate::workspace::{BARE_TARGET, Workspace, cargo};

/// The toolchain that brings Miri: no release does, and not every nightly works.
pub(crate) const MIRI_TOOLCHAIN: &str = "nightly-2026-05-20";

/// A part of the toolchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The library of the bare-metal target.
    BareTarget,
    /// The formatter.
    Rustfmt,
    /// The linter.
    Clippy,
    /// The interpreter that finds undefined behaviour, with its toolchain.
    Miri,
}

impl Part {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::BareTarget, Self::Rustfmt, Self::Clippy, Self::Miri];

    /// Those of the toolchain that builds everything.
    pub(crate) const OF_TOOLCHAIN: [Self; 3] = [Self::BareTarget, Self::Rustfmt, Self::Clippy];

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::BareTarget => "Rust for the bare machine",
            Self::Rustfmt => "rustfmt",
            Self::Clippy => "clippy",
            Self::Miri => "Miri",
        }
    }

    /// What it is for.
    pub(crate) const fn purpose(self) -> &'static str {
        match self {
            Self::BareTarget => "compiles hypervisor and guests",
            Self::Rustfmt => "checks the form of the source; for developers",
            Self::Clippy => "checks the source; for developers",
            Self::Miri => "runs tests and finds undefined behaviour; without it they are skipped",
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
            Self::Miri => cmd!(shell, "rustup run {MIRI_TOOLCHAIN} cargo miri --version"),
        };
        let answer = answer.quiet().ignore_stderr().read();
        Ok(match self {
            Self::BareTarget => answer.is_ok_and(|directory| shell.path_exists(directory)),
            Self::Rustfmt | Self::Clippy | Self::Miri => answer.is_ok(),
        })
    }

    /// The command that adds it.
    pub(crate) fn command(self) -> Line {
        match self {
            Self::BareTarget => Line::of(&["rustup", "target", "add", BARE_TARGET]),
            Self::Rustfmt => Line::of(&["rustup", "component", "add", "rustfmt"]),
            Self::Clippy => Line::of(&["rustup", "component", "add", "clippy"]),
            Self::Miri => Line::of(&[
                "rustup",
                "toolchain",
                "install",
                MIRI_TOOLCHAIN,
                "--profile=minimal",
                "--component=miri,rust-src",
            ]),
        }
    }
}
