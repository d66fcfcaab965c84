use proptest::prelude::*;

use super::*;
use crate::domain_builder::mapping::{Level, Tables, Vpn};

const HIGH: Gva = Gva(0xffff_ffff_8000_0000);

fn frames(first: u64, count: u64) -> FrameRange {
    FrameRange { first: Gfn(first), count }
}

fn linux() -> Footprint {
    Footprint {
        virt_base: HIGH,
        kernel: frames(0x1000, 0x3a00),
        p2m_address: Some(Gva(0x80_0000_0000)),
        ramdisk: RamdiskPlacement::Unmapped,
    }
}

fn low() -> Footprint {
    Footprint {
        virt_base: Gva(0),
        kernel: frames(0, 0x100),
        p2m_address: None,
        ramdisk: RamdiskPlacement::Mapped,
    }
}

/// The numbers of a Debian kernel with 256 MiB under Xen 4.17.
#[test]
fn linux_as_xen_lays_it_out() {
    let layout = Layout::plan(&linux(), 0x10000, 0x1e5 * PAGE_SIZE - 1).expect("it fits");
    assert_eq!(layout.start_info, Gfn(0x4a00));
    assert_eq!(layout.xenstore, Gfn(0x4a01));
    assert_eq!(layout.console, Gfn(0x4a02));
    assert_eq!(layout.page_tables, frames(0x4a03, 0x29));
    assert_eq!(layout.boot_stack, Gfn(0x4a2c));
    assert_eq!(layout.initial_mapping.frames, frames(0, 0x4c00));
    assert_eq!(layout.ramdisk, frames(0x4c00, 0x1e5));
    assert_eq!(layout.p2m.frames(), frames(0x4de5, 0x83));
    assert_eq!(layout.p2m.list.count, 0x80);
    assert_eq!(layout.p2m.address, Gva(0x80_0000_0000));
    assert_eq!(layout.virtual_address(layout.top_table()), Gva(HIGH.0 + 0x04a0_3000));
}

/// Computed by hand: everything is inside the initial mapping of a kernel at address 0.
#[test]
fn low_kernel_has_everything_mapped() {
    let layout = Layout::plan(&low(), 0x4000, 3 * PAGE_SIZE).expect("it fits");
    assert_eq!(layout.ramdisk, frames(0x100, 3));
    assert_eq!(layout.p2m.frames(), frames(0x103, 0x20));
    assert_eq!(layout.p2m.address, Gva(0x10_3000));
    assert_eq!(layout.p2m.mapping, None);
    assert_eq!(layout.start_info, Gfn(0x123));
    // 0x126 pages, 128 of padding, the stack and tables end below 4 MiB: two tables of 2 MiB.
    assert_eq!(layout.page_tables, frames(0x126, 5));
    assert_eq!(layout.boot_stack, Gfn(0x12b));
    assert_eq!(layout.initial_mapping.frames, frames(0, 0x400));
}

/// A page more, and the next 4 MiB with their two tables are needed.
#[test]
fn mapping_ends_at_the_first_multiple_that_fits() {
    let end_with = |kernel_pages| {
        let image = Footprint { kernel: frames(0, kernel_pages), ..low() };
        let layout = Layout::plan(&image, 0x1000, 0).expect("it fits");
        (layout.initial_mapping.frames.count, layout.page_tables.count)
    };
    // The list of 0x1000 frames takes 8 pages, start_info and rings 3, the tables 5, the stack 1.
    let kernel_pages = 0x400 - 8 - 3 - 5 - 1 - 128;
    assert_eq!(end_with(kernel_pages), (0x400, 5));
    assert_eq!(end_with(kernel_pages + 1), (0x800, 7));
}

#[test]
fn tables_of_two_areas_are_shared_where_they_meet() {
    let image = Footprint { p2m_address: Some(Gva(HIGH.0 - (1 << 30))), ..linux() };
    let layout = Layout::plan(&image, 0x10000, 0).expect("it fits");
    let mapping = layout.p2m.mapping.expect("its own mapping");
    assert_eq!(mapping.tables.l4.frames.count, 0);
    assert_eq!(mapping.tables.l3.frames.count, 0);
    assert_eq!((mapping.tables.l2.frames.count, mapping.tables.l1.frames.count), (1, 1));
    assert_eq!(layout.p2m.frames().count, 0x82);
}

