//! The page that tells a kernel what it was given.

use xenolith_abi::start_info::{MAGIC, MAX_GUEST_CMDLINE, SIF_MOD_START_PFN, StartInfo};
use zerocopy::{FromZeros, IntoBytes};

use super::BuildParameters;
use super::frame_range::frame_address;
use super::guest_frames::GuestFrames;
use super::layout::{Layout, RamdiskPlacement};
use crate::address::PAGE_SIZE;

/// A guest's command line, which fits with the NUL that ends it.
#[derive(Clone, Copy, Debug)]
pub struct CommandLine<'a>(&'a [u8]);

impl<'a> CommandLine<'a> {
    /// Bytes that fit.
    pub const MAX_BYTES: usize = MAX_GUEST_CMDLINE - 1;

    /// Checks the length of a command line.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() <= Self::MAX_BYTES).then_some(Self(bytes))
    }
}

/// Writes the page.
pub(super) fn write(
    layout: &Layout,
    command_line: CommandLine<'_>,
    parameters: &BuildParameters,
    memory: &mut impl GuestFrames,
) {
    let page = frame_address(layout.start_info);
    memory.zero(page, PAGE_SIZE);
    memory.write_bytes(page, contents(layout, command_line, parameters).as_bytes());
}

fn contents(
    layout: &Layout,
    command_line: CommandLine<'_>,
    parameters: &BuildParameters,
) -> StartInfo {
    let mut info = StartInfo {
        nr_pages: layout.memory_pages,
        shared_info: parameters.shared_info.0,
        store_mfn: layout.xenstore.0,
        store_evtchn: parameters.store_port,
        console_mfn: layout.console.0,
        console_evtchn: parameters.console_port,
        pt_base: layout.virtual_address(layout.top_table()).0,
        nr_pt_frames: layout.page_tables.count,
        mfn_list: layout.p2m.address.0,
        ..StartInfo::new_zeroed()
    };
    info.magic[..MAGIC.len()].copy_from_slice(MAGIC);
    info.cmd_line[..command_line.0.len()].copy_from_slice(command_line.0);
    tell_ramdisk(layout, &mut info);
    if layout.p2m.mapping.is_some() {
        info.first_p2m_pfn = layout.p2m.frames().first.0;
        info.nr_p2m_frames = layout.p2m.frames().count;
    }
    info
}

/// Tells where the ramdisk is. Its length is that of its pages, as with Xen's tools.
fn tell_ramdisk(layout: &Layout, info: &mut StartInfo) {
    if layout.ramdisk.count == 0 {
        return;
    }
    info.mod_len = layout.ramdisk.bytes();
    info.mod_start = match layout.image.ramdisk {
        RamdiskPlacement::Mapped => layout.virtual_address(layout.ramdisk.first).0,
        RamdiskPlacement::Unmapped => {
            info.flags |= SIF_MOD_START_PFN;
            layout.ramdisk.first.0
        }
    };
}

#[cfg(test)]
mod tests;
