use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::frame_range::FrameRange;
use super::super::layout::{Footprint, RamdiskPlacement};
use super::super::mapping::Vpn;
use super::super::test_memory::{TestMemory, Walk, frame_of};
use super::*;
use crate::address::Gva;

const HIGH: u64 = 0xffff_ffff_8000_0000;

fn layout(virt_base: u64, kernel_pages: u64, p2m: Option<u64>) -> Layout {
    let image = Footprint {
        virt_base: Gva(virt_base),
        kernel: FrameRange { first: Gfn(0x10), count: kernel_pages },
        p2m_address: p2m.map(Gva),
        ramdisk: RamdiskPlacement::Unmapped,
    };
    Layout::plan(&image, 0x8000, 0).expect("it fits")
}

fn entries() -> HypervisorEntries {
    core::array::from_fn(|index| 0x1003 + 0x1000 * u64::try_from(index).expect("small"))
}

fn written(layout: &Layout) -> TestMemory {
    let mut memory = TestMemory::new(layout.memory_pages, Gpa(u64::MAX));
    write(layout, &entries(), &mut memory);
    memory
}

/// Walks the written tables and compares with what the layout promises, page by page.
fn verify(layout: &Layout) {
    let memory = written(layout);
    let walk = Walk::from(&memory, frame_address(layout.top_table()));
    let mut wanted = BTreeMap::new();
    for mapping in [Some(layout.initial_mapping), layout.p2m.mapping].iter().flatten() {
        for page in 0..mapping.frames.count {
            let frame = mapping.frames.first.0 + page;
            wanted.insert(mapping.first.0 + page, (frame << 12) + 0x23);
        }
    }
    assert!(walk.pages == wanted, "{layout:?}");
    assert!(walk.table_entries.iter().all(|entry| entry & 0x8000_0000_0000_0fff == 0x67));

    let mut tables = walk.tables.clone();
    tables.sort_unstable();
    let own = layout.p2m.frames();
    let own = own.first.0 + layout.p2m.list.count..own.end().0;
    let initial = layout.page_tables.first.0..layout.page_tables.end().0;
    let mut reserved: Vec<_> = initial.chain(own).map(Gfn).collect();
    if layout.p2m.mapping.is_none() {
        reserved.truncate(usize::try_from(layout.page_tables.count).expect("small"));
    }
    reserved.sort_unstable();
    assert_eq!(tables, reserved, "each table is referred to once");
    let top = frame_address(layout.top_table());
    let slots = entries()
        .iter()
        .zip(256..)
        .all(|(entry, slot)| memory.read_word(Gpa(top.0 + slot * 8)) == *entry);
    assert!(slots, "the hypervisor's entries");
}

#[test]
fn kernels_of_every_kind() {
    verify(&layout(HIGH, 0x1000, Some(0x80_0000_0000)));
    verify(&layout(HIGH, 0x1000, None));
    verify(&layout(0, 0x100, None));
    verify(&layout(0xffff_ff00_0000_0000, 0x100, Some(0xffff_8800_0000_0000)));
}

#[test]
fn areas_that_meet_in_a_table() {
    // The list of 0x8000 frames has 0x40 pages: below in the same L1, L2, L3 and L4 table.
    for (virt_base, distance, tables) in [
        (HIGH + 0x4_0000, 0x4_0000, 0),
        (HIGH + 0x2_0000, 0x4_0000, 2),
        (HIGH, 0x4_0000, 2),
        (HIGH, 1 << 30, 2),
        (HIGH + (1 << 30) - (4 << 20), 1 << 29, 1),
        (HIGH, 1 << 39, 3),
    ] {
        let layout = layout(virt_base, 0x100, Some(virt_base - distance));
        let own = layout.p2m.mapping.expect("its own mapping").tables.count();
        assert_eq!(own, tables, "{virt_base:#x} - {distance:#x}");
        verify(&layout);
    }
}

/// A page of the initial mapping, looked up by hand.
#[test]
fn entries_where_the_manual_puts_them() {
    let layout = layout(HIGH, 0x100, Some(0x80_0000_0000));
    let memory = written(&layout);
    let top = layout.top_table().0;
    let word = |frame: u64, index: u64| memory.read_word(Gpa(frame * 4096 + index * 8));
    assert_eq!(word(top, 511), (top + 1) << 12 | 0x67);
    assert_eq!(word(top + 1, 510), (top + 2) << 12 | 0x67);
    assert_eq!(word(top + 2, 1), (top + 4) << 12 | 0x67);
    assert_eq!(word(top + 4, 3), 0x203 << 12 | 0x23);
    let list = layout.p2m.list;
    assert_eq!(word(top, 1), list.end().0 << 12 | 0x67);
    assert_eq!(word(list.end().0 + 2, 5), (list.first.0 + 5) << 12 | 0x23);
    assert_eq!(frame_of(word(list.end().0 + 2, 5)), Gfn(list.first.0 + 5));
    assert_eq!(Vpn::of(layout.p2m.address).top_level_entry(), 1);
}

#[test]
fn a_call_for_each_table() {
    let layout = layout(HIGH, 0x1000, Some(0x80_0000_0000));
    let tables = layout.page_tables.count + 3;
    assert_eq!(u64::try_from(written(&layout).calls).expect("small"), tables + 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_layout_is_mapped(
        virt_base in prop_oneof![
            Just(HIGH), 0_u64..1 << 34, (0_u64..1 << 18).prop_map(|page| HIGH + (page << 12)),
        ],
        p2m in prop_oneof![
            Just(None),
            (0_u64..1 << 34).prop_map(|page| Some(page << 12)),
            (0x40_u64..1 << 20).prop_map(|below| Some(HIGH - (below << 12))),
        ],
        kernel_pages in 1_u64..0x3000,
    ) {
        let image = Footprint {
            virt_base: Gva(virt_base & !0xfff),
            kernel: FrameRange { first: Gfn(0), count: kernel_pages },
            p2m_address: p2m.map(Gva),
            ramdisk: RamdiskPlacement::Mapped,
        };
        if let Ok(layout) = Layout::plan(&image, 0x8000, 0) {
            verify(&layout);
        }
    }
}
