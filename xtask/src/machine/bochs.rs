//! Bochs: the machine with VMX that every host can offer.
//!
//! Debian's build has its debugger compiled in (hence the command file that says `c`) and no
//! display without a window but `rfb`, a VNC server that waits for nobody; it takes the next free
//! port from 5900 up. Sound goes to the dummy driver: without a sound card the real one ends Bochs.
//! `ips` fixes how many instructions make an emulated second: firmware delays scale with it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::{Boot, Pace, Setup, process};
use crate::size::Size;

/// The CPU model with every VMX feature that the hypervisor can use.
const DEFAULT_CPU: &str = "corei7_icelake_u";

/// Instructions per emulated second.
const IPS: u32 = 20_000_000;

/// The same for [`Pace::Brisk`]: about what Bochs executes in a second outside. Firmware then waits
/// for longer.
pub(crate) const BRISK_IPS: u32 = 100_000_000;

/// The most memory that a machine of Bochs gets; with more it never comes to its BIOS.
const MOST_MEMORY: Size = Size::from_mib(4096);

/// The most memory that Bochs keeps in memory of the host; it swaps the rest to a file.
const MOST_HOST_MEGS: u64 = 2048;

/// Where distributions keep the firmware.
pub(crate) const BIOS: &[&str] = &["/usr/share/bochs/BIOS-bochs-latest"];

/// Where distributions keep the firmware of the graphics card, without which the other one stops.
pub(crate) const VGA_BIOS: &[&str] = &[
    "/usr/share/vgabios/vgabios.bin",
    "/usr/share/bochs/VGABIOS-lgpl-latest",
    "/usr/share/bochs/VGABIOS-lgpl-latest.bin",
];

/// The command that starts Bochs on `setup` with its files in `directory`.
///
/// # Errors
/// The firmware is not installed, or a file cannot be written.
pub(crate) fn command(setup: &Setup, directory: &Path, port: u16) -> Result<Command> {
    check_memory(setup.memory)?;
    let Boot::Iso(image) = &setup.boot else { bail!("Bochs boots an ISO image only") };
    // Under a name of its own, because the configuration cannot hold every path.
    let link = directory.join("cdrom.iso");
    if link.is_symlink() {
        fs::remove_file(&link).context("cannot remove the link of an earlier start")?;
    }
    symlink(image, link).context("cannot link the image for Bochs")?;
    let firmware = (first_of(BIOS)?, first_of(VGA_BIOS)?);
    fs::write(directory.join("bochsrc"), configuration(setup, &firmware.0, &firmware.1, port))
        .context("cannot write the configuration of Bochs")?;
    fs::write(directory.join("debugger"), "c\n").context("cannot write the commands for Bochs")?;
    let mut command = process::ending_with_us("bochs");
    command.args(["-q", "-f", "bochsrc", "-rc", "debugger"]).current_dir(directory);
    Ok(command)
}

/// Refuses a machine that Bochs cannot emulate.
///
/// # Errors
/// It has too much memory.
pub(crate) fn check_memory(memory: Size) -> Result<()> {
    ensure!(
        memory <= MOST_MEMORY,
        "a machine of {memory} is too large for Bochs: {MOST_MEMORY} at most"
    );
    Ok(())
}

/// The first of these files that exists.
fn first_of(candidates: &[&str]) -> Result<PathBuf> {
    let found = candidates.iter().map(PathBuf::from).find(|path| path.exists());
    found.with_context(|| format!("the firmware of Bochs is missing: {}", candidates.join(" or ")))
}

/// The configuration file.
fn configuration(setup: &Setup, bios: &Path, vga_bios: &Path, port: u16) -> String {
    let cpu = setup.cpu.as_deref().unwrap_or(DEFAULT_CPU);
    let megs = setup.memory.mib();
    let host_megs = megs.min(MOST_HOST_MEGS);
    let (bios, vga_bios) = (bios.display(), vga_bios.display());
    let ips = if setup.pace == Pace::Brisk { BRISK_IPS } else { IPS };
    format!(
        "display_library: rfb, options=\"timeout=0\"
romimage: file={bios}
vgaromimage: file={vga_bios}
cpu: model={cpu}, count=1, ips={ips}, reset_on_triple_fault=0
memory: guest={megs}, host={host_megs}
ata0-master: type=cdrom, path=cdrom.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=socket-client, dev=127.0.0.1:{port}
port_e9_hack: enabled=1
speaker: enabled=0
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
clock: sync=none
panic: action=fatal
error: action=report
log: emulator.log
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_says_what_was_asked() {
        let setup = Setup {
            boot: Boot::Iso("image.iso".into()),
            memory: Size::from_mib(640),
            cpu: Some("tigerlake".into()),
            pace: Pace::Usual,
        };
        let text = configuration(&setup, Path::new("/bios"), Path::new("/vga"), 4321);
        for line in
            ["memory: guest=640, host=640", "romimage: file=/bios", "vgaromimage: file=/vga"]
        {
            assert!(text.lines().any(|found| found == line), "{line}");
        }
        assert!(text.contains("model=tigerlake,") && text.contains("ips=20000000,"));
        let brisk = Setup { pace: Pace::Brisk, ..setup };
        let text = configuration(&brisk, Path::new("/bios"), Path::new("/vga"), 4321);
        assert!(text.contains("ips=100000000,"));
        assert!(text.contains("dev=127.0.0.1:4321\n"));
    }

    #[test]
    fn a_machine_that_is_too_large_is_refused() {
        assert!(check_memory(MOST_MEMORY).is_ok());
        let error = check_memory(Size::from_mib(4097)).unwrap_err().to_string();
        assert!(error.contains("4097M is too large for Bochs: 4G at most"), "{error}");
    }

    #[test]
    fn a_file_that_is_nowhere_is_named() {
        let error = first_of(&["/nonexistent/a", "/nonexistent/b"]).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/a or /nonexistent/b"));
        assert_eq!(first_of(&["/nonexistent/a", "/"]).unwrap(), Path::new("/"));
    }
}
