//! The sites of operations that a guest kernel records of itself (`guest-kernel/src/pvops`): what they
//! become in each world, by the kernel's own code for patching, and whether that is right.

mod agreement;
mod check;
mod disassembly;
mod machine;
mod planted;
pub(crate) mod records;

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use xenolith_guest::pvops::{Op, World};

use crate::build::{self, PAIRED_KERNEL, Profile, programs_of};
use crate::cli::SitesOptions;
use crate::workspace::Workspace;
use records::Program;

/// The fewest sites that the paired kernel has; fewer means that they were not found.
const SITES: usize = 100;

/// The scenario whose kernel has sites of all operations.
const COMPLETE: &str = "pvops";

/// Builds kernels and checks all of their sites, and that damages are found.
///
/// # Errors
/// A tool fails, or a site is not as it should be.
pub(crate) fn test(workspace: &Workspace) -> Result<String> {
    build::single(PAIRED_KERNEL, workspace)?;
    build::single(programs_of(&[COMPLETE], Profile::Release), workspace)?;
    let (mut sites, mut steps, mut planted) = (0, 0, 0);
    for name in ["paired-kernel", COMPLETE] {
        let program = Program::of_path(&workspace.program(name))?;
        ensure!(program.sites.len() >= SITES, "only {} sites in {name}", program.sites.len());
        let wrong = check::everything(&program)?;
        ensure!(wrong.is_empty(), "sites of {name}\n{}", wrong.join("\n"));
        sites += program.sites.len();
        steps += agreement::check(&program)?;
        if name == COMPLETE {
            let has = |op: &&Op| program.sites.iter().any(|site| site.op() == Some(**op));
            let without: Vec<_> = Op::ALL.iter().filter(|op| !has(op)).collect();
            ensure!(without.is_empty(), "{name} has no sites of {without:?}");
            planted = planted::find_all(&program)?;
        }
    }
    Ok(format!(
        "{sites} sites in two worlds, {steps} operations agree; {planted} planted damages found"
    ))
}

/// `xtask sites`.
///
/// # Errors
/// A tool fails, or the records make no sense.
pub(crate) fn list(workspace: &Workspace, options: &SitesOptions) -> Result<ExitCode> {
    let path = if let Some(path) = &options.program {
        path.clone()
    } else {
        build::single(PAIRED_KERNEL, workspace)?;
        workspace.program("paired-kernel")
    };
    let program = Program::of_path(&path)?;
    let bare = program.patched(World::Native)?;
    let xenolith = program.patched(World::Xenolith)?;
    for ((site, native), xenolith) in program.sites.iter().zip(&bare).zip(&xenolith) {
        let op = site.op().context("a site without an operation")?;
        if options.op.as_ref().is_some_and(|wanted| wanted != op.name()) {
            continue;
        }
        println!("{}", disassembly::heading(&program, site, op));
        let before = program.bytes(site.address, site.length.into())?;
        let columns = [("as linked", before), ("native", native), ("xenolith", xenolith)];
        for (name, bytes) in columns {
            println!("{}", disassembly::listing(&program, name, bytes, site.address));
        }
    }
    println!("{}", sums(&program));
    Ok(ExitCode::SUCCESS)
}

/// How many sites each operation has.
fn sums(program: &Program) -> String {
    let count = |op: &Op| program.sites.iter().filter(|site| site.op() == Some(*op)).count();
    let sums = Op::ALL.iter().map(|op| format!("{:6}  {}", count(op), op.name()));
    let all = format!("{:6}  sites", program.sites.len());
    sums.chain([all]).collect::<Vec<_>>().join("\n")
}
