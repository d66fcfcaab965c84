use super::*;

/// Offset of the notes in the file below.
const NOTES: usize = 64 + 3 * PROGRAM_HEADER_BYTES;

/// An ELF file with two segments, a section of notes and in it two of Xen's, of types 1 (8 bytes) and 5 (a string).
fn file() -> Vec<u8> {
    let mut notes = Vec::new();
    for (kind, value) in [(1_u32, b"\x11\x22\0\0\0\0\0\0".as_slice()), (5, b"3.0\0")] {
        for field in [4, u32::try_from(value.len()).unwrap(), kind] {
            notes.extend(field.to_le_bytes());
        }
        notes.extend(XEN);
        notes.extend(value);
    }
    let mut file = vec![0; NOTES];
    file[..6].copy_from_slice(b"\x7fELF\x02\x01");
    file[PROGRAM_HEADERS_AT] = 64;
    file[PROGRAM_HEADER_COUNT] = 3;
    for (index, kind) in [LOAD, LOAD, NOTE].into_iter().enumerate() {
        let header = 64 + index * PROGRAM_HEADER_BYTES;
        put(&mut file, header, &kind.to_le_bytes()).unwrap();
        let address = 0x10_0000 + u64::try_from(index).unwrap() * 0x1000;
        put(&mut file, header + PHYSICAL_ADDRESS, &address.to_le_bytes()).unwrap();
    }
    let header = 64 + 2 * PROGRAM_HEADER_BYTES;
    put(&mut file, header + FILE_OFFSET, &u64::try_from(NOTES).unwrap().to_le_bytes()).unwrap();
    put(&mut file, header + FILE_SIZE, &u64::try_from(notes.len()).unwrap().to_le_bytes()).unwrap();
    file.extend(notes);
    let mut sections = vec![0; 2 * SECTION_HEADER_BYTES];
    put(&mut sections, SECTION_HEADER_BYTES + SECTION_KIND, &SECTION_NOTE.to_le_bytes()).unwrap();
    file[SECTION_HEADER_COUNT] = 2;
    let sections_at = u64::try_from(file.len()).unwrap();
    put(&mut file, SECTION_HEADERS_AT, &sections_at.to_le_bytes()).unwrap();
    file.extend(sections);
    file
}

/// The file after one piece of damage.
fn patched(patch: Patch) -> Result<Vec<u8>> {
    let mut file = file();
    apply(&mut file, &[patch])?;
    Ok(file)
}

/// The offsets at which two files differ.
fn differences(after: &[u8]) -> Vec<usize> {
    file().iter().zip(after).enumerate().filter(|(_, (a, b))| a != b).map(|(at, _)| at).collect()
}

#[test]
fn each_patch_changes_what_it_says_and_nothing_else() {
    let second = 64 + PROGRAM_HEADER_BYTES;
    assert_eq!(differences(&patched(Patch::Elf32).unwrap()), [CLASS]);
    assert_eq!(differences(&patched(Patch::Machine { number: 183 }).unwrap()), [MACHINE]);
    let section = file().len() - SECTION_HEADER_BYTES + SECTION_KIND;
    assert_eq!(differences(&patched(Patch::DropNotes).unwrap()), [64 + 2 * PROGRAM_HEADER_BYTES]);
    assert_eq!(differences(&patched(Patch::DropNoteSections).unwrap()), [section]);
    assert_eq!(differences(&patched(Patch::DropNote { note: 5 }).unwrap()), [NOTES + 24 + 12]);
    assert_eq!(
        differences(&patched(Patch::SetNote { note: 1, value: 0x3344 }).unwrap()),
        [NOTES + 16, NOTES + 17]
    );
    assert_eq!(differences(&patched(Patch::Overlap).unwrap()), [second + PHYSICAL_ADDRESS + 1]);
    let segment = Patch::Segment { index: 1, paddr: None, filesz: Some(1), memsz: Some(2) };
    assert_eq!(differences(&patched(segment).unwrap()), [second + FILE_SIZE, second + MEMORY_SIZE]);
    assert_eq!(patched(Patch::Truncate { bytes: 70 }).unwrap(), file()[..70]);
}

#[test]
fn damage_that_cannot_be_done_is_an_error() {
    let segment = Patch::Segment { index: 2, paddr: Some(0), filesz: None, memsz: None };
    for patch in [
        segment,
        Patch::DropNote { note: 9 },
        Patch::SetNote { note: 9, value: 0 },
        Patch::SetNote { note: 5, value: 1 << 40 },
        Patch::Truncate { bytes: 100_000 },
    ] {
        assert!(patched(patch).is_err(), "{patch:?}");
    }
    assert!(apply(&mut file(), &[Patch::DropNoteSections, Patch::DropNoteSections]).is_err());
    assert!(apply(&mut b"text".to_vec(), &[Patch::DropNotes]).is_err());
    assert!(apply(&mut file(), &[Patch::Elf32, Patch::DropNotes]).is_err());
}
