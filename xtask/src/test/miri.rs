//! Tests under Miri, which interprets them and stops at undefined behaviour: an access outside its
//! object, a wrong alignment, a data race, a value that its type does not have.
//!
//! Miri is a hundred to a thousand times slower, so property tests try few cases, and tests that
//! would take minutes are ignored where they stand (`cfg_attr(miri, ignore)`).

use std::time::Instant;

use anyhow::Result;
use xshell::cmd;

use super::host::{self, HostTests};
use super::report::{Report, Row};
use super::selection::{Selection, Tier};
use crate::progress;
use crate::setup::rust::{MIRI_TOOLCHAIN, Part};
use crate::setup::{self, Policy};
use crate::workspace::Workspace;

/// Cases of each property test.
const CASES: &str = "2";

/// The tests of `core` that run, by parts of their names: copies from and to guests, words shared
/// with them, structures laid out for them or for the resident, a file of any bytes. `core` has no
/// unsafe code; all of its tests would take hours.
const CORE_TESTS: &[&str] = &[
    "guest_access::",
    "event_channel::tests::delivery::",
    "event_channel::tests::operations::",
    "resident::",
    "bounce::",
    "domain_builder::start_info::",
    "image::tests::any_damage_is_survived",
];

/// Property tests want to know the current directory, hence no isolation. Alignment is what a type
/// asks for and not what an address happens to have. Tests may leak.
const FLAGS: &str = "-Zmiri-disable-isolation -Zmiri-ignore-leaks \
    -Zmiri-permissive-provenance -Zmiri-symbolic-alignment-check";

/// The packages to be tested under Miri; none where it cannot be had, since it needs a toolchain of
/// its own.
pub(super) fn available(
    workspace: &Workspace,
    selection: &Selection,
    policy: Policy,
    report: &Report,
) -> Vec<&'static str> {
    let packages = selection.interpreted();
    if packages.is_empty() {
        return packages;
    }
    match setup::ensure(workspace, &[], &[Part::Miri], policy) {
        Ok(()) => packages,
        Err(error) => {
            for package in packages {
                report.add(&Row::skipped(Tier::Miri(package).name(), &error));
            }
            Vec::new()
        }
    }
}

/// Runs the tests of `packages`; Miri has to be there.
pub(super) fn run_all(workspace: &Workspace, packages: &[&'static str], report: &Report) {
    for package in packages {
        let start = Instant::now();
        let result = run(workspace, package);
        report.add_package(Tier::Miri(package).name(), result, start.elapsed());
    }
}

/// Runs the tests of `package`.
///
/// # Errors
/// Cargo cannot be started, or ends in a way that its sums do not tell.
fn run(workspace: &Workspace, package: &str) -> Result<HostTests> {
    progress!("testing {package} under Miri");
    let shell = workspace.shell()?;
    let tests = if package == "xenolith-core" { CORE_TESTS } else { &[] };
    let cargo = ["run", MIRI_TOOLCHAIN, "cargo", "miri"];
    let test = ["test", "--package", package, "--no-fail-fast", "--"];
    let command = cmd!(shell, "rustup {cargo...} {test...} {tests...}");
    host::tests_of(command.env("MIRIFLAGS", FLAGS).env("PROPTEST_CASES", CASES), package)
}
