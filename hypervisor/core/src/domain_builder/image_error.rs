//! Why a file is not a kernel that can be started.

use core::fmt;

use super::excerpt::Excerpt;
use super::segments::MAX_SEGMENTS;
use crate::address::{Gpa, Gva};

/// What is wrong with a kernel image; the text says it to whoever chose the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ImageError {
    /// The first bytes are not those of an ELF file.
    NotElf,
    /// An ELF file for 32-bit processors.
    Elf32,
    /// An ELF file of a class or byte order that x86-64 has not.
    WrongEncoding,
    /// An ELF file for another processor.
    WrongMachine {
        /// The processor, by its ELF number.
        machine: u16,
    },
    /// An object file, a library without code to start, a core dump.
    NotExecutable {
        /// What it is, by its ELF number.
        kind: u16,
    },
    /// The headers contradict the format.
    Malformed,
    /// Headers, notes or segments point beyond the end of the file.
    Truncated,
    /// Nothing to load.
    NoSegments,
    /// More segments to load than [`MAX_SEGMENTS`].
    TooManySegments,
    /// A segment with more bytes in the file than in memory.
    SegmentSizes {
        /// The segment's physical address in the file.
        paddr: u64,
    },
    /// A segment below the image's `PADDR_OFFSET`, or reaching the end of the numbers.
    SegmentAddress {
        /// The segment's physical address in the file.
        paddr: u64,
    },
    /// Two segments want the same bytes of memory.
    SegmentsOverlap {
        /// Where the lower one begins.
        lower: Gpa,
        /// Where the higher one begins.
        higher: Gpa,
    },
    /// The lowest segment does not begin on a page.
    StartUnaligned {
        /// Where it begins.
        start: Gpa,
    },
    /// Neither Xen notes nor a `__xen_guest` section.
    NoXenNotes,
    /// An unreasonable number of notes.
    TooManyNotes,
    /// Neither made for the generic loader nor Linux.
    WrongLoader {
        /// The value of the `LOADER` note.
        loader: Excerpt,
    },
    /// Made for another Xen interface.
    WrongXenVersion {
        /// The value of the `XEN_VERSION` note.
        version: Excerpt,
    },
    /// A feature that the kernel requires and nobody knows.
    UnknownFeature {
        /// The feature's name.
        name: Excerpt,
    },
    /// The kernel only runs as the domain that controls the machine.
    NeedsDom0,
    /// `PADDR_OFFSET` without `VIRT_BASE`.
    OffsetWithoutBase,
    /// `VIRT_BASE` is not a page's address.
    VirtBase {
        /// Its value.
        virt_base: Gva,
    },
    /// The entry point is outside the image.
    EntryOutsideImage {
        /// The entry point.
        entry: Gva,
    },
    /// The hypercall page is not a page of the image.
    HypercallPage,
    /// The p2m list is to be mapped over the image.
    P2mInsideImage,
    /// The kernel needs addresses that belong to the hypervisor.
    HypervisorStart {
        /// The lowest start of the hypervisor's addresses with which the kernel runs.
        lowest: Gva,
    },
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("guest kernel: ")?;
        match self {
            Self::NotElf => f.write_str(
                "not an ELF file (a compressed kernel such as a Linux bzImage has to be unpacked \
                 first, as `cargo xtask run` does)",
            ),
            Self::Elf32 => f.write_str("a 32-bit ELF file, only 64-bit kernels run here"),
            Self::WrongEncoding => f.write_str("an ELF file, but not a 64-bit little-endian one"),
            Self::WrongMachine { machine } => {
                write!(f, "an ELF file for another processor (machine {machine}, x86-64 is 62)")
            }
            Self::NotExecutable { kind } => {
                write!(f, "an ELF file, but not an executable one (type {kind})")
            }
            Self::Malformed => f.write_str("its ELF headers are malformed"),
            Self::Truncated => f.write_str(
                "the file is truncated: its ELF headers point beyond its end (was it copied \
                 completely?)",
            ),
            Self::NoSegments => f.write_str("nothing to load: no PT_LOAD segment"),
            Self::TooManySegments => {
                write!(f, "more than {MAX_SEGMENTS} segments to load")
            }
            Self::SegmentSizes { paddr } => {
                write!(f, "the segment at {paddr:#x} is larger in the file than in memory")
            }
            Self::SegmentAddress { paddr } => write!(
                f,
                "the segment at {paddr:#x} has no place in memory: it lies below PADDR_OFFSET or \
                 its end overflows"
            ),
            Self::SegmentsOverlap { lower, higher } => {
                write!(f, "the segments at {lower} and {higher} overlap in memory")
            }
            Self::StartUnaligned { start } => {
                write!(f, "the image begins at {start} in memory, which is not a page boundary")
            }
            Self::NoXenNotes => f.write_str(
                "no Xen notes and no __xen_guest section: not a kernel for the Xen PV interface",
            ),
            Self::TooManyNotes => f.write_str("too many ELF notes"),
            Self::WrongLoader { loader } => write!(
                f,
                "made for another loader: note LOADER is {loader} instead of \"generic\" (and \
                 GUEST_OS not \"linux\")"
            ),
            Self::WrongXenVersion { version } => write!(
                f,
                "made for another Xen interface: note XEN_VERSION is {version} instead of \
                 \"xen-3.0\""
            ),
            Self::UnknownFeature { name } => {
                write!(f, "requires the feature {name} (note FEATURES), which is unknown")
            }
            Self::NeedsDom0 => {
                f.write_str("requires the feature dom0 (note FEATURES): it cannot run as a guest")
            }
            Self::OffsetWithoutBase => {
                f.write_str("note PADDR_OFFSET is of no use without note VIRT_BASE")
            }
            Self::VirtBase { virt_base } => write!(
                f,
                "note VIRT_BASE is {virt_base}, which is not the canonical address of a page"
            ),
            Self::EntryOutsideImage { entry } => write!(
                f,
                "the entry point {entry} is outside the image (notes ENTRY and VIRT_BASE, or the \
                 physical addresses of the segments, are wrong)"
            ),
            Self::HypercallPage => f.write_str("note HYPERCALL_PAGE is not a page of the image"),
            Self::P2mInsideImage => f.write_str("note INIT_P2M points into the image"),
            Self::HypervisorStart { lowest } => write!(
                f,
                "needs the addresses below {lowest} (note HV_START_LOW), of which the hypervisor \
                 takes those from 0xffff800000000000 on"
            ),
        }
    }
}

impl core::error::Error for ImageError {}
