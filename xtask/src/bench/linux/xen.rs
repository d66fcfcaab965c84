//! Xen itself in Bochs, from Debian's package, with Linux as its first domain.
//!
//! It gets what Xenolith gets: the kernel unpacked, the same initramfs and command line, the same
//! memory. The first domain also finds the emulated machine's devices, which no other one would.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;

use crate::end::End;
use crate::image;
use crate::machine::watch::{Finish, Watch};
use crate::machine::{self, Boot, Machine as Kind, Pace, Setup};
use crate::progress;
use crate::scenario::catalogue::Scenario;
use crate::setup::{Policy, packages};
use crate::size::Size;
use crate::test::linux::Linux;
use crate::test::recorder::Recorder;
use crate::workspace::Workspace;

/// The package, and Xen in it.
const PACKAGE: &str = "xen-hypervisor-4.17-amd64";
const FILE: &str = "boot/xen-4.17-amd64.gz";

/// Xen's options: its console on the serial line, memory as Xenolith's domain has it, no mitigations
/// of what Bochs does not do; XSAVE of the CPU model makes Linux warn on Xen.
const OPTIONS: &str = "com1=115200 console=com1 dom0_mem=256M spec-ctrl=no xsave=0 noreboot";

/// Memory of the machine, as with Xenolith.
const MEMORY: Size = Size::from_mib(512);

/// GRUB's modules: Xen is loaded as by a Multiboot 1 loader.
const MODULES: &str = "normal iso9660 multiboot";

/// What Linux says last.
const LAST_WORDS: &str = "reboot: Power down";

/// Xen with Linux.
pub(super) struct Machine {
    xen: PathBuf,
    linux: Linux,
}

impl Machine {
    /// Fetches and unpacks Xen unless it is there.
    ///
    /// # Errors
    /// The package cannot be had, or Linux not be prepared.
    pub(super) fn prepare(workspace: &Workspace, policy: Policy) -> Result<Self> {
        let directory = workspace.directory("xen")?;
        let root = directory.join("root");
        let packed = root.join(FILE);
        if !packed.exists() {
            if policy == Policy::Report {
                bail!("Debian's package {PACKAGE} is not there and would have to be fetched");
            }
            packages::check_tools()?;
            packages::fetch(&directory, &root, || Ok(vec![PACKAGE.to_owned()]))?;
        }
        let file = File::open(&packed).with_context(|| format!("{PACKAGE} has no {FILE}"))?;
        let xen = directory.join("xen");
        let mut output = File::create(&xen).context("cannot write Xen's file")?;
        io::copy(&mut GzDecoder::new(file), &mut output).context("cannot unpack Xen")?;
        Ok(Self { xen, linux: Linux::prepare(workspace)? })
    }

    /// Runs a scenario; returns the directory of its files and what was said.
    ///
    /// # Errors
    /// A tool fails, or Linux does not power off.
    pub(super) fn run(
        &self,
        workspace: &Workspace,
        scenario: &Scenario,
    ) -> Result<(PathBuf, String)> {
        let name = format!("{}-on-xen", scenario.name);
        progress!("measuring: {name}");
        let directory =
            workspace.empty_directory(Path::new(super::super::DIRECTORY).join(&name))?;
        let image = self.image(scenario, &directory)?;
        let cpu = scenario.spec.cpu.clone();
        let setup = Setup { boot: Boot::Iso(image), memory: MEMORY, cpu, pace: Pace::Brisk };
        let watch = Watch::prepare()?;
        let command = machine::command(Kind::Bochs, &setup, &directory, watch.port()?)?;
        let mut recorder = Recorder::new(&[]);
        let limit = Duration::from_secs(scenario.spec.timeout);
        let finish = watch.run(command, &directory, Some(limit), &mut recorder)?;
        let text = String::from_utf8_lossy(recorder.said()).into_owned();
        fs::write(directory.join("serial.log"), &text).context("cannot write serial.log")?;
        // Xen turns the machine off without a word to us.
        ensure!(
            finish == Finish::Ended(End::NoVerdict) && text.contains(LAST_WORDS),
            "{name} did not power off ({finish:?}); its files are in {}",
            directory.display()
        );
        Ok((directory, text))
    }

    /// Makes the boot image.
    fn image(&self, scenario: &Scenario, directory: &Path) -> Result<PathBuf> {
        let (staging, image) = (directory.join("iso"), directory.join("image.iso"));
        let boot = staging.join("boot");
        fs::create_dir_all(boot.join("grub")).context("cannot make the image's directories")?;
        let append = &scenario.spec.append;
        let configuration = format!(
            "set timeout=0\nmultiboot /boot/xen {OPTIONS}\n\
             module /boot/guest {append}\nmodule /boot/ramdisk\nboot\n"
        );
        fs::write(boot.join("grub/grub.cfg"), configuration).context("cannot write grub.cfg")?;
        let files =
            [("xen", &self.xen), ("guest", &self.linux.kernel), ("ramdisk", &self.linux.ramdisk)];
        for (name, source) in files {
            fs::copy(source, boot.join(name))
                .with_context(|| format!("cannot copy {} into the image", source.display()))?;
        }
        image::make(&staging, &image, MODULES)?;
        Ok(image)
    }
}
