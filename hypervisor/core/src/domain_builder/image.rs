//! A guest's kernel image: what a file says about where it goes and how it is started.
//!
//! The rules are those of Xen's loader (`xen/common/libelf`), which decides what a kernel may
//! leave out. Nothing is copied here; see `load.rs`.

use xenolith_abi::guest_layout::HYPERVISOR_VIRT_START;

use super::elf_file::ElfFile;
use super::feature_list::KernelFeatures;
use super::frame_range::FrameRange;
use super::image_error::ImageError;
use super::layout::{Footprint, RamdiskPlacement};
use super::notes::{Form, Notes};
use super::segments::{self, Segments};
use crate::address::{Gpa, Gva, PAGE_SIZE};

/// A kernel that can be loaded; it borrows the file.
#[derive(Clone, Debug)]
pub struct GuestImage<'a> {
    /// What goes into memory.
    pub segments: Segments<'a>,
    /// What the layout has to know.
    pub footprint: Footprint,
    /// The first instruction.
    pub entry: Gva,
    /// The page to be filled with hypercall stubs, if the kernel wants one.
    pub hypercall_page: Option<Gpa>,
    /// Features that the kernel supports and requires.
    pub features: KernelFeatures,
    /// The kernel's name, for the log.
    pub guest_os: &'a [u8],
    /// The kernel's version, for the log.
    pub guest_version: &'a [u8],
}

impl<'a> GuestImage<'a> {
    /// Reads a kernel's headers and notes.
    ///
    /// # Errors
    /// Whatever keeps the file from being started, in words for its owner.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ImageError> {
        let file = ElfFile::open(bytes)?;
        let notes = Notes::find(&file)?;
        notes.check()?;
        let virt_base = virt_base(&notes)?;
        let segments = segments::load(&file, paddr_offset(&notes, virt_base))?;
        let extent = Extent::of(&segments, virt_base)?;
        let footprint = Footprint {
            virt_base,
            kernel: extent.frames(),
            p2m_address: extent.p2m_address(&notes)?,
            ramdisk: if notes.mod_start_pfn {
                RamdiskPlacement::Unmapped
            } else {
                RamdiskPlacement::Mapped
            },
        };
        Ok(Self {
            segments,
            footprint,
            entry: extent.entry(Gva(notes.entry.unwrap_or(file.entry())))?,
            hypercall_page: extent.hypercall_page(&notes)?,
            features: notes.features,
            guest_os: notes.guest_os,
            guest_version: notes.guest_version,
        })
    }
}

/// Returns the virtual address of frame 0, and checks what hangs together with it.
fn virt_base(notes: &Notes<'_>) -> Result<Gva, ImageError> {
    if notes.paddr_offset.is_some() && notes.virt_base.is_none() {
        return Err(ImageError::OffsetWithoutBase);
    }
    if let Some(lowest) = notes.hv_start_low.filter(|lowest| *lowest > HYPERVISOR_VIRT_START) {
        return Err(ImageError::HypervisorStart { lowest: Gva(lowest) });
    }
    let virt_base = Gva(notes.virt_base.unwrap_or(0));
    if !virt_base.is_canonical() || !virt_base.is_aligned(PAGE_SIZE) {
        return Err(ImageError::VirtBase { virt_base });
    }
    Ok(virt_base)
}

/// Returns what the physical addresses in the file count from.
///
/// Kernels from before there were notes had virtual addresses there.
fn paddr_offset(notes: &Notes<'_>, virt_base: Gva) -> u64 {
    let default = match notes.form {
        Form::ElfNotes => 0,
        Form::GuestString => virt_base.0,
    };
    notes.paddr_offset.unwrap_or(default)
}

/// The memory between the first and the last byte of an image, and where it is mapped.
struct Extent {
    virt_base: Gva,
    start: Gpa,
    end: Gpa,
}

impl Extent {
    fn of(segments: &Segments<'_>, virt_base: Gva) -> Result<Self, ImageError> {
        let start = segments.first().ok_or(ImageError::NoSegments)?.start;
        let end = segments.last().ok_or(ImageError::NoSegments)?.end;
        if !start.is_aligned(PAGE_SIZE) {
            return Err(ImageError::StartUnaligned { start });
        }
        Ok(Self { virt_base, start, end })
    }

    fn frames(&self) -> FrameRange {
        let first = self.start.gfn();
        FrameRange { first, count: self.end.0.div_ceil(PAGE_SIZE) - first.0 }
    }

    /// Returns where the image has a virtual address, or `None` if it is outside.
    fn locate(&self, address: Gva) -> Option<Gpa> {
        let offset = address.0.checked_sub(self.virt_base.0).map(Gpa);
        offset.filter(|offset| (self.start..self.end).contains(offset))
    }

    fn entry(&self, entry: Gva) -> Result<Gva, ImageError> {
        self.locate(entry).map(|_| entry).ok_or(ImageError::EntryOutsideImage { entry })
    }

    fn hypercall_page(&self, notes: &Notes<'_>) -> Result<Option<Gpa>, ImageError> {
        let Some(address) = notes.hypercall_page else { return Ok(None) };
        let page = self.locate(Gva(address)).filter(|page| page.is_aligned(PAGE_SIZE));
        page.map(Some).ok_or(ImageError::HypercallPage)
    }

    fn p2m_address(&self, notes: &Notes<'_>) -> Result<Option<Gva>, ImageError> {
        let address = notes.init_p2m.map(Gva);
        if address.and_then(|address| self.locate(address)).is_some() {
            return Err(ImageError::P2mInsideImage);
        }
        Ok(address)
    }
}

#[cfg(test)]
mod tests;
