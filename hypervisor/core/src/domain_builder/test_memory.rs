//! A guest's memory for tests, and a walker of the page tables in it.

use std::collections::BTreeMap;

use super::guest_frames::GuestFrames;
use crate::address::{Gfn, Gpa, PAGE_SIZE};

/// What a byte is before something is written there.
pub(crate) const STALE: u8 = 0xcc;

type Page = Box<[u8; 4096]>;

/// Memory of a size, and the shared info page; anything else must not be touched.
#[derive(Debug)]
pub(crate) struct TestMemory {
    pages: BTreeMap<u64, Page>,
    memory_pages: u64,
    shared_info: Gpa,
    /// How often the port was called.
    pub(crate) calls: usize,
}

impl TestMemory {
    pub(crate) fn new(memory_pages: u64, shared_info: Gpa) -> Self {
        Self { pages: BTreeMap::new(), memory_pages, shared_info, calls: 0 }
    }

    /// Returns a copy of bytes.
    pub(crate) fn read(&self, start: Gpa, length: u64) -> Vec<u8> {
        let stale: Page = Box::new([STALE; 4096]);
        let end = start.0 + length;
        let mut bytes = Vec::new();
        for page in start.0 / PAGE_SIZE..end.div_ceil(PAGE_SIZE) {
            let contents = self.pages.get(&page).unwrap_or(&stale);
            let from = start.0.max(page * PAGE_SIZE) - page * PAGE_SIZE;
            let to = end.min((page + 1) * PAGE_SIZE) - page * PAGE_SIZE;
            let [from, to] = [from, to].map(|offset| usize::try_from(offset).expect("small"));
            bytes.extend(&contents[from..to]);
        }
        bytes
    }

    pub(crate) fn read_word(&self, address: Gpa) -> u64 {
        u64::from_le_bytes(self.read(address, 8).try_into().expect("eight bytes"))
    }

    /// Returns whether anything was written to a page.
    pub(crate) fn is_written(&self, frame: Gfn) -> bool {
        self.pages.contains_key(&frame.0)
    }

    /// Returns the rest of a page from an address on, for writing.
    fn rest_of_page(&mut self, address: u64) -> &mut [u8] {
        let page = address / PAGE_SIZE;
        assert!(
            page < self.memory_pages || page == self.shared_info.0 / PAGE_SIZE,
            "{address:#x} is outside the domain's memory"
        );
        let bytes = self.pages.entry(page).or_insert_with(|| Box::new([STALE; 4096]));
        &mut bytes[usize::try_from(address % PAGE_SIZE).expect("small")..]
    }

    fn fill(&mut self, start: Gpa, bytes: impl IntoIterator<Item = u8>) {
        let mut bytes = bytes.into_iter().peekable();
        let mut address = start.0;
        while bytes.peek().is_some() {
            for target in self.rest_of_page(address) {
                let Some(byte) = bytes.next() else { break };
                *target = byte;
            }
            address = Gpa(address).page_base().0 + PAGE_SIZE;
        }
    }
}

impl GuestFrames for TestMemory {
    fn write_bytes(&mut self, start: Gpa, bytes: &[u8]) {
        self.calls += 1;
        self.fill(start, bytes.iter().copied());
    }

    fn zero(&mut self, start: Gpa, length: u64) {
        self.calls += 1;
        self.fill(start, (0..length).map(|_| 0));
    }

    fn write_words(&mut self, start: Gpa, count: u64, word: impl FnMut(u64) -> u64) {
        self.calls += 1;
        assert!(start.is_aligned(8));
        self.fill(start, (0..count).map(word).flat_map(u64::to_le_bytes));
    }
}

/// What page tables map, found by visiting all of them.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// The entry that maps each virtual page.
    pub(crate) pages: BTreeMap<u64, u64>,
    /// The tables, each as often as it is referred to, the top one first.
    pub(crate) tables: Vec<Gfn>,
    /// Every entry that refers to a table.
    pub(crate) table_entries: Vec<u64>,
}

impl Walk {
    /// Visits the tables below `top`, leaving out the hypervisor's slots.
    pub(crate) fn from(memory: &TestMemory, top: Gpa) -> Self {
        let mut walk = Self::default();
        walk.visit(memory, top, 4, 0);
        walk
    }

    fn visit(&mut self, memory: &TestMemory, table: Gpa, level: u32, base: u64) {
        self.tables.push(table.gfn());
        assert!(self.tables.len() <= memory.pages.len(), "more tables than pages");
        let bytes = memory.read(table, PAGE_SIZE);
        for (slot, entry) in (0..).zip(bytes.chunks(8)) {
            let entry = u64::from_le_bytes(entry.try_into().expect("eight bytes"));
            let address = base + (slot << (12 + 9 * (level - 1)));
            let is_hypervisors = level == 4 && (256..272).contains(&slot);
            if entry == 0 || is_hypervisors {
                continue;
            }
            if level == 1 {
                self.pages.insert(address / PAGE_SIZE, entry);
            } else {
                self.table_entries.push(entry);
                self.visit(memory, Gpa(frame_of(entry).0 * PAGE_SIZE), level - 1, address);
            }
        }
    }
}

/// Returns the frame of a page-table entry.
pub(crate) fn frame_of(entry: u64) -> Gfn {
    Gfn((entry & 0x000f_ffff_ffff_f000) / PAGE_SIZE)
}
