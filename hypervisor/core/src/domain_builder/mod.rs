//! Builds the initial state of a domain from a kernel image.
//!
//! The contract is Xen's for a paravirtual x86-64 guest: [`image`] reads what the kernel asks for,
//! [`layout`] says where everything goes, and the rest writes it there. All is decided before the
//! first byte is written, so an error leaves the guest's memory as it was. The work is bounded by
//! the sizes of the files and of the memory, and no buffer is larger than a start_info record.

pub mod build_error;
pub mod bzimage;
mod elf_file;
pub mod excerpt;
pub mod feature_list;
pub mod frame_range;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
pub mod guest_frames;
mod guest_string;
pub mod image;
pub mod image_error;
mod initial_mapping;
pub mod layout;
pub mod layout_error;
pub mod load;
pub mod mapping;
mod notes;
pub mod page_tables;
mod reservation;
pub mod segments;
mod shared_info;
pub mod start_info;
#[cfg(any(test, feature = "fuzzing"))]
#[cfg_attr(not(test), allow(dead_code, reason = "tests use more of it than fuzzing"))]
mod test_image;
#[cfg(any(test, feature = "fuzzing"))]
#[cfg_attr(not(test), allow(dead_code, reason = "tests use more of it than fuzzing"))]
mod test_memory;

use self::build_error::BuildError;
use self::frame_range::frame_address;
use self::guest_frames::GuestFrames;
use self::image::GuestImage;
use self::layout::Layout;
use self::load::HypercallStub;
use self::page_tables::HypervisorEntries;
use self::start_info::CommandLine;
use crate::address::{Gfn, Gpa, Gva, PAGE_SIZE};
use xenolith_abi::features;

/// What the hypervisor decides about a new domain.
#[derive(Clone, Copy, Debug)]
pub struct BuildParameters {
    /// The number of frames of the domain's memory, which begins at address 0.
    pub memory_pages: u64,
    /// The page that the domain shares with the hypervisor, outside that memory.
    pub shared_info: Gpa,
    /// The port of the console, or 0 for none.
    pub console_port: u32,
    /// The port of xenstore, or 0 for none.
    pub store_port: u32,
    /// What stands in the hypervisor's part of the top-level page table.
    pub hypervisor_entries: HypervisorEntries,
    /// The code of the hypercall page.
    pub hypercall_stub: HypercallStub,
}

/// With what a domain's first vCPU starts; every register not named here is 0 or the processor
/// mode's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InitialState {
    /// The kernel's entry point.
    pub rip: Gva,
    /// The upper end of the boot stack.
    pub rsp: Gva,
    /// The address of start_info.
    pub rsi: Gva,
    /// The top-level page table.
    pub cr3: Gpa,
    /// Where everything is.
    pub layout: Layout,
    /// Whether the kernel names `supervisor_mode_kernel` among its features.
    pub supervisor_mode_kernel: bool,
}

/// Builds a domain from the bytes of a kernel and of its ramdisk, if it has one.
///
/// # Errors
/// What is wrong with the kernel, or does not fit. Nothing has been written then.
pub fn build(
    kernel: &[u8],
    ramdisk: Option<&[u8]>,
    command_line: &[u8],
    parameters: &BuildParameters,
    memory: &mut impl GuestFrames,
) -> Result<InitialState, BuildError> {
    let image = GuestImage::parse(kernel)?;
    let ramdisk = ramdisk.unwrap_or_default();
    let bytes = command_line.len();
    let command_line = CommandLine::new(command_line).ok_or(BuildError::CommandLine { bytes })?;
    let ramdisk_bytes = u64::try_from(ramdisk.len()).unwrap_or(u64::MAX);
    let layout = Layout::plan(&image.footprint, parameters.memory_pages, ramdisk_bytes)?;
    check_shared_info(parameters)?;
    load::kernel(&image, &layout, memory);
    load::ramdisk(ramdisk, &layout, memory);
    if let Some(page) = image.hypercall_page {
        load::hypercall_page(page, parameters.hypercall_stub, memory);
    }
    load::frame_list(&layout, memory);
    load::blank_pages(&layout, memory);
    page_tables::write(&layout, &parameters.hypervisor_entries, memory);
    start_info::write(&layout, command_line, parameters, memory);
    shared_info::write(parameters.shared_info, memory);
    Ok(InitialState {
        rip: image.entry,
        rsp: layout.virtual_address(Gfn(layout.boot_stack.0 + 1)),
        rsi: layout.virtual_address(layout.start_info),
        cr3: frame_address(layout.top_table()),
        layout,
        supervisor_mode_kernel: image.features.knows(features::SUPERVISOR_MODE_KERNEL),
    })
}

/// Checks that the shared info page is a page of its own.
fn check_shared_info(parameters: &BuildParameters) -> Result<(), BuildError> {
    let page = parameters.shared_info;
    if page.is_aligned(PAGE_SIZE) && page.gfn().0 >= parameters.memory_pages {
        Ok(())
    } else {
        Err(BuildError::SharedInfo { page })
    }
}

#[cfg(test)]
mod tests;
