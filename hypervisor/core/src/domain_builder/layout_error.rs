//! Why a kernel, its ramdisk and its tables cannot be laid out.

use core::fmt;

use crate::address::Gva;

/// A part of a domain's memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// The kernel image.
    Kernel,
    /// The ramdisk.
    Ramdisk,
    /// The list of frames.
    P2m,
    /// The pages for start_info and the rings.
    BootPages,
    /// Everything mapped at the start, with page tables, boot stack and padding.
    InitialMapping,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kernel => "kernel image",
            Self::Ramdisk => "ramdisk",
            Self::P2m => "frame list (p2m)",
            Self::BootPages => "start_info and ring pages",
            Self::InitialMapping => "initial mapping (page tables, stack, padding)",
        })
    }
}

/// Why a layout is impossible.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LayoutError {
    /// More memory than page tables can address.
    TooMuchMemory {
        /// The memory asked for.
        memory_pages: u64,
    },
    /// A part ends beyond the domain's memory.
    NoRoom {
        /// The part.
        part: Part,
        /// The memory with which the part would fit.
        needed_pages: u64,
        /// The memory there is.
        memory_pages: u64,
    },
    /// A part runs out of its half of the 48-bit address space.
    NotCanonical {
        /// The part.
        part: Part,
        /// Where it begins.
        start: Gva,
    },
    /// A part lies in the addresses that belong to the hypervisor.
    InHypervisorArea {
        /// The part.
        part: Part,
        /// Where it begins.
        start: Gva,
    },
    /// The separately mapped p2m list reaches into the initial mapping.
    P2mOverlapsImage {
        /// Where the image wants the list.
        start: Gva,
    },
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMuchMemory { memory_pages } => {
                write!(f, "a domain cannot have {} MiB of memory", mebibytes(*memory_pages))
            }
            Self::NoRoom { part, needed_pages, memory_pages } => write!(
                f,
                "the guest's {part} does not fit into its memory: at least {} MiB needed, \
                 {} MiB given (see the option memory=)",
                mebibytes(*needed_pages),
                memory_pages / PAGES_PER_MEBIBYTE
            ),
            Self::NotCanonical { part, start } => {
                write!(f, "the guest's {part} from {start} on leaves the 48-bit address space")
            }
            Self::InHypervisorArea { part, start } => write!(
                f,
                "the guest's {part} from {start} on lies in the hypervisor's addresses \
                 (0xffff800000000000 to 0xffff87ffffffffff)"
            ),
            Self::P2mOverlapsImage { start } => write!(
                f,
                "the guest's frame list at {start} (INIT_P2M) reaches into its image (VIRT_BASE)"
            ),
        }
    }
}

impl core::error::Error for LayoutError {}

const PAGES_PER_MEBIBYTE: u64 = 256;

/// Returns the size of so many pages, rounded up.
fn mebibytes(pages: u64) -> u64 {
    pages.div_ceil(PAGES_PER_MEBIBYTE)
}
