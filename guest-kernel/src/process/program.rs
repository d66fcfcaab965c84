//! Programs as they are in memory: the pages of a file once, for all its processes.

use alloc::{
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

use x86_64::structures::paging::PhysFrame;

use super::{
    elf::{self, ElfError, Segment},
    ramdisk,
    regions::{Backing, PAGE, Region},
};
use crate::{irq::EventsOffLock, memory, static_pages::PAGE_BYTES};

/// A program whose pages are in memory.
#[derive(Debug)]
pub(super) struct Program {
    name: String,
    pub(super) entry: u64,
    segments: Vec<Loaded>,
}

/// A segment of it.
#[derive(Debug)]
struct Loaded {
    region: Region,
    /// A frame for each page that the file has bytes for; the rest is zeros.
    frames: Vec<PhysFrame>,
}

/// Why there is no such program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ProgramError {
    NotFound,
    NotProgram(ElfError),
    NoMemory,
}

/// The programs that have been started; they stay.
static CACHE: EventsOffLock<Vec<Arc<Program>>> = EventsOffLock::new(Vec::new());

/// Returns how many pages the programs take that have been started.
pub fn cached_pages() -> usize {
    CACHE.lock().iter().flat_map(|it| &it.segments).map(|it| it.frames.len()).sum()
}

/// Returns the program of a name.
pub(super) fn find(name: &str) -> Result<Arc<Program>, ProgramError> {
    let cached = CACHE.lock().iter().find(|program| program.name == name).cloned();
    if let Some(program) = cached {
        return Ok(program);
    }
    let file = ramdisk::find(name).ok_or(ProgramError::NotFound)?;
    let file = elf::parse(file).map_err(ProgramError::NotProgram)?;
    let program = Arc::new(Program::load(name, &file).ok_or(ProgramError::NoMemory)?);
    // Room before the lock: the heap has a lock of its own. Another task may have been as quick;
    // then both are there, and the first is found.
    CACHE.lock().push(program.clone());
    Ok(program)
}

impl Program {
    fn load(name: &str, file: &elf::Program<'_>) -> Option<Self> {
        let mut program = Self { name: name.to_string(), entry: file.entry, segments: Vec::new() };
        for (number, segment) in file.segments.iter().enumerate() {
            let (pages, access) = (segment.pages.clone(), segment.access);
            let region = Region { pages, access, backing: Backing::Segment(number) };
            program.segments.push(Loaded { region, frames: Vec::new() });
            let frames = &mut program.segments[number].frames;
            copy_pages(segment, frames)?;
        }
        Some(program)
    }

    /// Returns the regions of a process of this program.
    pub(super) fn regions(&self) -> impl Iterator<Item = &Region> {
        self.segments.iter().map(|segment| &segment.region)
    }

    /// Returns the frame of an address in a segment, unless zeros are there.
    pub(super) fn frame(&self, segment: usize, address: u64) -> Option<PhysFrame> {
        let segment = &self.segments[segment];
        let page = (address - segment.region.pages.start) / PAGE;
        usize::try_from(page).ok().and_then(|page| segment.frames.get(page)).copied()
    }
}

/// Fills frames with the bytes of a segment.
fn copy_pages(segment: &Segment<'_>, frames: &mut Vec<PhysFrame>) -> Option<()> {
    let mut bytes = segment.bytes;
    let mut offset = usize::try_from(segment.start - segment.pages.start).ok()?;
    while !bytes.is_empty() {
        let frame = memory::allocate_zeroed()?;
        frames.push(frame);
        let (now, later) = bytes.split_at(bytes.len().min(PAGE_BYTES - offset));
        let to = memory::pointer::<u8>(frame).wrapping_add(offset);
        // SAFETY: the frame is new, and the bytes end with it at the latest.
        unsafe { to.copy_from_nonoverlapping(now.as_ptr(), now.len()) };
        (bytes, offset) = (later, 0);
    }
    Some(())
}

impl Drop for Program {
    fn drop(&mut self) {
        self.segments.iter().flat_map(|it| &it.frames).for_each(|&frame| memory::release(frame));
    }
}
