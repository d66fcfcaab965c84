//! `image` and `run`: the hypervisor with a guest, or a kernel alone, written to a file or booted on
//! the terminal.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::build;
use crate::cli::{GuestOptions, ImageOptions, RunOptions};
use crate::console::screen::{Keyboard, Screen};
use crate::console::{signals, terminal::RawMode};
use crate::end::End;
use crate::guest_file;
use crate::image::{self, Contents};
use crate::kernel_file;
use crate::machine::choice::{Choice, choose, choose_bare};
use crate::machine::process::last_words;
use crate::machine::watch::{Finish, Watch};
use crate::machine::{self, Boot, Machine, Setup, kvm};
use crate::programs;
use crate::progress;
use crate::setup::{self, requirement::Use, rust::Part};
use crate::size::Size;
use crate::symbols::{Images, Named};
use crate::trace;
use crate::workspace::Workspace;

/// `xtask image`: writes the image and prints its path.
///
/// # Errors
/// A file cannot be used, something is missing, or a tool fails.
pub(crate) fn image(workspace: &Workspace, options: &ImageOptions) -> Result<ExitCode> {
    guest_file::check(&options.guest)?;
    setup::ensure(
        workspace,
        &[Use::Build, Use::Image],
        &[Part::BareTarget],
        options.setup.policy(),
    )?;
    let output = match &options.output {
        Some(path) => guest_file::absolute(path)?,
        None => workspace.directory("image")?.join("xenolith.iso"),
    };
    let contents = contents(workspace, &options.guest)?;
    make_image(workspace, &contents, &output)?;
    println!("{}", output.display());
    Ok(ExitCode::SUCCESS)
}

/// `xtask run`: boots, and tells by its exit status how the domain ended.
///
/// # Errors
/// A file cannot be used, something is missing, or a tool fails.
pub(crate) fn run(workspace: &Workspace, options: &RunOptions) -> Result<ExitCode> {
    guest_file::check(&options.guest)?;
    let choice = if options.guest.bare {
        choose_bare(options.machine)
    } else {
        choose(options.machine, kvm::ask)?
    };
    machine::check(choice.machine, machine_memory(options)?)?;
    let uses = [&[Use::Build], Use::of_machine(choice.machine)].concat();
    setup::ensure(workspace, &uses, &[Part::BareTarget], options.setup.policy())?;
    let disk = options.guest.disk.disk().map(|disk| disk.open()).transpose()?;
    let directory = tempfile::tempdir_in(workspace.directory("run")?);
    let directory = directory.context("cannot make a directory for the run")?;
    let mut contents = contents(workspace, &options.guest)?;
    if options.trace.is_some() {
        contents.options.push_str(" trace=on");
    }
    let images = Images {
        hypervisor: (!options.guest.bare).then(|| workspace.program(build::HYPERVISOR_NAME)),
        guest: match options.guest.guest {
            Some(_) => contents.guest.clone(),
            None => Some(workspace.program(build::PAIRED_NAME)),
        },
    };
    let medium = if choice.machine.boots_directly() {
        Boot::direct(contents)?
    } else {
        let image = directory.path().join("image.iso");
        make_image(workspace, &contents, &image)?;
        Boot::Iso(image)
    };
    announce(&choice, options);
    let mut watch = Watch::prepare()?;
    if let Some(disk) = disk {
        watch.disk_to(disk);
    }
    let finish = boot(choice.machine, medium, &images, directory.path(), watch, options)?;
    if finish == Finish::Ended(End::NoVerdict) {
        explain_silence(&directory.keep());
    }
    Ok(conclude(finish))
}

/// Builds what the user did not name.
fn contents(workspace: &Workspace, options: &GuestOptions) -> Result<Contents> {
    let hypervisor =
        if options.bare { None } else { Some(build::single(build::HYPERVISOR, workspace)?) };
    let guest = match &options.guest {
        Some(path) => kernel_file::elf_of(workspace, path)?,
        None => build::single(build::PAIRED_KERNEL, workspace)?,
    };
    let ramdisk = match &options.ramdisk {
        None if options.guest.is_none() => Some(programs::ramdisk(workspace)?),
        ramdisk => ramdisk.clone(),
    };
    Ok(Contents {
        hypervisor,
        guest: Some(guest),
        ramdisk,
        disk: options.disk.disk(),
        options: guest_file::hypervisor_options(options.memory, &options.hypervisor_args),
        append: options.append.clone(),
    })
}

/// Memory of the machine: for a guest beside the hypervisor, or for a kernel alone.
///
/// # Errors
/// The disk's file cannot be a disk.
fn machine_memory(options: &RunOptions) -> Result<Size> {
    if options.guest.bare {
        Ok(options.guest.memory.unwrap_or(guest_file::DEFAULT_MEMORY))
    } else {
        guest_file::machine_memory(&options.guest)
    }
}

/// Writes the image.
fn make_image(workspace: &Workspace, contents: &Contents, output: &Path) -> Result<()> {
    progress!("making the boot image");
    let staging = tempfile::tempdir_in(workspace.directory("image")?);
    let staging = staging.context("cannot make a directory for the image")?;
    image::write(contents, staging.path(), output)
}

/// Tells what happens now.
fn announce(choice: &Choice, options: &RunOptions) {
    let name = choice.machine.name();
    let input = if options.no_input { "" } else { "; what you type goes to the guest" };
    progress!("running in {name} ({}){input}; Ctrl-C ends the run", choice.reason);
}

/// Boots `medium` with the console on the terminal.
fn boot(
    machine: Machine,
    medium: Boot,
    images: &Images,
    directory: &Path,
    mut watch: Watch,
    options: &RunOptions,
) -> Result<Finish> {
    let memory = machine_memory(options)?;
    let setup = Setup { boot: medium, memory, cpu: None, pace: options.pace };
    if let Some(path) = &options.trace {
        watch.trace_to(trace::create(path)?);
    }
    let command = machine::command(machine, &setup, directory, watch.port()?)?;
    signals::report_to(watch.sender())?;
    let keyboard = if options.no_input { Keyboard::Detached } else { Keyboard::Attached };
    let raw_mode = if options.no_input { None } else { RawMode::enter()? };
    let mut screen = Screen::new(keyboard, options.poweroff_after.map(Duration::from_secs));
    let limit = options.timeout.map(Duration::from_secs);
    let finish = watch.run(command, directory, limit, &mut Named::new(&mut screen, images));
    drop(raw_mode);
    screen.end_line();
    finish
}

/// Tells how it ended, in words and by the exit status.
fn conclude(finish: Finish) -> ExitCode {
    match finish {
        Finish::Interrupted(signal) => {
            progress!("ended by signal {signal}");
            ExitCode::from(signals::exit_status(signal))
        }
        Finish::Stuck(end) => {
            progress!("the machine did not end after its verdict `{}` and was ended", end.word());
            ExitCode::from(end.exit_status())
        }
        Finish::Ended(end) => {
            progress!("{}", end.sentence());
            ExitCode::from(end.exit_status())
        }
    }
}

/// Shows the last words of an emulator whose hypervisor said nothing, and where there is more.
fn explain_silence(directory: &Path) {
    for line in last_words(directory) {
        progress!("{line}");
    }
    progress!("more of it is in {}", directory.display());
}
