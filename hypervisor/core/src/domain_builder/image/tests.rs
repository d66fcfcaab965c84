use elf::abi::{EM_AARCH64, ET_CORE, ET_DYN, ET_REL};
use proptest::prelude::*;
use xenolith_abi::elfnote;

use super::super::excerpt::Excerpt;
use super::super::segments::MAX_SEGMENTS;
use super::super::test_image::{NotesIn, START, TestImage, VIRT_BASE};
use super::*;
use crate::address::Gfn;

fn error(image: &TestImage) -> Option<ImageError> {
    GuestImage::parse(&image.build()).err()
}

/// Writes into a finished file.
fn patched(image: &TestImage, offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = image.build();
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
    file
}

#[test]
fn smallest_kernel() {
    let file = TestImage::new().build();
    let image = GuestImage::parse(&file).expect("a good kernel");
    assert_eq!(image.entry, Gva(VIRT_BASE + START));
    assert_eq!(image.footprint.virt_base, Gva(VIRT_BASE));
    assert_eq!(image.footprint.kernel, FrameRange { first: Gfn(0x100), count: 2 });
    assert_eq!(image.footprint.p2m_address, None);
    assert_eq!(image.footprint.ramdisk, RamdiskPlacement::Mapped);
    assert_eq!(image.hypercall_page, None);
    assert_eq!(image.segments.len(), 1);
    assert_eq!(image.segments[0].data, [0x90; 100]);
    assert_eq!(image.segments[0].end, Gpa(START + 5000));
}

#[test]
fn every_note_of_linux() {
    let file = TestImage::like_linux().build();
    let image = GuestImage::parse(&file).expect("a good kernel");
    assert_eq!(image.entry, Gva(VIRT_BASE + 0x100_0000), "the note, not the header");
    assert_eq!(image.hypercall_page, Some(Gpa(0x100_1000)));
    assert_eq!(image.footprint.p2m_address, Some(Gva(0x80_0000_0000)));
    assert_eq!(image.footprint.ramdisk, RamdiskPlacement::Unmapped);
    assert_eq!(image.footprint.kernel, FrameRange { first: Gfn(0x1000), count: 0x206 });
    assert_eq!(image.features.supported, 0b1_0001);
    assert_eq!(image.guest_os, b"linux");
}

#[test]
fn string_in_place_of_notes() {
    let file = TestImage::like_mini_os().build();
    let image = GuestImage::parse(&file).expect("a good kernel");
    assert_eq!(image.entry, Gva(0));
    assert_eq!(image.footprint.virt_base, Gva(0));
    assert_eq!(image.hypercall_page, Some(Gpa(0x2000)));
    assert_eq!(image.guest_os, b"Mini-OS");
}

/// Without an offset, the physical addresses of such kernels are virtual ones.
#[test]
fn default_offset_depends_on_the_form() {
    let mut image = TestImage::like_mini_os();
    image.guest_string = Some("LOADER=generic,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000");
    image.segments[0].paddr = VIRT_BASE + START;
    image.entry = VIRT_BASE + START;
    let file = image.build();
    let parsed = GuestImage::parse(&file).expect("a good kernel");
    assert_eq!(parsed.segments[0].start, Gpa(START));

    let notes = TestImage::new().number(elfnote::PADDR_OFFSET, START).build();
    let refused = GuestImage::parse(&notes).err();
    let entry = Gva(VIRT_BASE + START);
    assert_eq!(refused, Some(ImageError::EntryOutsideImage { entry }));
    let moved = TestImage::new()
        .number(elfnote::PADDR_OFFSET, START)
        .number(elfnote::ENTRY, VIRT_BASE)
        .build();
    let parsed = GuestImage::parse(&moved).expect("a good kernel");
    assert_eq!(parsed.segments[0].start, Gpa(0));
}

