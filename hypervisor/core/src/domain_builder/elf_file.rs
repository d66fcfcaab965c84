//! An ELF file, checked as far as every kernel needs it, whose parts are then read within bounds.

use elf::ElfBytes;
use elf::abi::{
    EI_CLASS, EI_DATA, ELFCLASS32, ELFCLASS64, ELFDATA2LSB, ELFMAGIC, EM_X86_64, ET_DYN, ET_EXEC,
};
use elf::endian::LittleEndian;
use elf::parse::ParseError;
use elf::section::SectionHeader;
use elf::segment::ProgramHeader;

use super::image_error::ImageError;

/// An x86-64 executable.
#[derive(Debug)]
pub(super) struct ElfFile<'a> {
    bytes: &'a [u8],
    elf: ElfBytes<'a, LittleEndian>,
}

impl<'a> ElfFile<'a> {
    /// Checks the header and finds the tables.
    ///
    /// # Errors
    /// If the bytes are not an x86-64 executable with tables inside the file.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, ImageError> {
        check_identity(bytes)?;
        let elf = ElfBytes::minimal_parse(bytes).map_err(|error| cause(&error))?;
        match elf.ehdr.e_machine {
            EM_X86_64 => {}
            machine => return Err(ImageError::WrongMachine { machine }),
        }
        match elf.ehdr.e_type {
            ET_EXEC | ET_DYN => Ok(Self { bytes, elf }),
            kind => Err(ImageError::NotExecutable { kind }),
        }
    }

    /// Returns the entry point of the header.
    pub(super) fn entry(&self) -> u64 {
        self.elf.ehdr.e_entry
    }

    /// Returns the program headers.
    pub(super) fn program_headers(&self) -> impl Iterator<Item = ProgramHeader> + use<'a> {
        self.elf.segments().into_iter().flatten()
    }

    /// Returns the section headers.
    pub(super) fn sections(&self) -> impl Iterator<Item = SectionHeader> + use<'a> {
        self.elf.section_headers().into_iter().flatten()
    }

    /// Returns the first section of a name.
    pub(super) fn section_named(&self, name: &[u8]) -> Option<SectionHeader> {
        let names = self.elf.section_headers()?.get(self.elf.ehdr.e_shstrndx.into()).ok()?;
        let names = self.slice(names.sh_offset, names.sh_size).ok()?;
        self.sections().find(|section| {
            let start = usize::try_from(section.sh_name).ok();
            let rest = start.and_then(|start| names.get(start..));
            rest.and_then(|rest| rest.strip_prefix(name)).is_some_and(|end| end.starts_with(&[0]))
        })
    }

    /// Returns a part of the file.
    ///
    /// # Errors
    /// If the file ends before it.
    pub(super) fn slice(&self, offset: u64, length: u64) -> Result<&'a [u8], ImageError> {
        let start = usize::try_from(offset).ok();
        let length = usize::try_from(length).ok();
        let rest = start.and_then(|start| self.bytes.get(start..));
        rest.zip(length).and_then(|(rest, length)| rest.get(..length)).ok_or(ImageError::Truncated)
    }
}

/// Checks what the first bytes say, to be exact about files of the wrong kind.
fn check_identity(bytes: &[u8]) -> Result<(), ImageError> {
    if !bytes.starts_with(&ELFMAGIC) {
        return Err(ImageError::NotElf);
    }
    match (bytes.get(EI_CLASS), bytes.get(EI_DATA)) {
        (Some(&ELFCLASS64), Some(&ELFDATA2LSB)) => Ok(()),
        (Some(&ELFCLASS32), _) => Err(ImageError::Elf32),
        (Some(_), Some(_)) => Err(ImageError::WrongEncoding),
        _ => Err(ImageError::Truncated),
    }
}

fn cause(error: &ParseError) -> ImageError {
    match error {
        ParseError::BadOffset(_)
        | ParseError::SliceReadError(_)
        | ParseError::IntegerOverflow
        | ParseError::TryFromSliceError(_)
        | ParseError::TryFromIntError(_) => ImageError::Truncated,
        _ => ImageError::Malformed,
    }
}
