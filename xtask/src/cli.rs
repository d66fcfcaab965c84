//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::disk::{Access, Disk};
use crate::machine::{Pace, choice::Wish};
use crate::setup::Policy;
use crate::size::Size;

/// Builds, images, runs, tests and measures Xenolith.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, after_help = EXIT_STATUS)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) task: Task,
}

/// Told by `--help`.
const EXIT_STATUS: &str = "Exit status of `run`: 0 the domain powered off, 1 xtask itself failed, \
2 wrong usage, 10 reboot, 11 crash of the domain, 12 panic of the hypervisor, 13 time limit, \
14 unfit image or machine, 15 suspend, 16 watchdog, 17 soft reset, 18 no verdict, \
128+N ended by signal N.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Build the hypervisor and the paired kernel
    Build(SetupOptions),
    /// Write a boot image and print its path
    Image(ImageOptions),
    /// Boot a guest kernel under the hypervisor, its console on this terminal
    Run(RunOptions),
    /// Boot Debian's Linux under the hypervisor, with a shell of BusyBox
    Linux(LinuxOptions),
    /// Run the tests: on the host, of the ABI, and the scenarios
    Test(TestOptions),
    /// Compare the ABI crate with Xen's own headers
    Abi(SetupOptions),
    /// Measure operations, beside Xen's figures
    Bench(BenchOptions),
    /// Make a package for a guest kernel of your own
    New(NewOptions),
    /// List what sites of operations in a guest kernel become, as disassembly
    Sites(SitesOptions),
    /// Show what `run --trace` has written
    Trace(TraceOptions),
    /// Tell what is installed, what is missing, and what each is for
    Doctor,
    /// Install what is missing
    Setup(SetupOptions),
}

/// What may be done about missing packages.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct SetupOptions {
    /// Only report missing packages, install nothing
    #[arg(long)]
    no_install: bool,
}

impl SetupOptions {
    /// The same as a value with a name.
    pub(crate) const fn policy(self) -> Policy {
        if self.no_install { Policy::Report } else { Policy::Install }
    }
}

/// What goes into an image.
#[derive(Args, Clone, Debug)]
pub(crate) struct GuestOptions {
    /// Guest kernel to boot, an ELF file or a Linux bzImage [default: the paired kernel]
    #[arg(long, value_name = "KERNEL")]
    pub(crate) guest: Option<PathBuf>,
    /// Ramdisk for the guest [default: for the paired kernel, its programs]
    #[arg(long, value_name = "FILE")]
    pub(crate) ramdisk: Option<PathBuf>,
    /// Command line of the guest
    #[arg(long, value_name = "TEXT", default_value = "", allow_hyphen_values = true)]
    pub(crate) append: String,
    /// Memory of the guest, such as 64M or 1G [default: 128M]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<Size>,
    /// Its disk.
    #[command(flatten)]
    pub(crate) disk: DiskOptions,
    /// Without the hypervisor: the guest kernel has the machine
    #[arg(long, conflicts_with_all = ["hypervisor_args", "disk"])]
    pub(crate) bare: bool,
    /// Options of the hypervisor, such as log=debug
    #[arg(long, value_name = "TEXT", default_value = "", allow_hyphen_values = true)]
    pub(crate) hypervisor_args: String,
}

/// The guest's disk.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct DiskOptions {
    /// File with the contents of the guest's disk, /dev/xvda; what the guest writes to it gets into
    /// the file at once
    #[arg(long, value_name = "FILE")]
    disk: Option<PathBuf>,
    /// Keep the guest from writing its disk
    #[arg(long, requires = "disk")]
    disk_read_only: bool,
}

impl DiskOptions {
    /// The disk, if one was asked for.
    pub(crate) fn disk(&self) -> Option<Disk> {
        let access = if self.disk_read_only { Access::ReadOnly } else { Access::ReadWrite };
        self.disk.clone().map(|path| Disk { path, access })
    }
}

/// Options of `image`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ImageOptions {
    /// What goes into it.
    #[command(flatten)]
    pub(crate) guest: GuestOptions,
    /// Where to write it [default: below the target directory]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Set-up.
    #[command(flatten)]
    pub(crate) setup: SetupOptions,
}

/// Options of `run`.
#[derive(Args, Clone, Debug)]
pub(crate) struct RunOptions {
    /// What is booted.
    #[command(flatten)]
    pub(crate) guest: GuestOptions,
    /// Machine to run on; bare, Bochs boots an image and QEMU the file itself
    #[arg(long, value_enum, default_value_t = Wish::Auto)]
    pub(crate) machine: Wish,
    /// Seconds after which the run is ended [default: none]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: Option<u64>,
    /// Write every hypercall, system call, exception, upcall and VM exit to this file, for
    /// `cargo xtask trace`; the guest becomes slower
    #[arg(long, value_name = "FILE", conflicts_with = "bare")]
    pub(crate) trace: Option<PathBuf>,
    /// Seconds after which the domain is asked, by its store, to power off [default: never]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..))]
    #[arg(conflicts_with = "bare")]
    pub(crate) poweroff_after: Option<u64>,
    /// Leave standard input alone
    #[arg(long)]
    pub(crate) no_input: bool,
    /// How time passes; chosen by what is run.
    #[arg(skip)]
    pub(crate) pace: Pace,
    /// Set-up.
    #[command(flatten)]
    pub(crate) setup: SetupOptions,
}