#[test]
fn notes_are_found_where_xen_finds_them() {
    let mut image = TestImage::new();
    image.notes_in = NotesIn::Section;
    assert_eq!(error(&image), None);
    image.guest_string = Some("LOADER=none");
    assert_eq!(error(&image), None, "notes come before the string");

    let mut image = TestImage::new();
    image.section_note = Some((elfnote::LOADER, b"none"));
    assert_eq!(error(&image), None, "segments come before sections");
    image.notes_in = NotesIn::Section;
    assert!(matches!(error(&image), Some(ImageError::WrongLoader { .. })));

    let mut image = TestImage::like_mini_os().note(b"GNU\0", 3, &[1; 20]);
    assert_eq!(error(&image), None, "foreign notes do not count");
    image = image.note(b"Xen\0", 0x100, b"?");
    assert!(matches!(error(&image), Some(ImageError::WrongLoader { .. })), "unknown ones do");

    let foreign_first = TestImage::new();
    let mut notes = foreign_first.notes.clone();
    notes.insert(0, (b"GNU\0", 1, vec![0; 16]));
    notes.insert(1, (b"stapsdt\0", 3, vec![0; 13]));
    assert_eq!(error(&TestImage { notes, ..foreign_first }), None);
}

/// Old linkers write such a header; there is nothing to read at the start of a file.
#[test]
fn note_segment_at_offset_zero_is_skipped() {
    let header = 64 + 56;
    let offset_and_sizes = [0, 0, 0, u64::MAX].map(u64::to_le_bytes).concat();
    let file = patched(&TestImage::new(), header + 8, &offset_and_sizes);
    assert_eq!(GuestImage::parse(&file).err(), Some(ImageError::NoXenNotes));
}

#[test]
fn only_the_beginning_of_a_text_is_read() {
    let file = TestImage::new().text(elfnote::GUEST_OS, &"x".repeat(100_000)).build();
    assert_eq!(GuestImage::parse(&file).expect("a good kernel").guest_os.len(), 4096);
}

#[test]
fn numbers_of_every_width() {
    let with = |desc: &[u8]| {
        let file = TestImage::new().note(b"Xen\0", elfnote::MOD_START_PFN, desc).build();
        GuestImage::parse(&file).expect("a good kernel").footprint.ramdisk
    };
    for desc in [&[1][..], &[1, 0], &[0, 0, 0, 1], &[0, 0, 0, 0, 0, 0, 0, 1]] {
        assert_eq!(with(desc), RamdiskPlacement::Unmapped, "{desc:?}");
    }
    for desc in [&[][..], &[0], &[1, 1, 1], &[0, 0, 0, 0], &[1; 9]] {
        assert_eq!(with(desc), RamdiskPlacement::Mapped, "{desc:?}");
    }
}

#[test]
fn last_note_of_a_kind_counts() {
    let image = TestImage::new().text(elfnote::LOADER, "other").text(elfnote::LOADER, "generic");
    assert_eq!(error(&image), None);
    let features = TestImage::new()
        .note(b"Xen\0", elfnote::SUPPORTED_FEATURES, &0x8801_u32.to_le_bytes())
        .text(elfnote::FEATURES, "!pae_pgdir_above_4gb")
        .build();
    let parsed = GuestImage::parse(&features).expect("a good kernel");
    assert_eq!((parsed.features.supported, parsed.features.required), (0x8811, 0x10));
}

#[test]
fn who_made_it_for_what() {
    let bare = TestImage::new().without(elfnote::LOADER);
    assert_eq!(error(&bare.clone().text(elfnote::GUEST_OS, "linux 2.6")), None);
    let loader = Excerpt::of(b"");
    assert_eq!(
        error(&bare.clone().text(elfnote::GUEST_OS, "plan9")),
        Some(ImageError::WrongLoader { loader })
    );
    let loader = Excerpt::of(b"bespoke");
    assert_eq!(
        error(&bare.text(elfnote::LOADER, "bespoke")),
        Some(ImageError::WrongLoader { loader })
    );
    let bare = TestImage::new().without(elfnote::XEN_VERSION);
    assert_eq!(error(&bare.clone().text(elfnote::XEN_VERSION, "xen-3.0-x86_64")), None);
    for text in ["", "xen-2.0", "xen-3.1"] {
        let version = Excerpt::of(text.as_bytes());
        let image = bare.clone().text(elfnote::XEN_VERSION, text);
        assert_eq!(error(&image), Some(ImageError::WrongXenVersion { version }));
    }
    let name = Excerpt::of(b"mind_reading");
    assert_eq!(
        error(&TestImage::new().text(elfnote::FEATURES, "dom0|!mind_reading")),
        Some(ImageError::UnknownFeature { name })
    );
    let dom0 = TestImage::new().text(elfnote::FEATURES, "!dom0");
    assert_eq!(error(&dom0), Some(ImageError::NeedsDom0));
}

