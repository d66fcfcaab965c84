use super::*;
use proptest::prelude::*;

/// A program header: flags, offset, address, bytes in the file, bytes in memory.
type Load = (u32, u64, u64, u64, u64);

const TEXT: Load = (5, 0x100, 0x40_0100, 0x80, 0x80);
const DATA: Load = (6, 0x180, 0x40_1180, 0x10, 0x2000);

/// A file of 0x200 bytes with these segments and this entry.
fn file(loads: &[Load], entry: u64) -> Vec<u8> {
    let mut file = vec![0; 0x200];
    file[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\x00");
    put(&mut file, 16, &2_u16.to_le_bytes());
    put(&mut file, 18, &62_u16.to_le_bytes());
    put(&mut file, 20, &1_u32.to_le_bytes());
    put(&mut file, 24, &entry.to_le_bytes());
    put(&mut file, 32, &64_u64.to_le_bytes());
    put(&mut file, 52, &64_u16.to_le_bytes());
    put(&mut file, 54, &56_u16.to_le_bytes());
    put(&mut file, 56, &u16::try_from(loads.len()).unwrap().to_le_bytes());
    for (at, &(flags, offset, address, file_bytes, bytes)) in (64..).step_by(56).zip(loads) {
        file.resize(file.len().max(at + 56), 0);
        put(&mut file, at, &1_u32.to_le_bytes());
        put(&mut file, at + 4, &flags.to_le_bytes());
        for (word, value) in (0..).zip([offset, address, address, file_bytes, bytes, 0x1000]) {
            put(&mut file, at + 8 + 8 * word, &value.to_le_bytes());
        }
    }
    file
}

fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

#[test]
fn a_program_is_taken_apart() {
    let file = file(&[DATA, TEXT], 0x40_0123);
    let program = parse(&file).unwrap();
    assert_eq!(program.entry, 0x40_0123);
    let [text, data] = program.segments.as_slice() else { panic!("{program:?}") };
    assert_eq!((text.pages.clone(), text.access), (0x40_0000..0x40_1000, Access::Execute));
    assert_eq!((text.start, text.bytes), (0x40_0100, &file[0x100..0x180]));
    assert_eq!((data.pages.clone(), data.access), (0x40_1000..0x40_4000, Access::Write));
    assert_eq!(data.bytes.len(), 0x10);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let ok = |(flags, offset, address, file_bytes, bytes): Load| {
        parse(&file(&[TEXT, (flags, offset, address, file_bytes, bytes)], 0x40_0100)).map(drop)
    };
    assert_eq!(ok(DATA), Ok(()));
    for (error, load) in [
        (ElfError::OutsideFile, (6, 0x1f8, 0x50_0000, 9, 9)),
        (ElfError::OutsideFile, (6, u64::MAX, 0x50_0000, 9, 9)),
        (ElfError::Malformed, (6, 0x180, 0x50_0000, 9, 8)),
        (ElfError::OutsideUserSpace, (6, 0, 0xffff, 1, 1)),
        (ElfError::OutsideUserSpace, (6, 0, USER_END - 8, 8, 9)),
        (ElfError::OutsideUserSpace, (6, 0, u64::MAX, 1, 2)),
        (ElfError::OutsideUserSpace, (6, 0, 0xffff_8000_0000_0000, 1, 1)),
        (ElfError::WritableCode, (7, 0, 0x50_0000, 1, 1)),
        (ElfError::Overlapping, (6, 0, 0x40_0ff0, 1, 1)),
        (ElfError::TooLarge, (6, 0, 0x50_0000, 1, PAGES * PAGE)),
    ] {
        assert_eq!(ok(load), Err(error), "{load:x?}");
    }
    assert_eq!(ok((6, 0, USER_END - 8, 8, 8)), Ok(()), "the very end");
    let many = vec![TEXT; SEGMENTS + 1];
    assert_eq!(parse(&file(&many, 0x40_0100)), Err(ElfError::TooManySegments));
    assert_eq!(parse(&file(&[TEXT, DATA], 0x40_1180)), Err(ElfError::NoEntry));
    assert_eq!(parse(&file(&[], 0x40_0100)), Err(ElfError::NoEntry));
}

#[test]
fn other_files_are_refused() {
    let good = file(&[TEXT], 0x40_0100);
    let with = |at: usize, byte: u8| {
        let mut file = good.clone();
        file[at] = byte;
        parse(&file).map(drop)
    };
    assert_eq!(with(0, b'!'), Err(ElfError::NotElf));
    assert_eq!(with(16, 3), Err(ElfError::NotExecutable), "position-independent");
    assert_eq!(with(18, 3), Err(ElfError::WrongMachine));
    assert_eq!(with(64, 3), Err(ElfError::NotExecutable), "an interpreter");
    assert_eq!(parse(b"#!/bin/sh\n"), Err(ElfError::NotElf));
    assert_eq!(parse(&[]), Err(ElfError::NotElf));
    assert!((0..good.len().min(0x178)).all(|length| parse(&good[..length]).is_err()));
}

fn load() -> impl Strategy<Value = Load> {
    let address = prop_oneof![
        0x1_0000..0x10_0000_u64,
        USER_END - 0x10_0000..USER_END + 0x1000,
        any::<u64>(),
    ];
    let size = prop_oneof![0..0x200_u64, 0..0x10_0000_u64, any::<u64>()];
    (0..8_u32, prop_oneof![0..0x200_u64, any::<u64>()], address, size.clone(), size)
}

proptest! {
    #[test]
    fn what_is_taken_is_safe_to_load(
        loads in proptest::collection::vec(load(), 0..5), entry in any::<u64>(), follow in any::<bool>()
    ) {
        let entry = if follow { loads.first().map_or(entry, |load| load.2) } else { entry };
        let file = file(&loads, entry);
        let Ok(program) = parse(&file) else { return Ok(()) };
        let mut before = USER_START;
        for it in &program.segments {
            prop_assert!(it.pages.start >= before && it.pages.end <= USER_END);
            prop_assert!(it.pages.start % PAGE == 0 && it.pages.end % PAGE == 0);
            prop_assert!(it.pages.contains(&it.start));
            prop_assert!(it.start - it.pages.start < PAGE);
            prop_assert!(it.start + it.bytes.len() as u64 <= it.pages.end);
            before = it.pages.end;
        }
    }

    #[test]
    fn damage_is_refused_or_harmless(at in 0..0x170_usize, byte in any::<u8>()) {
        let mut file = file(&[TEXT, DATA], 0x40_0100);
        file[at] = byte;
        if let Ok(program) = parse(&file) {
            prop_assert!(program.segments.iter().all(|it| it.pages.end <= USER_END));
        }
    }
}
