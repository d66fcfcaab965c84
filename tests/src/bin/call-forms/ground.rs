//! The ground that calls are made on: pages with known contents, and tables that map them well, badly
//! and not at all. It is laid out anew before each call, and looked at as a whole after it.

use alloc::vec::Vec;

use xenolith_guest::{
    StartInfo,
    abi::{
        domain::SELF,
        guest_layout::{HYPERVISOR_L4_FIRST, MACH2PHYS_VIRT_START},
        hypercall::{MEMORY_OP, MMU_UPDATE, MMUEXT_OP},
        memory::DECREASE_RESERVATION,
        mmu::{MACHPHYS_UPDATE, SET_LDT},
    },
    paging::{BOOT_MAP, FRAME_BITS},
    probe::{
        Window, control,
        hypercall::syscall,
        memory::{read_u64, write_u64},
    },
    x86_64::VirtAddr,
};

use crate::places::{
    self, DATA_PAGES, Frames, LEVEL_1, LEVEL_2, LEVEL_3, SPARE_TABLE, TABLE_SLOTS, TABLE_WORDS,
    WORDS,
};

/// What the processor sets in entries as it walks.
const ACCESSED_DIRTY: u64 = 0x60;
/// Bits of an entry for a table.
const TABLE: u64 = 7;
/// Word of the shared page that means nothing.
const SHARED_WORD: u64 = 0xff8;
/// Page of the window for arguments of calls that prepare something.
const ARGUMENTS: usize = 13 * 4096;

/// What can be seen after a call.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Sight {
    /// Words of the data pages, the tables and the spare table; the shared page's; entries of the
    /// machine-to-physical table.
    pub(crate) words: Vec<u64>,
    /// CR3 and LDTR.
    pub(crate) registers: [u64; 2],
}

/// Pages, tables, and what they were at the start.
pub(crate) struct Ground {
    window: Window,
    /// The top-level table that the kernel runs on, and its words.
    root: u64,
    top: Vec<u64>,
    pub(crate) frames: Frames,
}

impl Ground {
    /// Takes the window, gives a frame back, and enters the tables into the top-level table.
    pub(crate) fn take(start: &StartInfo) -> Self {
        let window = Window::take(start);
        let root = control::cr3();
        let own = |page: usize| window.own_frame(page).as_u64();
        for slot in TABLE_SLOTS {
            write_u64(BOOT_MAP + root + 8 * slot, own(LEVEL_3) | TABLE);
        }
        let top: Vec<u64> = (0..WORDS).map(|word| read_u64(BOOT_MAP + root + 8 * word)).collect();
        let frames = Frames {
            data: core::array::from_fn(|page| own(places::DATA + page)),
            table: own(LEVEL_1),
            spare: own(SPARE_TABLE),
            root,
            gone: (start.pages() - 100) * 4096,
            read_only: top[HYPERVISOR_L4_FIRST] & FRAME_BITS,
            shared: start.shared_info().as_u64() + SHARED_WORD,
        };
        let mut ground = Self { window, root, top, frames };
        ground.give_back();
        ground
    }

    fn give_back(&mut self) {
        let list = self.window.address(ARGUMENTS + 32).as_u64();
        self.set(ARGUMENTS, list);
        self.set(ARGUMENTS + 8, 1);
        self.set(ARGUMENTS + 16, 0);
        self.set(ARGUMENTS + 24, SELF.into());
        self.set(ARGUMENTS + 32, self.frames.gone / 4096);
        let argument = self.window.address(ARGUMENTS).as_u64();
        let answer = syscall(MEMORY_OP.into(), [DECREASE_RESERVATION.into(), argument, 0, 0, 0]);
        assert_eq!(answer, 1, "the frame was the domain's");
    }

    fn set(&self, offset: usize, value: u64) {
        write_u64(self.window.address(offset), value);
    }

    /// Returns the address of a byte of the window.
    pub(crate) fn address(&self, offset: usize) -> VirtAddr {
        self.window.address(offset)
    }

