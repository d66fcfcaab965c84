//! A program's file: what of it goes where, checked before a byte of it is used.
//!
//! A program is an x86-64 executable for fixed addresses. Whatever its headers say is a claim: a
//! segment that leaves the file, or the addresses of processes, or shares a page with another, is
//! refused.

use alloc::vec::Vec;
use core::{fmt, ops::Range};

use elf::{
    ElfBytes,
    abi::{EM_X86_64, ET_EXEC, PF_W, PF_X, PT_INTERP, PT_LOAD},
    endian::LittleEndian,
    file::Class,
    segment::ProgramHeader,
};
use xenolith_system_calls::{USER_END, USER_START};

use super::regions::{Access, PAGE};

/// The most segments of a program.
pub const SEGMENTS: usize = 8;

/// The most pages of a program (16 MiB).
pub const PAGES: u64 = 4096;

/// A program's file, in parts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Program<'a> {
    /// Address of the first instruction.
    pub entry: u64,
    /// Its segments, by address; no two share a page.
    pub segments: Vec<Segment<'a>>,
}

/// One segment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Segment<'a> {
    /// Its pages, from the first byte of the first one.
    pub pages: Range<u64>,
    /// What a process may do there.
    pub access: Access,
    /// Where its bytes begin: in its first page.
    pub start: u64,
    /// Its bytes; zeros follow.
    pub bytes: &'a [u8],
}

/// Why a file is no program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "see `Display`")]
pub enum ElfError {
    NotElf,
    WrongMachine,
    NotExecutable,
    Malformed,
    TooManySegments,
    TooLarge,
    OutsideFile,
    OutsideUserSpace,
    Overlapping,
    WritableCode,
    NoEntry,
}

impl fmt::Display for ElfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotElf => "it is no ELF file",
            Self::WrongMachine => "it is for another machine",
            Self::NotExecutable => "it is no executable for fixed addresses",
            Self::Malformed => "its headers make no sense",
            Self::TooManySegments => "it has too many segments",
            Self::TooLarge => "it is too large",
            Self::OutsideFile => "a segment is not in the file",
            Self::OutsideUserSpace => "a segment leaves the addresses of processes",
            Self::Overlapping => "two segments share a page",
            Self::WritableCode => "a segment is both writable and executable",
            Self::NoEntry => "its first instruction is in no executable segment",
        })
    }
}

/// Takes a file apart.
///
/// # Errors
///
/// If it is no program, or one that does not fit a process.
pub fn parse(file: &[u8]) -> Result<Program<'_>, ElfError> {
    let elf = ElfBytes::<LittleEndian>::minimal_parse(file).map_err(|_| ElfError::NotElf)?;
    if elf.ehdr.class != Class::ELF64 || elf.ehdr.e_machine != EM_X86_64 {
        return Err(ElfError::WrongMachine);
    }
    if elf.ehdr.e_type != ET_EXEC {
        return Err(ElfError::NotExecutable);
    }
    let headers = elf.segments().ok_or(ElfError::Malformed)?;
    let mut segments = Vec::new();
    for header in headers {
        match header.p_type {
            PT_LOAD if header.p_memsz != 0 => segments.push(segment(&header, file)?),
            PT_INTERP => return Err(ElfError::NotExecutable),
            _ => {}
        }
        if segments.len() > SEGMENTS {
            return Err(ElfError::TooManySegments);
        }
    }
    segments.sort_by_key(|segment| segment.pages.start);
    check(&segments, elf.ehdr.e_entry)?;
    Ok(Program { entry: elf.ehdr.e_entry, segments })
}

/// Checks one segment by itself.
fn segment<'a>(header: &ProgramHeader, file: &'a [u8]) -> Result<Segment<'a>, ElfError> {
    let end = header.p_vaddr.checked_add(header.p_memsz).filter(|&end| end <= USER_END);
    let end = end.filter(|_| header.p_vaddr >= USER_START).ok_or(ElfError::OutsideUserSpace)?;
    let pages = header.p_vaddr / PAGE * PAGE..end.next_multiple_of(PAGE);
    if header.p_filesz > header.p_memsz {
        return Err(ElfError::Malformed);
    }
    let first = usize::try_from(header.p_offset).ok();
    let bytes = first.and_then(|first| file.get(first..));
    let bytes = usize::try_from(header.p_filesz).ok().and_then(|length| bytes?.get(..length));
    let bytes = bytes.ok_or(ElfError::OutsideFile)?;
    let access = match (header.p_flags & PF_W != 0, header.p_flags & PF_X != 0) {
        (true, true) => return Err(ElfError::WritableCode),
        (true, false) => Access::Write,
        (false, true) => Access::Execute,
        (false, false) => Access::Read,
    };
    Ok(Segment { pages, access, start: header.p_vaddr, bytes })
}

/// Checks all segments together, which are sorted.
fn check(segments: &[Segment<'_>], entry: u64) -> Result<(), ElfError> {
    let pages: u64 = segments.iter().map(|it| (it.pages.end - it.pages.start) / PAGE).sum();
    if pages > PAGES {
        return Err(ElfError::TooLarge);
    }
    if segments.windows(2).any(|pair| pair[0].pages.end > pair[1].pages.start) {
        return Err(ElfError::Overlapping);
    }
    let holds_entry = |it: &Segment<'_>| it.access == Access::Execute && it.pages.contains(&entry);
    if !segments.iter().any(holds_entry) {
        return Err(ElfError::NoEntry);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
