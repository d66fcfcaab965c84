//! `xtask doctor`: what is installed, what is missing, and what each is for.

use std::process::ExitCode;

use anyhow::Result;

use crate::machine::choice::{Wish, choose};
use crate::machine::kvm;
use crate::setup::distribution::Manager;
use crate::setup::requirement::REQUIREMENTS;
use crate::setup::rust::Part;
use crate::workspace::Workspace;

/// Prints the list; fails if something is missing.
///
/// # Errors
/// The workspace cannot be looked at.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let manager = Manager::of_host();
    let mut missing = 0_u32;
    for part in Part::ALL {
        let present = part.is_present(workspace)?;
        print_row(present, part.name(), part.purpose(), &part.command().to_string());
        missing += u32::from(!present);
    }
    for requirement in REQUIREMENTS {
        let present = requirement.is_present();
        let packages = manager.map(|manager| manager.packages(&[requirement]).join(" "));
        let remedy =
            packages.map_or("see the documentation".to_owned(), |names| format!("package {names}"));
        print_row(present, requirement.name, requirement.purpose, &remedy);
        missing += u32::from(!present);
    }
    print_machine()?;
    if missing == 0 {
        println!("nothing is missing");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{missing} missing; `cargo xtask setup` installs what is missing, `run` and `test` what they need"
    );
    Ok(ExitCode::FAILURE)
}

/// Prints one line of the list.
fn print_row(present: bool, name: &str, purpose: &str, remedy: &str) {
    if present {
        println!("ok       {name:<26} {purpose}");
    } else {
        println!("MISSING  {name:<26} {purpose} ({remedy})");
    }
}

/// Prints which machine `run` would take.
fn print_machine() -> Result<()> {
    let choice = choose(Wish::Auto, kvm::ask)?;
    println!("run would take {}: {}", choice.machine.name(), choice.reason);
    Ok(())
}
