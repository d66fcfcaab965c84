use xenolith_abi::start_info::SIF_MOD_START_PFN;

use super::super::frame_range::FrameRange;
use super::super::layout::Footprint;
use super::*;
use crate::address::{Gfn, Gpa, Gva};

const HIGH: u64 = 0xffff_ffff_8000_0000;

fn layout(ramdisk: RamdiskPlacement, p2m: Option<Gva>, ramdisk_bytes: u64) -> Layout {
    let image = Footprint {
        virt_base: Gva(HIGH),
        kernel: FrameRange { first: Gfn(0x100), count: 0x10 },
        p2m_address: p2m,
        ramdisk,
    };
    Layout::plan(&image, 0x2000, ramdisk_bytes).expect("it fits")
}

fn parameters() -> BuildParameters {
    BuildParameters {
        memory_pages: 0x2000,
        shared_info: Gpa(0x200_0000),
        console_port: 2,
        store_port: 1,
        hypervisor_entries: [0; 16],
        hypercall_stub: |_| [0; 32],
    }
}

fn info(layout: &Layout, command_line: &[u8]) -> StartInfo {
    let command_line = CommandLine::new(command_line).expect("it fits");
    contents(layout, command_line, &parameters())
}

#[test]
fn separate_list_and_unmapped_ramdisk() {
    let layout = layout(RamdiskPlacement::Unmapped, Some(Gva(0x80_0000_0000)), 5000);
    let info = info(&layout, b"console=hvc0 quiet");
    assert_eq!(&info.magic[..15], b"xen-3.0-x86_64\0");
    assert_eq!(info.nr_pages, 0x2000);
    assert_eq!(info.shared_info, 0x200_0000);
    assert_eq!(info.flags, SIF_MOD_START_PFN);
    assert_eq!((info.store_mfn, info.store_evtchn), (0x111, 1));
    assert_eq!((info.console_mfn, info.console_evtchn), (0x112, 2));
    assert_eq!((info.pt_base, info.nr_pt_frames), (HIGH + 0x11_3000, 5));
    assert_eq!(info.mfn_list, 0x80_0000_0000);
    assert_eq!((info.mod_start, info.mod_len), (0x400, 0x2000));
    assert_eq!((info.first_p2m_pfn, info.nr_p2m_frames), (0x402, 0x10 + 3));
    assert_eq!(&info.cmd_line[..19], b"console=hvc0 quiet\0");
}

#[test]
fn everything_in_the_initial_mapping() {
    let layout = layout(RamdiskPlacement::Mapped, None, 5000);
    let info = info(&layout, b"");
    assert_eq!(info.flags, 0);
    assert_eq!((info.mod_start, info.mod_len), (HIGH + 0x11_0000, 0x2000));
    assert_eq!(info.mfn_list, HIGH + 0x11_2000);
    assert_eq!((info.first_p2m_pfn, info.nr_p2m_frames), (0, 0));
    assert_eq!(info.cmd_line, [0; 1024]);
}

#[test]
fn no_ramdisk_is_told_by_zeros() {
    for placement in [RamdiskPlacement::Mapped, RamdiskPlacement::Unmapped] {
        let info = info(&layout(placement, None, 0), b"");
        assert_eq!((info.flags, info.mod_start, info.mod_len), (0, 0, 0));
    }
}

#[test]
fn command_line_leaves_room_for_its_end() {
    let longest = [b'x'; CommandLine::MAX_BYTES];
    let layout = layout(RamdiskPlacement::Mapped, None, 0);
    let line = info(&layout, &longest).cmd_line;
    assert_eq!((line[1022], line[1023]), (b'x', 0));
    assert!(CommandLine::new(&[b'x'; 1024]).is_none());
}