#[test]
fn files_of_the_wrong_kind() {
    let good = TestImage::new();
    for bytes in [&b""[..], b"\x7fEL", b"#!/bin/sh\necho no kernel", &[0; 4096]] {
        assert_eq!(GuestImage::parse(bytes).err(), Some(ImageError::NotElf));
    }
    let parse = |offset, byte| GuestImage::parse(&patched(&good, offset, &[byte])).err();
    assert_eq!(parse(4, 1), Some(ImageError::Elf32));
    assert_eq!(parse(4, 3), Some(ImageError::WrongEncoding));
    assert_eq!(parse(5, 2), Some(ImageError::WrongEncoding));
    assert_eq!(parse(6, 9), Some(ImageError::Malformed));
    let machine = EM_AARCH64;
    assert_eq!(
        error(&TestImage { machine, ..good.clone() }),
        Some(ImageError::WrongMachine { machine })
    );
    for kind in [ET_REL, ET_CORE] {
        let image = TestImage { kind, ..good.clone() };
        assert_eq!(error(&image), Some(ImageError::NotExecutable { kind }));
    }
    assert_eq!(error(&TestImage { kind: ET_DYN, ..good.clone() }), None);
    assert_eq!(
        error(&TestImage { notes: Vec::new(), ..good.clone() }),
        Some(ImageError::NoXenNotes)
    );
    assert_eq!(error(&TestImage { segments: Vec::new(), ..good }), Some(ImageError::NoSegments));
}

#[test]
fn truncated_anywhere() {
    for image in [TestImage::new(), TestImage::like_linux(), TestImage::like_mini_os()] {
        let file = image.build();
        for length in 0..file.len() {
            let error = GuestImage::parse(&file[..length]).expect_err("the end is missing");
            let wanted = if length < 4 { ImageError::NotElf } else { ImageError::Truncated };
            assert_eq!(error, wanted, "{length} bytes");
        }
    }
}

#[test]
fn segments_that_cannot_be_loaded() {
    let base = TestImage::new();
    let end = START + 5000;
    assert_eq!(error(&base.clone().segment(end, b"x", 1)), None);
    assert_eq!(
        error(&base.clone().segment(end - 1, b"x", 1)),
        Some(ImageError::SegmentsOverlap { lower: Gpa(START), higher: Gpa(end - 1) })
    );
    assert_eq!(
        error(&base.clone().segment(START - 0x1000, b"x", 0x1001)),
        Some(ImageError::SegmentsOverlap { lower: Gpa(START - 0x1000), higher: Gpa(START) })
    );
    assert_eq!(
        error(&base.clone().segment(START, b"x", 1)).map(|error| error.to_string()),
        Some("guest kernel: the segments at 0x100000 and 0x100000 overlap in memory".to_owned())
    );
    let paddr = 0x20_0000;
    assert_eq!(
        error(&base.clone().segment(paddr, b"xyz", 2)),
        Some(ImageError::SegmentSizes { paddr })
    );
    let paddr = u64::MAX - 10;
    assert_eq!(
        error(&base.clone().segment(paddr, b"x", 12)),
        Some(ImageError::SegmentAddress { paddr })
    );
    let below = base.clone().number(elfnote::PADDR_OFFSET, START + 1);
    assert_eq!(error(&below), Some(ImageError::SegmentAddress { paddr: START }));
    let start = Gpa(START - 0x800);
    assert_eq!(
        error(&base.clone().segment(start.0, b"x", 1)),
        Some(ImageError::StartUnaligned { start })
    );
    let mut many = base;
    for index in 1..=u64::try_from(MAX_SEGMENTS).expect("small") {
        assert_eq!(error(&many), None);
        many = many.segment(START + index * 0x1_0000, b"", 1);
    }
    assert_eq!(error(&many), Some(ImageError::TooManySegments));
}

#[test]
fn what_is_not_to_be_loaded_is_skipped() {
    let mut image = TestImage::new().segment(START, b"", 0).segment(START, b"xyz", 3);
    image.segments[2].flags = 0;
    let file = image.build();
    assert_eq!(GuestImage::parse(&file).expect("a good kernel").segments.len(), 1);
}

