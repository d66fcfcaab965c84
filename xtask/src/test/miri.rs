//! Tests under Miri, which interprets them and stops at undefined behaviour: an access outside its
//! object, a wrong alignment, a data race, a value that its type does not have.
//!
//! Miri is a hundred to a thousand times slower, so property tests try few cases, and tests that
//! would take minutes are ignored where they stand (`cfg_attr(miri, ignore)`).

use anyhow::Result;
use xshell::cmd;

use super::host::{self, HostTests};
use crate::progress;
use crate::setup::rust::MIRI_TOOLCHAIN;
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

/// Runs the tests of `package`; Miri has to be there.
///
/// # Errors
/// Cargo cannot be started, or ends in a way that its sums do not tell.
pub(crate) fn run(workspace: &Workspace, package: &str) -> Result<HostTests> {
    progress!("testing {package} under Miri");
    let shell = workspace.shell()?;
    let tests = if package == "xenolith-core" { CORE_TESTS } else { &[] };
    let cargo = ["run", MIRI_TOOLCHAIN, "cargo", "miri"];
    let test = ["test", "--package", package, "--no-fail-fast", "--"];
    let command = cmd!(shell, "rustup {cargo...} {test...} {tests...}");
    host::tests_of(command.env("MIRIFLAGS", FLAGS).env("PROPTEST_CASES", CASES), package)
}