#[test]
fn unusable_p2m_addresses_are_as_none() {
    for address in [HIGH.0, HIGH.0 + PAGE_SIZE, 0x80_0000_0800] {
        let image = Footprint { p2m_address: Some(Gva(address)), ..linux() };
        let layout = Layout::plan(&image, 0x10000, 0).expect("it fits");
        assert_eq!(layout.p2m.mapping, None, "{address:#x}");
        assert_eq!(layout.p2m.address, Gva(HIGH.0 + 0x4a0_0000), "{address:#x}");
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let part =
        |image: &Footprint, memory_pages, ramdisk| match Layout::plan(image, memory_pages, ramdisk)
        {
            Err(LayoutError::NoRoom { part, needed_pages, memory_pages: given }) => {
                assert!(needed_pages > given);
                assert_eq!(given, memory_pages);
                Some(part)
            }
            Ok(_) => None,
            Err(other) => panic!("{other}"),
        };
    assert_eq!(part(&linux(), 0x49ff, 0), Some(Part::Kernel));
    assert_eq!(part(&linux(), 0x4a02, 0), Some(Part::BootPages));
    assert_eq!(part(&linux(), 0x4bff, 0), Some(Part::InitialMapping));
    assert_eq!(part(&linux(), 0x4c00, 1), Some(Part::Ramdisk));
    assert_eq!(part(&linux(), 0x4c00, 0), Some(Part::P2m));
    // A list of 0x27 pages and its three tables follow the initial mapping.
    assert_eq!(part(&linux(), 0x4c29, 0), Some(Part::P2m));
    assert_eq!(part(&linux(), 0x4c2a, 0), None);
    assert_eq!(part(&linux(), 0x10000, u64::MAX), Some(Part::Ramdisk));
    assert_eq!(part(&low(), 0x10000, u64::MAX), Some(Part::Ramdisk));
    assert_eq!(part(&low(), 0x400, 0), None);
    assert_eq!(part(&low(), 0x3ff, 0), Some(Part::InitialMapping));
    assert_eq!(part(&low(), 0, 0), Some(Part::Kernel));
    assert_eq!(part(&low(), 0x100, 0), Some(Part::P2m));
    assert_eq!(part(&low(), 0x103, 0), Some(Part::BootPages));
}

#[test]
fn addresses_that_cannot_be_mapped_are_refused() {
    let plan = |virt_base: u64, p2m: Option<u64>| {
        let image = Footprint {
            virt_base: Gva(virt_base),
            p2m_address: p2m.map(Gva),
            kernel: frames(0, 0x100),
            ..linux()
        };
        Layout::plan(&image, 0x10000, 0).map(|_| ())
    };
    let not_canonical = |part, start| Err(LayoutError::NotCanonical { part, start: Gva(start) });
    let in_hole = |part, start| Err(LayoutError::InHypervisorArea { part, start: Gva(start) });
    // The last 4 MiB of each half, and a page too far.
    assert_eq!(plan(0x7fff_ffc0_0000, None), Ok(()));
    assert_eq!(plan(0xffff_ffff_ffc0_0000, None), Ok(()));
    for start in [0x7fff_ffe0_0000, 0xffff_ffff_ffe0_0000] {
        assert_eq!(plan(start, None), not_canonical(Part::InitialMapping, start));
    }
    assert_eq!(plan(0x1_0000_0000_0000, None), not_canonical(Part::InitialMapping, 1 << 48));
    for start in [0xffff_8000_0000_0000, 0xffff_87ff_ffc0_0000] {
        assert_eq!(plan(start, None), in_hole(Part::InitialMapping, start));
    }
    assert_eq!(plan(0xffff_8800_0000_0000, None), Ok(()));
    assert_eq!(
        plan(HIGH.0, Some(0xffff_8000_0000_0000)),
        in_hole(Part::P2m, 0xffff_8000_0000_0000)
    );
    let start = 0x7fff_ffff_f000;
    assert_eq!(plan(HIGH.0, Some(start)), not_canonical(Part::P2m, start));
    let start = Gva(HIGH.0 - PAGE_SIZE);
    assert_eq!(plan(HIGH.0, Some(start.0)), Err(LayoutError::P2mOverlapsImage { start }));
    assert_eq!(plan(HIGH.0, Some(HIGH.0 - 0x80 * PAGE_SIZE)), Ok(()));
    let memory_pages = (1 << 40) + 1;
    let too_much = Layout::plan(&linux(), memory_pages, 0);
    assert_eq!(too_much, Err(LayoutError::TooMuchMemory { memory_pages }));
}

/// Every size from 1 MiB to 64 GiB that a user may type, both kinds of kernel.
#[test]
fn many_sizes() {
    let mut fitting = 0;
    for shift in 0..=16 {
        for memory_pages in [256 << shift, (256 << shift) + 1, (256 << shift) + 511] {
            for image in [linux(), low()] {
                for ramdisk in [0, 1, PAGE_SIZE, 5_000_000] {
                    if let Ok(layout) = Layout::plan(&image, memory_pages, ramdisk) {
                        check(&layout, ramdisk);
                        fitting += 1;
                    }
                }
            }
        }
    }
    // The high kernel fits from 128 MiB on, the low one from 4 MiB and with a large ramdisk from 8.
    assert_eq!(fitting, 10 * 3 * 4 + 3 * 3 + 14 * 3 * 4);
}

/// Checks everything that must hold of any layout.
fn check(layout: &Layout, ramdisk_bytes: u64) {
    let one = |frame| FrameRange { first: frame, count: 1 };
    let mut parts = vec![
        layout.image.kernel,
        one(layout.start_info),
        one(layout.xenstore),
        one(layout.console),
        layout.page_tables,
        one(layout.boot_stack),
    ];
    let is_mapped = layout.image.ramdisk == RamdiskPlacement::Mapped;
    parts.insert(if is_mapped { 1 } else { parts.len() }, layout.ramdisk);
    let inner_list = if is_mapped { 2 } else { 1 };
    let position = if layout.p2m.mapping.is_none() { inner_list } else { parts.len() };
    parts.insert(position, layout.p2m.frames());
    parts.retain(|part| part.count != 0);
    for pair in parts.windows(2) {
        assert!(pair[0].end() <= pair[1].first, "order: {pair:?} in {layout:?}");
    }
    assert!(parts.iter().all(|part| part.end().0 <= layout.memory_pages));
    assert_eq!(layout.ramdisk.count, ramdisk_bytes.div_ceil(PAGE_SIZE));
    assert!(layout.p2m.list.bytes() / 8 >= layout.memory_pages);

    let mapping = &layout.initial_mapping;
    let end = mapping.frames.count;
    assert_eq!(mapping.frames.first, Gfn(0));
    assert_eq!((Vpn::of(layout.image.virt_base).0 + end) % 1024, 0);
    assert!(end - (layout.boot_stack.0 + 1) >= 128, "padding in {layout:?}");
    if let Some(shorter) = end.checked_sub(1024).filter(|pages| *pages > 0) {
        let tables = Tables::place(mapping.first, shorter, Gfn(0), None).count();
        assert!(layout.page_tables.first.0 + tables + 1 + 128 > shorter, "end of {layout:?}");
    }
    assert_eq!(layout.page_tables.first, layout.top_table());
    check_tables(layout);
}

/// Compares the tables of a layout with the set of tables that its pages need.
fn check_tables(layout: &Layout) {
    let mappings = [Some(layout.initial_mapping), layout.p2m.mapping];
    for (level, shift) in [(Level::L4, 36), (Level::L3, 27), (Level::L2, 18), (Level::L1, 9)] {
        let mut needed = std::collections::BTreeSet::new();
        let mut made = Vec::new();
        for mapping in mappings.iter().flatten() {
            let last = mapping.first.0 + mapping.frames.count - 1;
            needed.extend((mapping.first.0..=last).step_by(512).map(|page| page >> shift));
            needed.insert(last >> shift);
            let run = mapping.tables.run(level);
            made.extend(run.first..run.first + run.frames.count);
        }
        made.sort_unstable();
        assert!(made.iter().eq(needed.iter()), "{level:?}: {made:?} for {needed:?}");
    }
    assert_eq!(layout.page_tables.count, layout.initial_mapping.tables.count());
    if let Some(mapping) = layout.p2m.mapping {
        assert_eq!(mapping.frames, layout.p2m.list);
        assert_eq!(layout.p2m.frames().count - layout.p2m.list.count, mapping.tables.count());
    }
}

prop_compose! {
    fn footprints()(
        virt_base in prop_oneof![
            Just(0), Just(HIGH.0), Just(0xffff_8800_0000_0000),
            (0_u64..1 << 35).prop_map(|page| page << 12),
            (1_u64 << 35..1 << 36).prop_map(|page| 0xffff << 48 | page << 12),
        ],
        p2m in prop_oneof![
            Just(None), Just(Some(0x80_0000_0000)),
            (0_u64..1 << 25).prop_map(|below| Some(HIGH.0.wrapping_sub(below << 12))),
            any::<u64>().prop_map(Some),
        ],
        first in prop_oneof![Just(0), 0_u64..0x2000],
        count in 1_u64..0x8000,
        unmapped in any::<bool>(),
    ) -> Footprint {
        Footprint {
            virt_base: Gva(virt_base),
            kernel: frames(first, count),
            p2m_address: p2m.map(Gva),
            ramdisk: if unmapped { RamdiskPlacement::Unmapped } else { RamdiskPlacement::Mapped },
        }
    }
}

proptest! {
    #[test]
    fn any_layout_holds_together(
        image in footprints(),
        memory_pages in prop_oneof![256_u64..0x10000, 0x10000_u64..1 << 24],
        ramdisk in prop_oneof![Just(0), 0_u64..50_000_000],
    ) {
        if let Ok(layout) = Layout::plan(&image, memory_pages, ramdisk) {
            check(&layout, ramdisk);
        }
    }

    #[test]
    fn any_numbers_are_survived(
        virt_base in any::<u64>(),
        p2m in any::<Option<u64>>(),
        first in any::<u64>(),
        count in any::<u64>(),
        memory_pages in any::<u64>(),
        ramdisk in any::<u64>(),
        unmapped in any::<bool>(),
    ) {
        let image = Footprint {
            virt_base: Gva(virt_base & !0xfff),
            kernel: frames(first >> 12, count >> 12),
            p2m_address: p2m.map(Gva),
            ramdisk: if unmapped { RamdiskPlacement::Unmapped } else { RamdiskPlacement::Mapped },
        };
        if let Err(error) = Layout::plan(&image, memory_pages, ramdisk) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
