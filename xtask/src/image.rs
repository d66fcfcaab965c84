//! The boot image: an ISO that GRUB starts from BIOS and UEFI alike.
//!
//! `grub-mkrescue` makes it. Only the modules that the boot needs go in, uncompressed: an emulator
//! unpacks slowly. When GRUB cannot load something it says so on the serial line and turns the
//! machine off, so that nothing waits at a menu that nobody sees.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use crate::disk::{Access, Disk};
use crate::setup::program_in_path;
use xenolith_core::modules::{DISK, READ_ONLY};

/// The names under which distributions install GRUB's image maker.
pub(crate) const MAKERS: &[&str] = &["grub-mkrescue", "grub2-mkrescue"];

/// GRUB's modules that the boot needs; its UEFI half asks for every kind of partition.
const MODULES: &str = "normal iso9660 multiboot2 test echo halt serial terminal fat part_acorn \
    part_amiga part_apple part_bsd part_dfly part_dvh part_gpt part_msdos part_plan part_sun \
    part_sunpc";

/// What goes into an image.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    /// The hypervisor; without one the guest kernel runs on the bare machine.
    pub(crate) hypervisor: Option<PathBuf>,
    /// The guest kernel; without one the hypervisor has something to complain about.
    pub(crate) guest: Option<PathBuf>,
    /// The guest's ramdisk.
    pub(crate) ramdisk: Option<PathBuf>,
    /// The guest's disk.
    pub(crate) disk: Option<Disk>,
    /// Options of the hypervisor.
    pub(crate) options: String,
    /// Command line of the guest.
    pub(crate) append: String,
}

/// Writes the image to `output`, using `staging` for files on the way.
///
/// # Errors
/// A file cannot be read or written, GRUB is not installed, or a command line cannot be passed on.
pub(crate) fn write(contents: &Contents, staging: &Path, output: &Path) -> Result<()> {
    let boot = staging.join("boot");
    fs::create_dir_all(boot.join("grub")).context("cannot make the image's directories")?;
    let configuration = configuration(contents)?;
    fs::write(boot.join("grub/grub.cfg"), configuration).context("cannot write grub.cfg")?;
    let files = [
        ("xenolith", contents.hypervisor.as_deref()),
        ("guest", contents.guest.as_deref()),
        ("ramdisk", contents.ramdisk.as_deref()),
        ("disk", contents.disk.as_ref().map(|disk| disk.path.as_path())),
    ];
    for (name, source) in files {
        if let Some(source) = source {
            let copied = fs::copy(source, boot.join(name));
            copied.with_context(|| format!("cannot copy {} into the image", source.display()))?;
        }
    }
    make(staging, output, MODULES)
}

/// Makes the image of what is below `staging`, with these modules of GRUB.
///
/// # Errors
/// GRUB is not installed, or its image maker fails.
pub(crate) fn make(staging: &Path, output: &Path, modules: &str) -> Result<()> {
    let maker = MAKERS.iter().copied().find(|name| program_in_path(name).is_some());
    let maker = maker.context("grub-mkrescue is not installed")?;
    let shell = Shell::new().context("cannot tell the current directory")?;
    let modules = format!("--install-modules={modules}");
    let slim = ["--fonts=", "--locales=", "--themes=", "--compress=no"];
    let result = cmd!(shell, "{maker} {modules} {slim...} -o {output} {staging}")
        .quiet()
        .ignore_status()
        .output();
    let result = result.with_context(|| format!("cannot run {maker}"))?;
    if !result.status.success() {
        bail!("{maker} failed: {}", String::from_utf8_lossy(&result.stderr).trim());
    }
    Ok(())
}

