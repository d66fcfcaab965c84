//! VM exits so far, by reason: Xenolith's own hypercall, made through Linux's driver for hypercalls of
//! processes (`xen-privcmd`, loaded with `unrestricted=1`).

use std::arch::x86_64::__cpuid;
use std::fs::File;
use std::os::fd::AsRawFd;

use nix::libc;
use xenolith_abi::xenolith::{CPUID_BASE, CPUID_SIGNATURE, EXIT_COUNTS, EXIT_REASON_SLOTS, OP};

/// The driver's device.
const DEVICE: &str = "/dev/xen/privcmd";

/// `IOCTL_PRIVCMD_HYPERCALL` of Linux's `xen/privcmd.h`: no direction, the structure's size, 'P', 0.
const HYPERCALL: libc::c_ulong = 48 << 16 | 80 << 8;

/// Basic exit reasons (SDM 3D, appendix C).
const EXTERNAL_INTERRUPT: usize = 1;
const CPUID: usize = 10;
const IO_INSTRUCTION: usize = 30;

/// What the driver is asked: `struct privcmd_hypercall`.
#[repr(C)]
struct Request {
    op: u64,
    args: [u64; 5],
}
const _: () = assert!(size_of::<Request>() == 48);

/// How often each reason was one.
#[derive(Clone, Debug)]
pub(super) struct Counts([u64; EXIT_REASON_SLOTS]);

impl Counts {
    /// Those since `earlier`, without the exit that reading takes.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let mut counts = self.clone();
        counts.0.iter_mut().zip(earlier.0).for_each(|(count, earlier)| *count -= earlier);
        counts
    }

    /// All.
    pub(super) fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Those by interrupts of the hypervisor's timer or serial line.
    pub(super) fn by_interrupts(&self) -> u64 {
        self.0[EXTERNAL_INTERRUPT]
    }

    /// Those that no emulation of what a bare machine has would spare.
    pub(super) fn besides_ports_and_cpuid(&self) -> u64 {
        self.total() - self.0[CPUID] - self.0[IO_INSTRUCTION]
    }
}

/// Where counts are read.
#[derive(Debug)]
pub(super) struct Counter(File);

impl Counter {
    /// The counter, on Xenolith.
    ///
    /// # Panics
    /// Xenolith is there, but the driver is not.
    pub(super) fn open() -> Option<Self> {
        let leaf = __cpuid(CPUID_BASE);
        let signature = [leaf.ebx, leaf.ecx, leaf.edx].map(u32::to_le_bytes);
        (signature.as_flattened() == CPUID_SIGNATURE)
            .then(|| Self(File::open(DEVICE).expect("xen-privcmd is loaded")))
    }

    /// Reads them, which is an exit.
    pub(super) fn read(&self) -> Counts {
        let mut counts = [u64::MAX; EXIT_REASON_SLOTS];
        // The hypervisor writes to pages that are there, so this one has to be.
        let to = std::hint::black_box(&raw mut counts);
        let slots = EXIT_REASON_SLOTS as u64;
        let args = [EXIT_COUNTS.into(), to.expose_provenance() as u64, slots, 0, 0];
        let request = Request { op: OP.into(), args };
        // SAFETY: the driver reads the request, and the hypervisor writes so many counts.
        let read = unsafe { libc::ioctl(self.0.as_raw_fd(), HYPERCALL, &raw const request) };
        assert_eq!(usize::try_from(read), Ok(EXIT_REASON_SLOTS), "the counts are read");
        Counts(counts)
    }
}
