//! Makes ELF files for tests, good ones and all kinds of bad ones.

use elf::abi::{EM_X86_64, ET_EXEC, PF_R, PF_W, PF_X, PT_LOAD, PT_NOTE, SHT_NOTE, SHT_PROGBITS};
use xenolith_abi::elfnote;

const HEADER_BYTES: usize = 64;
const PROGRAM_HEADER_BYTES: usize = 56;

/// Where a kernel's usual virtual base is.
pub(crate) const VIRT_BASE: u64 = 0xffff_ffff_8000_0000;
/// Where the first segment of [`TestImage::new`] goes.
pub(crate) const START: u64 = 0x10_0000;

/// A segment to load.
#[derive(Clone, Debug)]
pub(crate) struct TestSegment {
    pub(crate) paddr: u64,
    pub(crate) data: Vec<u8>,
    pub(crate) memory_bytes: u64,
    pub(crate) flags: u32,
}

/// In which kind of table the notes are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NotesIn {
    Segment,
    Section,
}

/// An ELF file under construction.
#[derive(Clone, Debug)]
pub(crate) struct TestImage {
    pub(crate) segments: Vec<TestSegment>,
    pub(crate) notes: Vec<(&'static [u8], u32, Vec<u8>)>,
    pub(crate) notes_in: NotesIn,
    /// A text note in a section of its own.
    pub(crate) section_note: Option<(u32, &'static [u8])>,
    pub(crate) guest_string: Option<&'static str>,
    pub(crate) entry: u64,
    pub(crate) machine: u16,
    pub(crate) kind: u16,
}

impl TestImage {
    /// A kernel of one small segment with the notes that every kernel needs.
    pub(crate) fn new() -> Self {
        let empty = Self {
            segments: Vec::new(),
            notes: Vec::new(),
            notes_in: NotesIn::Segment,
            section_note: None,
            guest_string: None,
            entry: VIRT_BASE + START,
            machine: EM_X86_64,
            kind: ET_EXEC,
        };
        empty
            .segment(START, &[0x90; 100], 5000)
            .text(elfnote::LOADER, "generic")
            .text(elfnote::XEN_VERSION, "xen-3.0")
            .number(elfnote::VIRT_BASE, VIRT_BASE)
    }

    /// Like Linux: high, several segments, an unmapped ramdisk and a p2m list of its own address.
    pub(crate) fn like_linux() -> Self {
        let mut image = Self::new().text(elfnote::GUEST_OS, "linux");
        image.entry = 0x100_0000;
        image.segments.clear();
        image
            .segment(0x100_0000, b"text", 0x2000)
            .segment(0x120_0000, b"data", 0x3210)
            .segment(0x120_4000, &[7; 0x1800], 0x1800)
            .text(elfnote::FEATURES, "!writable_page_tables|pae_pgdir_above_4gb")
            .number(elfnote::ENTRY, VIRT_BASE + 0x100_0000)
            .number(elfnote::HYPERCALL_PAGE, VIRT_BASE + 0x100_1000)
            .number(elfnote::HV_START_LOW, 0xffff_8000_0000_0000)
            .number(elfnote::PADDR_OFFSET, 0)
            .number(elfnote::INIT_P2M, 0x80_0000_0000)
            .number(elfnote::MOD_START_PFN, 1)
    }

    /// Like mini-OS: at address 0, described by a string.
    pub(crate) fn like_mini_os() -> Self {
        let mut image = Self::new();
        image.entry = 0;
        image.segments.clear();
        image.notes.clear();
        image.guest_string = Some(
            "GUEST_OS=Mini-OS,XEN_VER=xen-3.0,VIRT_BASE=0x0,ELF_PADDR_OFFSET=0x0,\
             HYPERCALL_PAGE=0x2,LOADER=generic",
        );
        image.segment(0, &[0x90; 0x3001], 0x9000)
    }

    pub(crate) fn segment(mut self, paddr: u64, data: &[u8], memory_bytes: u64) -> Self {
        let flags = PF_R | PF_W | PF_X;
        self.segments.push(TestSegment { paddr, data: data.to_vec(), memory_bytes, flags });
        self
    }

    pub(crate) fn note(mut self, owner: &'static [u8], kind: u32, desc: &[u8]) -> Self {
        self.notes.push((owner, kind, desc.to_vec()));
        self
    }

    pub(crate) fn number(self, kind: u32, value: u64) -> Self {
        self.note(b"Xen\0", kind, &value.to_le_bytes())
    }

    pub(crate) fn text(self, kind: u32, value: &str) -> Self {
        self.note(b"Xen\0", kind, format!("{value}\0").as_bytes())
    }

    pub(crate) fn without(mut self, kind: u32) -> Self {
        self.notes.retain(|(_, other, _)| *other != kind);
        self
    }

    /// Returns the bytes of the file.
    pub(crate) fn build(&self) -> Vec<u8> {
        let headers = self.segments.len() + usize::from(self.notes_in == NotesIn::Segment);
        let mut body =
            Body { bytes: Vec::new(), start: HEADER_BYTES + headers * PROGRAM_HEADER_BYTES };
        let mut table = Vec::new();
        for segment in &self.segments {
            let offset = body.add(&segment.data);
            let numbers =
                [offset, 0, segment.paddr, length(&segment.data), segment.memory_bytes, 16];
            program_header(&mut table, PT_LOAD, segment.flags, numbers);
        }
        let notes = note_bytes(&self.notes);
        let notes_at = body.add(&notes);
        if self.notes_in == NotesIn::Segment {
            let size = length(&notes);
            program_header(&mut table, PT_NOTE, PF_R, [notes_at, 0, 0, size, size, 4]);
        }
        let (sections_at, sections) = self.sections(&mut body, (notes_at, length(&notes)));
        let mut file = self.header(headers, sections_at, sections);
        file.extend(table);
        file.extend(body.bytes);
        file
    }

    fn sections(&self, body: &mut Body, notes: (u64, u64)) -> (u64, u16) {
        let names = b"\0.note\0__xen_guest\0.shstrtab\0";
        let mut headers: Vec<(u32, u32, u64, u64)> = vec![(0, 0, 0, 0)];
        if self.notes_in == NotesIn::Section {
            headers.push((1, SHT_NOTE, notes.0, notes.1));
        }
        if let Some((kind, text)) = self.section_note {
            let bytes = note_bytes(&[(b"Xen\0", kind, text.to_vec())]);
            headers.push((1, SHT_NOTE, body.add(&bytes), length(&bytes)));
        }
        if let Some(text) = self.guest_string {
            let text = format!("{text}\0");
            headers.push((7, SHT_PROGBITS, body.add(text.as_bytes()), length(text.as_bytes())));
        }
        headers.push((19, 3, body.add(names), length(names)));
        let mut bytes = Vec::new();
        for (name, kind, offset, size) in &headers {
            bytes.extend([*name, *kind].map(u32::to_le_bytes).concat());
            let words = [0, 0, *offset, *size, 0, 1, 0];
            bytes.extend(words.map(u64::to_le_bytes).concat());
        }
        (body.add(&bytes), u16::try_from(headers.len()).expect("few sections"))
    }

    fn header(&self, segments: usize, sections_at: u64, sections: u16) -> Vec<u8> {
        let segments = u16::try_from(segments).expect("few segments");
        let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        bytes.extend([self.kind, self.machine].map(u16::to_le_bytes).concat());
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend([self.entry, 64, sections_at].map(u64::to_le_bytes).concat());
        bytes.extend(0_u32.to_le_bytes());
        let last = sections - 1;
        bytes.extend([64, 56, segments, 64, sections, last].map(u16::to_le_bytes).concat());
        bytes
    }
}

/// The part of the file behind the program headers.
struct Body {
    bytes: Vec<u8>,
    start: usize,
}

impl Body {
    /// Adds a piece and returns its offset in the file.
    fn add(&mut self, piece: &[u8]) -> u64 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let offset = self.start + self.bytes.len();
        self.bytes.extend(piece);
        u64::try_from(offset).expect("small")
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("small")
}

fn program_header(table: &mut Vec<u8>, kind: u32, flags: u32, numbers: [u64; 6]) {
    table.extend([kind, flags].map(u32::to_le_bytes).concat());
    table.extend(numbers.map(u64::to_le_bytes).concat());
}

fn note_bytes(notes: &[(&[u8], u32, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (owner, kind, desc) in notes {
        let sizes = [owner.len(), desc.len()].map(|size| u32::try_from(size).expect("small"));
        bytes.extend([sizes[0], sizes[1], *kind].map(u32::to_le_bytes).concat());
        for part in [*owner, desc] {
            bytes.extend(part);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
    }
    bytes
}