/// The text of grub.cfg.
fn configuration(contents: &Contents) -> Result<String> {
    let mut loads = Vec::new();
    if contents.hypervisor.is_some() {
        loads.push(format!("multiboot2 /boot/xenolith{}", quoted(&contents.options)?));
    }
    if contents.guest.is_some() {
        let command = if contents.hypervisor.is_some() { "module2" } else { "multiboot2" };
        loads.push(format!("{command} /boot/guest{}", quoted(&contents.append)?));
    }
    if contents.ramdisk.is_some() {
        loads.push("module2 /boot/ramdisk".to_owned());
    }
    if let Some(disk) = &contents.disk {
        let word = if disk.access == Access::ReadOnly { READ_ONLY } else { "" };
        loads.push(format!("module2 /boot/disk{}", quoted(&format!("{DISK} {word}"))?));
    }
    let mut text = "set timeout=0\n".to_owned();
    for load in &loads {
        // The second try is for its error message, which the first one gave to a screen.
        let to_serial = "serial --unit=0 --speed=115200\nterminal_output serial";
        let failed = "echo 'The boot loader could not load everything:'";
        write!(text, "if ! {load}; then\n{to_serial}\n{failed}\n{load}\nhalt\nfi\n")?;
    }
    text.push_str("boot\n");
    Ok(text)
}

/// Sees whether GRUB can pass this command line on as it is.
///
/// # Errors
/// It cannot.
pub(crate) fn check_command_line(text: &str) -> Result<()> {
    quoted(text).map(|_| ())
}

/// The words of `text`, each as GRUB's shell takes it literally, with a space before each.
fn quoted(text: &str) -> Result<String> {
    // GRUB puts a backslash before these when it joins the words again.
    if let Some(bad) = text.chars().find(|c| matches!(c, '\'' | '"' | '\\') || c.is_control()) {
        bail!("GRUB cannot pass {bad:?} on in the command line `{}`", text.escape_debug());
    }
    Ok(text.split_whitespace().flat_map(|word| [" '", word, "'"]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contents with these command lines and no files to read.
    fn contents(options: &str, append: &str) -> Contents {
        Contents {
            hypervisor: Some("/h".into()),
            guest: Some("/g".into()),
            ramdisk: None,
            disk: None,
            options: options.into(),
            append: append.into(),
        }
    }

    #[test]
    fn words_reach_the_configuration_quoted() {
        let text = configuration(&contents("log=debug  memory=64M", "a;b $c")).unwrap();
        assert!(text.contains("if ! multiboot2 /boot/xenolith 'log=debug' 'memory=64M'; then"));
        assert!(text.contains("if ! module2 /boot/guest 'a;b' '$c'; then"));
        assert!(!text.contains("ramdisk") && text.ends_with("\nboot\n"));
    }

    #[test]
    fn modules_stand_in_the_order_that_the_hypervisor_expects() {
        let mut contents = contents("", "");
        contents.ramdisk = Some("/r".into());
        let text = configuration(&contents).unwrap();
        let places = ["/boot/xenolith;", "/boot/guest;", "/boot/ramdisk;"]
            .map(|name| text.find(name).unwrap());
        assert!(places.is_sorted());
        contents.guest = None;
        contents.ramdisk = None;
        assert!(!configuration(&contents).unwrap().contains("module2"));
    }

    #[test]
    fn a_disk_is_told_from_a_ramdisk_by_its_command_line() {
        let mut contents = contents("", "disk");
        for (access, line) in [
            (Access::ReadWrite, "if ! module2 /boot/disk 'disk'; then"),
            (Access::ReadOnly, "if ! module2 /boot/disk 'disk' 'ro'; then"),
        ] {
            contents.disk = Some(Disk { path: "/d".into(), access });
            let text = configuration(&contents).unwrap();
            assert!(text.contains(line), "{text}");
            assert!(text.find("/boot/guest") < text.find("/boot/disk"));
        }
    }

    #[test]
    fn a_bare_kernel_is_loaded_first() {
        let contents = Contents { hypervisor: None, ..contents("", "a b") };
        let text = configuration(&contents).unwrap();
        assert!(text.contains("if ! multiboot2 /boot/guest 'a' 'b'; then"), "{text}");
        assert!(!text.contains("module2") && !text.contains("xenolith"), "{text}");
    }

    #[test]
    fn what_grub_would_change_is_refused() {
        for text in ["it's", "a\"b", "a\\b", "a\nb", "a\0b"] {
            assert!(configuration(&contents(text, "")).is_err(), "{text:?}");
            assert!(configuration(&contents("", text)).is_err(), "{text:?}");
        }
    }
}