    /// Lays everything out as it is before each call, and then some words by their offset in the
    /// data pages.
    pub(crate) fn lay_out(&mut self, words: &[(usize, u64)]) {
        control::write_cr3(self.root);
        self.load_no_ldt();
        self.restore_machine_to_physical();
        write_u64(self.shared_word(), 0);
        for page in 0..DATA_PAGES {
            for word in 0..WORDS {
                let at = self.window.address((places::DATA + page) * 4096) + 8 * word;
                write_u64(at, places::pattern(page as u64, word));
            }
        }
        self.lay_out_tables();
        for &(offset, value) in words {
            self.set(places::DATA * 4096 + offset, value);
        }
        control::write_cr3(self.root);
    }

    fn lay_out_tables(&self) {
        let own = |page| self.window.own_frame(page).as_u64();
        let [directories, tables] = [own(LEVEL_2) | TABLE, own(LEVEL_1) | TABLE];
        for (page, entries) in [
            (LEVEL_3, self.frames.level_3(directories)),
            (LEVEL_2, self.frames.level_2(tables)),
            (LEVEL_1, self.frames.level_1()),
        ] {
            for (index, entry) in entries.into_iter().enumerate() {
                self.set(page * 4096 + 8 * index, entry);
            }
        }
        for (index, entry) in self.top.iter().enumerate() {
            self.set(SPARE_TABLE * 4096 + 8 * index, *entry);
        }
    }

    /// Replaces a last-level entry behind the processor's back.
    pub(crate) fn set_entry(&self, index: u64, entry: u64) {
        write_u64(self.window.address(LEVEL_1 * 4096) + 8 * index, entry);
    }

    /// Returns an entry of the table of level 1, 2 or 3.
    pub(crate) fn entry(&self, level: usize, index: u64) -> u64 {
        read_u64(self.window.address((LEVEL_1 + 1 - level) * 4096) + 8 * index)
    }

    fn load_no_ldt(&self) {
        if control::ldtr() != 0 {
            self.set(ARGUMENTS, SET_LDT.into());
            self.set(ARGUMENTS + 16, 0);
            self.one_request(MMUEXT_OP);
        }
    }

    fn restore_machine_to_physical(&self) {
        for frame in self.frames.described() {
            if read_u64(m2p(frame)) != frame / 4096 {
                self.set(ARGUMENTS, frame | MACHPHYS_UPDATE);
                self.set(ARGUMENTS + 8, frame / 4096);
                self.one_request(MMU_UPDATE);
            }
        }
    }

    fn one_request(&self, number: u32) {
        let list = self.window.address(ARGUMENTS).as_u64();
        assert_eq!(syscall(number.into(), [list, 1, 0, SELF.into(), 0]), 0, "{number}");
    }

    fn shared_word(&self) -> VirtAddr {
        self.window.address(places::SHARED * 4096) + SHARED_WORD
    }

    /// Maps the shared page, for [`Self::look`].
    pub(crate) fn map_shared(&mut self, start: &StartInfo) {
        self.window.map(places::SHARED, start.shared_info(), Window::DATA);
    }

    /// Looks at everything that a call may have changed.
    pub(crate) fn look(&self) -> Sight {
        let mut words = Vec::with_capacity(TABLE_WORDS * 14);
        for page in 0..places::DATA + DATA_PAGES {
            let at = self.window.address(page * 4096);
            for word in 0..WORDS {
                // Entries of pages that nobody walks are compared whole.
                let walked = page < places::DATA && !(page == LEVEL_1 && places::is_victim(word));
                let ignored = if walked { ACCESSED_DIRTY } else { 0 };
                words.push(read_u64(at + 8 * word) & !ignored);
            }
        }
        words.push(read_u64(self.shared_word()));
        words.extend(self.frames.described().map(|frame| read_u64(m2p(frame))));
        Sight { words, registers: [control::cr3(), control::ldtr().into()] }
    }
}

fn m2p(frame: u64) -> VirtAddr {
    VirtAddr::new(MACH2PHYS_VIRT_START + frame / 4096 * 8)
}