/// Options of `linux`.
#[derive(Args, Clone, Debug)]
pub(crate) struct LinuxOptions {
    /// More of the kernel's command line, such as task=poweroff
    #[arg(long, value_name = "TEXT", default_value = "", allow_hyphen_values = true)]
    pub(crate) append: String,
    /// Memory of the guest, such as 64M or 1G [default: 256M]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<Size>,
    /// Its disk.
    #[command(flatten)]
    pub(crate) disk: DiskOptions,
    /// Kernel in place of Debian's, a bzImage or an ELF file
    #[arg(long, value_name = "FILE", requires = "busybox")]
    pub(crate) kernel: Option<PathBuf>,
    /// Statically linked BusyBox in place of Debian's
    #[arg(long, value_name = "FILE", requires = "kernel")]
    pub(crate) busybox: Option<PathBuf>,
    /// Options of the hypervisor, such as log=debug
    #[arg(long, value_name = "TEXT", default_value = "", allow_hyphen_values = true)]
    pub(crate) hypervisor_args: String,
    /// Machine to run on
    #[arg(long, value_enum, default_value_t = Wish::Auto)]
    pub(crate) machine: Wish,
    /// Seconds after which the run is ended [default: none]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: Option<u64>,
    /// Write what happens to this file, for `cargo xtask trace`; Linux becomes slower
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// Seconds after which Linux is asked, by its store, to power off [default: never]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) poweroff_after: Option<u64>,
    /// Leave standard input alone
    #[arg(long)]
    pub(crate) no_input: bool,
    /// Set-up.
    #[command(flatten)]
    pub(crate) setup: SetupOptions,
}

/// Options of `test`.
#[derive(Args, Clone, Debug)]
pub(crate) struct TestOptions {
    /// Run only tests whose name contains one of these
    #[arg(value_name = "FILTER")]
    pub(crate) filters: Vec<String>,
    /// Print the tests' names, run nothing
    #[arg(long)]
    pub(crate) list: bool,
    /// Scenarios to run side by side [default: one per CPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// Seconds for which each target is fuzzed
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) fuzz_seconds: u32,
    /// Set-up.
    #[command(flatten)]
    pub(crate) setup: SetupOptions,
}

/// Options of `trace`.
#[derive(Args, Clone, Debug)]
pub(crate) struct TraceOptions {
    /// The file that `run --trace` has written
    #[arg(value_name = "FILE")]
    pub(crate) trace: PathBuf,
    /// Guest kernel with symbols, for the names of functions
    #[arg(long, value_name = "ELF")]
    pub(crate) guest: Option<PathBuf>,
    /// Write a timeline for Perfetto or Chrome instead of a list
    #[arg(long, value_name = "JSON", conflicts_with = "guest")]
    pub(crate) timeline: Option<PathBuf>,
}

/// Options of `new`.
#[derive(Args, Debug)]
pub(crate) struct NewOptions {
    /// Directory to make; its name is the package's
    pub(crate) directory: PathBuf,
}

/// Options of `sites`.
#[derive(Args, Clone, Debug)]
pub(crate) struct SitesOptions {
    /// Guest kernel with symbols [default: the paired kernel]
    #[arg(long, value_name = "ELF")]
    pub(crate) program: Option<PathBuf>,
    /// Only sites of this operation, such as save_fl
    #[arg(value_name = "OPERATION")]
    pub(crate) op: Option<String>,
}

/// What else `bench` can measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchSubject {
    /// Debian's Linux under Xenolith; exit status 1 if an aim is missed
    Linux,
    /// The same Linux on Xen, from Debian's package; prints lines for the file of Xen's figures
    LinuxOnXen,
}

/// Options of `bench`.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct BenchOptions {
    /// What is measured in place of single operations of the paired kernel
    #[arg(value_enum, conflicts_with_all = ["native", "latency"])]
    pub(crate) subject: Option<BenchSubject>,
    /// Measure patched sites on this host's processor instead, beside RFLAGS, and plot it
    #[arg(long)]
    pub(crate) native: bool,
    /// Measure how long events wait while long hypercalls are made instead, and plot it; exit
    /// status 1 if an aim is missed
    #[arg(long, conflicts_with = "native")]
    pub(crate) latency: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Set-up.
    #[command(flatten)]
    pub(crate) setup: SetupOptions,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn nonsense_is_refused() {
        for words in [
            &["run", "--memory", "lots"][..],
            &["run", "--timeout", "0"],
            &["run", "--timeout", "soon"],
            &["run", "--poweroff-after", "0"],
            &["run", "--bare", "--poweroff-after", "5"],
            &["run", "--machine", "vmware"],
            &["run", "--bare", "--hypervisor-args", "log=debug"],
            &["image", "--bare", "--hypervisor-args", "log=debug"],
            &["run", "--bare", "--trace", "file"],
            &["run", "--bare", "--disk", "file"],
            &["run", "--disk-read-only"],
            &["trace"],
            &["test", "--jobs", "0"],
            &["walk"],
            &[],
        ] {
            assert!(Cli::try_parse_from(["xtask"].iter().chain(words)).is_err(), "{words:?}");
        }
    }

    #[test]
    fn a_disk_is_for_writing_unless_told() {
        for (words, access) in [
            (&["linux", "--disk", "file"][..], Access::ReadWrite),
            (&["linux", "--disk", "file", "--disk-read-only"], Access::ReadOnly),
        ] {
            let cli = Cli::try_parse_from(["xtask"].iter().chain(words)).unwrap();
            let Task::Linux(options) = cli.task else { panic!("{:?}", cli.task) };
            assert_eq!(options.disk.disk(), Some(Disk { path: "file".into(), access }));
        }
    }

    #[test]
    fn a_command_line_for_the_guest_may_start_with_a_hyphen() {
        let cli = Cli::try_parse_from(["xtask", "run", "--append", "--init -v"]).unwrap();
        let Task::Run(options) = cli.task else { panic!("{:?}", cli.task) };
        assert_eq!(options.guest.append, "--init -v");
        assert_eq!(options.setup.policy(), Policy::Install);
    }
}
