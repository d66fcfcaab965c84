//! Damage to a guest's ELF file, for scenarios that hand the hypervisor a broken image.
//!
//! The file is a 64-bit little-endian one of our own build; anything else is an error here, so that
//! a scenario never passes because its damage was not done.

use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};

use super::spec::Patch;

/// Offsets in the file header: ELF-64 Object File Format, "File header".
const CLASS: usize = 4;
const MACHINE: usize = 18;
const PROGRAM_HEADERS_AT: usize = 32;
const SECTION_HEADERS_AT: usize = 40;
const PROGRAM_HEADER_COUNT: usize = 56;
const SECTION_HEADER_COUNT: usize = 60;
/// Bytes of a program header, and offsets in it: "Program header table".
const PROGRAM_HEADER_BYTES: usize = 56;
const FILE_OFFSET: usize = 8;
const PHYSICAL_ADDRESS: usize = 24;
const FILE_SIZE: usize = 32;
const MEMORY_SIZE: usize = 40;
/// Types of program headers.
const NULL: u32 = 0;
const LOAD: u32 = 1;
const NOTE: u32 = 4;
/// Bytes of a section header, an offset in it, and the type of a section of notes: "Sections".
const SECTION_HEADER_BYTES: usize = 64;
const SECTION_KIND: usize = 4;
const SECTION_NOTE: u32 = 7;
/// The owner of the notes that a guest kernel carries.
const XEN: &[u8] = b"Xen\0";

/// Does all the damage to `file`.
///
/// # Errors
/// The file has no such part.
pub(crate) fn apply(file: &mut Vec<u8>, patches: &[Patch]) -> Result<()> {
    for patch in patches {
        one(file, *patch).with_context(|| format!("cannot patch the guest: {patch:?}"))?;
    }
    Ok(())
}

/// Does one piece of damage.
fn one(file: &mut Vec<u8>, patch: Patch) -> Result<()> {
    match patch {
        Patch::Elf32 => put(file, CLASS, &[1]),
        Patch::Machine { number } => put(file, MACHINE, &number.to_le_bytes()),
        Patch::DropNotes => headers(file, NOTE).and_then(|kinds| drop_kinds(file, &kinds)),
        Patch::DropNoteSections => note_sections(file).and_then(|kinds| drop_kinds(file, &kinds)),
        Patch::DropNote { note } => {
            let found = find_note(file, note)?;
            put(file, found.name, b"Zen\0")
        }
        Patch::SetNote { note, value } => set_note(file, note, value),
        Patch::Segment { index, paddr, filesz, memsz } => {
            let header = *headers(file, LOAD)?.get(index).context("no such segment")?;
            for (offset, value) in
                [(PHYSICAL_ADDRESS, paddr), (FILE_SIZE, filesz), (MEMORY_SIZE, memsz)]
            {
                if let Some(value) = value {
                    put(file, header + offset, &value.to_le_bytes())?;
                }
            }
            Ok(())
        }
        Patch::Overlap => overlap(file),
        Patch::Truncate { bytes } => truncate(file, bytes),
    }
}

/// Takes the types of these headers away.
fn drop_kinds(file: &mut [u8], kinds: &[usize]) -> Result<()> {
    ensure!(!kinds.is_empty(), "no notes");
    kinds.iter().try_for_each(|kind| put(file, *kind, &NULL.to_le_bytes()))
}

/// Where the types of the note sections' headers are.
fn note_sections(file: &[u8]) -> Result<Vec<usize>> {
    let start = usize::try_from(u64::from_le_bytes(number(file, SECTION_HEADERS_AT)?))?;
    let count = usize::from(u16::from_le_bytes(number(file, SECTION_HEADER_COUNT)?));
    let mut found = Vec::new();
    for kind in (0..count).map(|index| start + index * SECTION_HEADER_BYTES + SECTION_KIND) {
        if u32::from_le_bytes(number(file, kind)?) == SECTION_NOTE {
            found.push(kind);
        }
    }
    Ok(found)
}

/// Ends the file after so many bytes.
fn truncate(file: &mut Vec<u8>, bytes: usize) -> Result<()> {
    if bytes >= file.len() {
        bail!("the file has only {} bytes", file.len());
    }
    file.truncate(bytes);
    Ok(())
}

/// Moves the second loadable segment onto the first.
fn overlap(file: &mut [u8]) -> Result<()> {
    let &[first, second, ..] = headers(file, LOAD)?.as_slice() else {
        bail!("fewer than two segments")
    };
    let address = number::<8>(file, first + PHYSICAL_ADDRESS)?;
    put(file, second + PHYSICAL_ADDRESS, &address)
}

/// Makes Xen's note of one type say another number.
fn set_note(file: &mut [u8], note: u32, value: u64) -> Result<()> {
    let found = find_note(file, note)?;
    match found.value.len() {
        8 => put(file, found.value.start, &value.to_le_bytes()),
        4 => {
            let value = u32::try_from(value).context("the note holds 32 bits")?;
            put(file, found.value.start, &value.to_le_bytes())
        }
        length => bail!("a note of {length} bytes is no number"),
    }
}

/// Where the program headers of one type are.
fn headers(file: &[u8], wanted: u32) -> Result<Vec<usize>> {
    if file.get(..6) != Some(b"\x7fELF\x02\x01") {
        bail!("not a 64-bit little-endian ELF file");
    }
    let start = usize::try_from(u64::from_le_bytes(number(file, PROGRAM_HEADERS_AT)?))?;
    let count = usize::from(u16::from_le_bytes(number(file, PROGRAM_HEADER_COUNT)?));
    let mut found = Vec::new();
    for index in 0..count {
        let header = start + index * PROGRAM_HEADER_BYTES;
        if u32::from_le_bytes(number(file, header)?) == wanted {
            found.push(header);
        }
    }
    Ok(found)
}

/// Where a note's parts are.
struct Note {
    name: usize,
    value: Range<usize>,
}

/// Finds Xen's note of this type.
fn find_note(file: &[u8], wanted: u32) -> Result<Note> {
    for header in headers(file, NOTE)? {
        let start = usize::try_from(u64::from_le_bytes(number(file, header + FILE_OFFSET)?))?;
        let end = start + usize::try_from(u64::from_le_bytes(number(file, header + FILE_SIZE)?))?;
        let mut at = start;
        while at + 12 <= end {
            let [name_bytes, value_bytes, kind] =
                [at, at + 4, at + 8].map(|field| number(file, field).map(u32::from_le_bytes));
            let (name, value_bytes) = (at + 12, usize::try_from(value_bytes?)?);
            let value = name + usize::try_from(name_bytes?)?.next_multiple_of(4);
            if kind? == wanted && file.get(name..name + 4) == Some(XEN) {
                return Ok(Note { name, value: value..value + value_bytes });
            }
            at = value + value_bytes.next_multiple_of(4);
        }
    }
    bail!("no such note")
}

/// The bytes of a number in the file.
fn number<const N: usize>(file: &[u8], at: usize) -> Result<[u8; N]> {
    let bytes = file.get(at..at.saturating_add(N)).context("beyond the end of the file")?;
    Ok(bytes.try_into()?)
}

/// Overwrites bytes of the file.
fn put(file: &mut [u8], at: usize, bytes: &[u8]) -> Result<()> {
    let place =
        file.get_mut(at..at.saturating_add(bytes.len())).context("beyond the end of the file")?;
    place.copy_from_slice(bytes);
    Ok(())
}

#[cfg(test)]
mod tests;
