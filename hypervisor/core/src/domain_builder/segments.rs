//! The loadable segments of a kernel.

use arrayvec::ArrayVec;
use elf::abi::{PF_R, PF_W, PF_X, PT_LOAD};
use elf::segment::ProgramHeader;

use super::elf_file::ElfFile;
use super::image_error::ImageError;
use crate::address::Gpa;

/// The most segments that a kernel may have; Linux has five.
pub const MAX_SEGMENTS: usize = 16;

/// Bytes that go to one place of a guest's memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Segment<'a> {
    /// Where they go.
    pub start: Gpa,
    /// What comes from the file.
    pub data: &'a [u8],
    /// The end in memory: what lies behind the data is zero.
    pub end: Gpa,
}

/// The segments of a kernel by their address; at least one.
pub type Segments<'a> = ArrayVec<Segment<'a>, MAX_SEGMENTS>;

/// Returns the segments of a kernel whose physical addresses count from `paddr_offset`.
///
/// # Errors
/// If there is none, if one is impossible or if two overlap.
pub(super) fn load<'a>(file: &ElfFile<'a>, paddr_offset: u64) -> Result<Segments<'a>, ImageError> {
    let mut segments = Segments::new();
    for header in file.program_headers().filter(is_loadable) {
        let segment = segment(file, &header, paddr_offset)?;
        segments.try_push(segment).map_err(|_| ImageError::TooManySegments)?;
    }
    if segments.is_empty() {
        return Err(ImageError::NoSegments);
    }
    segments.sort_unstable_by_key(|segment| segment.start);
    for pair in segments.windows(2) {
        if pair[0].end > pair[1].start {
            let (lower, higher) = (pair[0].start, pair[1].start);
            return Err(ImageError::SegmentsOverlap { lower, higher });
        }
    }
    Ok(segments)
}

fn is_loadable(header: &ProgramHeader) -> bool {
    let is_accessible = header.p_flags & (PF_R | PF_W | PF_X) != 0;
    header.p_type == PT_LOAD && is_accessible && header.p_memsz != 0
}

fn segment<'a>(
    file: &ElfFile<'a>,
    header: &ProgramHeader,
    paddr_offset: u64,
) -> Result<Segment<'a>, ImageError> {
    let paddr = header.p_paddr;
    if header.p_filesz > header.p_memsz {
        return Err(ImageError::SegmentSizes { paddr });
    }
    let start = paddr.checked_sub(paddr_offset).map(Gpa);
    let end = start.and_then(|start| start.checked_add(header.p_memsz));
    let (start, end) = start.zip(end).ok_or(ImageError::SegmentAddress { paddr })?;
    Ok(Segment { start, data: file.slice(header.p_offset, header.p_filesz)?, end })
}
