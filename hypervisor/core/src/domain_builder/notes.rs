//! What a kernel says about itself: its Xen notes, or the string that came before notes.
//!
//! Notes are looked for where Xen does: in PT_NOTE segments; if none is a Xen note, in SHT_NOTE
//! sections; if there is none either, the `__xen_guest` section is read. Of two notes of a kind
//! the last one counts. Notes of unknown kind or for other purposes are skipped.

use elf::abi::{PT_NOTE, SHT_NOTE};
use elf::endian::LittleEndian;
use elf::file::Class;
use elf::note::{Note, NoteAny, NoteIterator};
use xenolith_abi::elfnote;

use super::elf_file::ElfFile;
use super::excerpt::Excerpt;
use super::feature_list::KernelFeatures;
use super::guest_string;
use super::image_error::ImageError;

/// The most notes that are looked at, so that a bad file takes no time.
const MAX_NOTES: usize = 4096;
/// The most bytes of a text that are read, for the same reason.
const MAX_TEXT: usize = 4096;
/// Notes are aligned to four bytes whatever the header says (`xen/common/libelf`).
const NOTE_ALIGNMENT: usize = 4;

/// In which form a kernel describes itself; it decides a default.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    /// ELF notes.
    ElfNotes,
    /// The text of a `__xen_guest` section.
    GuestString,
}

/// The description of a kernel, with `None` and empty texts for what it does not say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notes<'a> {
    /// The form it had.
    pub(super) form: Form,
    /// The loader that the kernel wants.
    pub(super) loader: &'a [u8],
    /// The kernel's name.
    pub(super) guest_os: &'a [u8],
    /// The kernel's version.
    pub(super) guest_version: &'a [u8],
    /// The interface version.
    pub(super) xen_version: &'a [u8],
    /// The virtual address of the entry point.
    pub(super) entry: Option<u64>,
    /// The virtual address of the hypercall page.
    pub(super) hypercall_page: Option<u64>,
    /// The virtual address of the first frame.
    pub(super) virt_base: Option<u64>,
    /// What physical addresses in the file count from.
    pub(super) paddr_offset: Option<u64>,
    /// The virtual address of the p2m list.
    pub(super) init_p2m: Option<u64>,
    /// The lowest start of the hypervisor's addresses with which the kernel runs.
    pub(super) hv_start_low: Option<u64>,
    /// Whether the kernel takes an unmapped ramdisk.
    pub(super) mod_start_pfn: bool,
    /// Features of the kernel.
    pub(super) features: KernelFeatures,
}

impl<'a> Notes<'a> {
    /// Returns a description that says nothing.
    pub(super) fn new(form: Form) -> Self {
        Self {
            form,
            loader: &[],
            guest_os: &[],
            guest_version: &[],
            xen_version: &[],
            entry: None,
            hypercall_page: None,
            virt_base: None,
            paddr_offset: None,
            init_p2m: None,
            hv_start_low: None,
            mod_start_pfn: false,
            features: KernelFeatures::default(),
        }
    }

    /// Finds and reads the description of a kernel.
    ///
    /// # Errors
    /// If there is none or it cannot be read.
    pub(super) fn find(file: &ElfFile<'a>) -> Result<Self, ImageError> {
        let in_segments = file.program_headers().filter(|header| header.p_type == PT_NOTE);
        // An offset of 0 is a mistake of old linkers (`xen/common/libelf`).
        let in_segments = in_segments.filter(|header| header.p_offset != 0);
        let in_sections = file.sections().filter(|header| header.sh_type == SHT_NOTE);
        let mut reader = NoteReader { notes: Self::new(Form::ElfNotes), seen: 0, found: 0 };
        for header in in_segments {
            reader.read(file.slice(header.p_offset, header.p_filesz)?)?;
        }
        if reader.found == 0 {
            for header in in_sections {
                reader.read(file.slice(header.sh_offset, header.sh_size)?)?;
            }
        }
        if reader.found != 0 {
            return Ok(reader.notes);
        }
        let section = file.section_named(b"__xen_guest").ok_or(ImageError::NoXenNotes)?;
        guest_string::parse(file.slice(section.sh_offset, section.sh_size)?)
    }

    /// Checks that the kernel was made for this interface.
    ///
    /// # Errors
    /// If it was made for another loader, for another interface or for the controlling domain.
    pub(super) fn check(&self) -> Result<(), ImageError> {
        if !self.loader.starts_with(b"generic") && !self.guest_os.starts_with(b"linux") {
            return Err(ImageError::WrongLoader { loader: Excerpt::of(self.loader) });
        }
        if !self.xen_version.starts_with(b"xen-3.0") {
            return Err(ImageError::WrongXenVersion { version: Excerpt::of(self.xen_version) });
        }
        if self.features.require_dom0() {
            return Err(ImageError::NeedsDom0);
        }
        Ok(())
    }

    fn apply(&mut self, note: &NoteAny<'a>) -> Result<(), ImageError> {
        let desc = note.desc;
        match u32::try_from(note.n_type) {
            Ok(elfnote::LOADER) => self.loader = text(desc),
            Ok(elfnote::GUEST_OS) => self.guest_os = text(desc),
            Ok(elfnote::GUEST_VERSION) => self.guest_version = text(desc),
            Ok(elfnote::XEN_VERSION) => self.xen_version = text(desc),
            Ok(elfnote::ENTRY) => self.entry = Some(number(desc)),
            Ok(elfnote::HYPERCALL_PAGE) => self.hypercall_page = Some(number(desc)),
            Ok(elfnote::VIRT_BASE) => self.virt_base = Some(number(desc)),
            Ok(elfnote::PADDR_OFFSET) => self.paddr_offset = Some(number(desc)),
            Ok(elfnote::INIT_P2M) => self.init_p2m = Some(number(desc)),
            Ok(elfnote::HV_START_LOW) => self.hv_start_low = Some(number(desc)),
            Ok(elfnote::MOD_START_PFN) => self.mod_start_pfn = number(desc) != 0,
            Ok(elfnote::FEATURES) => self.features.add_list(text(desc))?,
            Ok(elfnote::SUPPORTED_FEATURES) => self.features.supported |= first_word(desc),
            _ => {}
        }
        Ok(())
    }
}

/// Reads one table of notes after the other.
struct NoteReader<'a> {
    notes: Notes<'a>,
    seen: usize,
    found: usize,
}

impl<'a> NoteReader<'a> {
    fn read(&mut self, bytes: &'a [u8]) -> Result<(), ImageError> {
        for note in NoteIterator::new(LittleEndian, Class::ELF64, NOTE_ALIGNMENT, bytes) {
            if self.seen == MAX_NOTES {
                return Err(ImageError::TooManyNotes);
            }
            self.seen += 1;
            let Note::Unknown(note) = note else { continue };
            if text(note.name) == b"Xen" {
                self.found += 1;
                self.notes.apply(&note)?;
            }
        }
        Ok(())
    }
}

/// Returns the bytes before the first NUL.
pub(super) fn text(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.get(..MAX_TEXT).unwrap_or(bytes);
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Returns a little-endian number of 1, 2, 4 or 8 bytes; any other length counts as 0.
fn number(desc: &[u8]) -> u64 {
    match desc.len() {
        1 | 2 | 4 | 8 => desc.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)),
        _ => 0,
    }
}

/// Returns the first of an array of 32-bit words.
fn first_word(desc: &[u8]) -> u32 {
    match desc.first_chunk() {
        Some(word) if desc.len().is_multiple_of(4) => u32::from_le_bytes(*word),
        _ => 0,
    }
}
