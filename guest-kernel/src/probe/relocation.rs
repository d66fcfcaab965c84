//! The record of a vCPU, moved out of the shared page.

use x86_64::VirtAddr;

use crate::{
    StartInfo, hypercall::Errno, paging::AddressSpace, shared_info, static_pages::StaticPages,
    vcpu::VcpuId,
};

/// Where the record goes, and nothing else.
static PLACE: StaticPages<1> = StaticPages::new();

/// Moves the record of the boot vCPU to `offset` bytes into a page (`VCPUOP_register_vcpu_info`);
/// returns the page's address.
///
/// # Errors
///
/// The hypervisor's.
///
/// # Panics
///
/// If the kernel's image is not mapped.
pub fn relocate(start: &StartInfo, offset: u32) -> Result<VirtAddr, Errno> {
    let page = PLACE.page(0);
    let frame = AddressSpace::of_boot(start).translate(page).expect("the image is mapped");
    // SAFETY: the frame is the page's, and nothing else uses it.
    unsafe { shared_info::relocate(VcpuId::BOOT, &PLACE, frame, offset) }?;
    Ok(page)
}
