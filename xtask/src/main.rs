//! `cargo xtask`: builds, images, runs, tests and measures Xenolith.
#![forbid(unsafe_code)]

mod abi;
mod bench;
mod build;
mod cli;
mod console;
mod disk;
mod doctor;
mod end;
mod grub;
mod guest_file;
mod image;
mod kernel_file;
mod linux;
mod machine;
mod new;
mod noinstr;
mod programs;
mod progress;
mod run;
mod scenario;
mod setup;
mod sites;
mod size;
mod symbols;
mod test;
mod trace;
mod workspace;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use cli::{Cli, SetupOptions, Task};
use setup::requirement::Use;
use setup::rust::Part;
use workspace::Workspace;

fn main() -> ExitCode {
    let cli = Cli::parse();
    perform(&cli.task).unwrap_or_else(|error| {
        eprintln!("xtask: error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Does what was asked.
fn perform(task: &Task) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match task {
        Task::Build(options) => build(&workspace, *options),
        Task::Image(options) => run::image(&workspace, options),
        Task::Run(options) => run::run(&workspace, options),
        Task::Linux(options) => linux::run(&workspace, options),
        Task::Test(options) => test::run(&workspace, options),
        Task::Abi(options) => abi(&workspace, *options),
        Task::Bench(options) => bench::run(&workspace, *options),
        Task::New(options) => new::run(&workspace, options),
        Task::Sites(options) => sites::list(&workspace, options),
        Task::Trace(options) => trace::run(options),
        Task::Doctor => doctor::run(&workspace),
        Task::Setup(options) => setup(&workspace, *options),
    }
}

/// `xtask setup`.
fn setup(workspace: &Workspace, options: SetupOptions) -> Result<ExitCode> {
    setup::ensure(workspace, Use::ALL, &Part::OF_TOOLCHAIN, options.policy())?;
    match setup::ensure(workspace, &[], &[Part::Miri], options.policy()) {
        Ok(()) => progress!("nothing is missing"),
        Err(error) => progress!("tests under Miri will be skipped: {error:#}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// `xtask build`.
fn build(workspace: &Workspace, options: SetupOptions) -> Result<ExitCode> {
    setup::ensure(workspace, &[Use::Build], &[Part::BareTarget], options.policy())?;
    let programs = build::everything(workspace)?;
    for program in &programs {
        println!("{}", program.display());
    }
    let hypervisor = programs.first().context("nothing was built")?;
    progress!("the hypervisor: {}", build::check_size(hypervisor)?);
    Ok(ExitCode::SUCCESS)
}

/// `xtask abi`.
fn abi(workspace: &Workspace, options: SetupOptions) -> Result<ExitCode> {
    setup::ensure(workspace, &[Use::Build, Use::Abi], &[], options.policy())?;
    abi::run()?;
    Ok(ExitCode::SUCCESS)
}