#[test]
fn addresses_that_contradict_the_image() {
    let base = TestImage::new;
    let with = |kind, value| error(&base().number(kind, value));
    for entry in [0, VIRT_BASE, VIRT_BASE + START - 1, VIRT_BASE + START + 5000, u64::MAX] {
        let wanted = ImageError::EntryOutsideImage { entry: Gva(entry) };
        assert_eq!(with(elfnote::ENTRY, entry), Some(wanted));
    }
    assert_eq!(with(elfnote::ENTRY, VIRT_BASE + START + 4999), None);
    for page in [0, START, VIRT_BASE, VIRT_BASE + START + 8, VIRT_BASE + START + 0x2000] {
        assert_eq!(with(elfnote::HYPERCALL_PAGE, page), Some(ImageError::HypercallPage));
    }
    assert_eq!(with(elfnote::HYPERCALL_PAGE, VIRT_BASE + START + 0x1000), None);
    for base in [VIRT_BASE + 8, 0x8000_0000_0000] {
        let wanted = ImageError::VirtBase { virt_base: Gva(base) };
        assert_eq!(with(elfnote::VIRT_BASE, base), Some(wanted));
    }
    let inside = with(elfnote::INIT_P2M, VIRT_BASE + START + 0x1000);
    assert_eq!(inside, Some(ImageError::P2mInsideImage));
    let lowest = Gva(0xffff_8000_0000_1000);
    assert_eq!(with(elfnote::HV_START_LOW, lowest.0), Some(ImageError::HypervisorStart { lowest }));
    let lone = base().without(elfnote::VIRT_BASE).number(elfnote::PADDR_OFFSET, 0);
    assert_eq!(error(&lone), Some(ImageError::OffsetWithoutBase));
    let none = base().without(elfnote::VIRT_BASE).number(elfnote::ENTRY, START);
    assert_eq!(error(&none), None, "the base is 0 then");
}

#[test]
fn too_many_notes_are_not_read() {
    let mut image = TestImage::new();
    image.notes.extend((0..5000).map(|_| (&b"GNU\0"[..], 0x77, Vec::new())));
    assert_eq!(error(&image), Some(ImageError::TooManyNotes));
}

/// Parses and, if that works, reads everything that the result promises.
fn survives(file: &[u8]) {
    match GuestImage::parse(file) {
        Err(error) => assert!(error.to_string().starts_with("guest kernel: ")),
        Ok(image) => {
            let kernel = image.footprint.kernel;
            for segment in &image.segments {
                assert!(kernel.contains(segment.start.gfn()));
                assert!(kernel.contains(Gpa(segment.end.0 - 1).gfn()));
                assert!(
                    segment.data.len()
                        <= usize::try_from(segment.end.0 - segment.start.0).expect("64 bits")
                );
            }
            assert!(image.hypercall_page.is_none_or(|page| kernel.contains(page.gfn())));
        }
    }
}

/// Writes extreme numbers over every word of every kind of file.
#[test]
fn extreme_numbers_anywhere() {
    let mut in_section = TestImage::new();
    in_section.notes_in = NotesIn::Section;
    for image in [TestImage::like_linux(), TestImage::like_mini_os(), in_section] {
        let file = image.build();
        let headers = file.len().min(0x400);
        for offset in (0..headers).chain(file.len().saturating_sub(0x200)..file.len()) {
            for word in [0, 1, 0x7fff_ffff, u64::MAX >> 1, u64::MAX - 7, u64::MAX] {
                for width in [1, 2, 4, 8] {
                    let mut bad = file.clone();
                    let end = bad.len().min(offset + width);
                    bad[offset..end].copy_from_slice(&word.to_le_bytes()[..end - offset]);
                    survives(&bad);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        survives(&bytes);
        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.extend(bytes);
        survives(&file);
    }

    #[test]
    fn any_damage_is_survived(
        which in 0_usize..3,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        length in any::<prop::sample::Index>(),
    ) {
        let images = [TestImage::new(), TestImage::like_linux(), TestImage::like_mini_os()];
        let mut file = images[which].build();
        for (index, byte) in damage {
            *index.get_mut(&mut file) = byte;
        }
        survives(&file);
        file.truncate(length.index(file.len()));
        survives(&file);
    }
}
