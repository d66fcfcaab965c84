//! Long hypercalls with everything that they are to do, made in any form, and looked at afterwards.
//!
//! Each job fills lists at random, has its calls made by whoever wants it done, and compares memory,
//! counts and results with what it has reckoned itself. It goes by pages of its own, so that several
//! tasks can work side by side.

mod grants;
mod lists;
mod memory;
mod multicalls;
mod pages;

use alloc::vec::Vec;

use xenolith_guest::{
    StartInfo,
    abi::{
        console,
        errno::EAGAIN,
        hypercall::{CONSOLE_IO, UPDATE_VA_MAPPING},
        mmu::UVMF_INVLPG,
        xenolith::NO_RESTART,
    },
    probe::{
        Window,
        hypercall::{by_page, by_page_in_pieces, syscall},
    },
};

use crate::random::Random;
pub use pages::{PAGES, Pages};

/// Why a job went wrong.
pub type Wrong = &'static str;

/// Makes a call, to its end.
pub type Make<'a> = dyn FnMut(u32, [u64; 5]) -> i64 + 'a;

/// What is to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Job {
    /// `mmu_update`.
    Updates,
    /// `mmuext_op`.
    Operations,
    /// `update_va_mapping`.
    Mapping,
    /// `multicall`.
    Calls,
    /// `memory_op` decrease reservation and populate physmap.
    Reservation,
    /// `memory_op` exchange.
    Exchange,
    /// `grant_table_op` copy.
    Copies,
    /// `grant_table_op` map, unmap.
    Grants,
    /// `console_io` write.
    Text,
}

impl Job {
    /// All jobs.
    pub const ALL: [Self; 9] = [
        Self::Updates,
        Self::Operations,
        Self::Mapping,
        Self::Calls,
        Self::Reservation,
        Self::Exchange,
        Self::Copies,
        Self::Grants,
        Self::Text,
    ];

    /// Returns whether it changes which memory the domain has: one of these at a time.
    pub const fn is_of_memory(self) -> bool {
        matches!(self, Self::Reservation | Self::Exchange)
    }
}

/// Somebody who does jobs.
#[derive(Debug)]
pub struct Worker {
    pages: Pages,
    random: Random,
    /// What the pages for results should hold.
    model: Vec<u64>,
    /// The first of the frames that may be given back, at the end of memory.
    free: u64,
    /// The number of the worker's grant.
    grant: u32,
}

impl Worker {
    /// Makes worker `number`, below 8, with pages of the window and numbers of its own.
    pub fn new(window: &Window, start: &StartInfo, number: usize, seed: u64) -> Self {
        let pages = Pages::new(window, number);
        let random = Random::new(seed.wrapping_add(number as u64));
        // Frames that nobody uses, and that a large page of the second translation holds.
        let free = (start.pages() - 2048) & !511;
        let grant = 64 + u32::try_from(number).unwrap_or(0);
        let mut this = Self { pages, random, model: Vec::new(), free, grant };
        grants::prepare(&mut this);
        this
    }

    /// Does a job.
    ///
    /// # Errors
    ///
    /// What is not as it should be.
    pub fn work(&mut self, job: Job, make: &mut Make<'_>) -> Result<(), Wrong> {
        self.fill();
        match job {
            Job::Updates => lists::updates(self, make),
            Job::Operations => lists::operations(self, make),
            Job::Mapping => self.mapping(make),
            Job::Calls => multicalls::calls(self, make),
            Job::Reservation => memory::reservation(self, make),
            Job::Exchange => memory::exchange(self, make),
            Job::Copies => grants::copies(self, make),
            Job::Grants => grants::mappings(self, make),
            Job::Text => self.text(make),
        }?;
        expect(self.pages.results() == self.model, "memory after the job")
    }

    /// Puts the domain's memory in order behind a job of memory that went wrong.
    ///
    /// # Errors
    ///
    /// What could not be put in order.
    pub fn recover(&mut self) -> Result<(), Wrong> {
        memory::recover(self)
    }

    /// Fills the pages for results.
    fn fill(&mut self) {
        let random = &mut self.random;
        self.model = (0..pages::RESULT_WORDS).map(|_| random.next()).collect();
        self.pages.set_results(&self.model);
    }

    /// Maps each page for results elsewhere.
    fn mapping(&mut self, make: &mut Make<'_>) -> Result<(), Wrong> {
        for page in 0..pages::RESULT_PAGES {
            self.show(self.pages.result_frame(page), make)?;
            let word = usize::try_from(self.random.below(512)).unwrap_or(0);
            expect(self.pages.shown(word) == self.model[page * 512 + word], "what is mapped")?;
        }
        Ok(())
    }

    /// Has a frame mapped where [`Pages::shown`] looks.
    fn show(&mut self, frame: u64, make: &mut Make<'_>) -> Result<(), Wrong> {
        let arguments = [self.pages.shown_at(), frame | 3, UVMF_INVLPG, 0, 0];
        expect(make(UPDATE_VA_MAPPING, arguments) == 0, "update_va_mapping")
    }

    fn text(&mut self, make: &mut Make<'_>) -> Result<(), Wrong> {
        let bytes = 64 * (1 + usize::try_from(self.random.below(6)).unwrap_or(0));
        let list = self.pages.list();
        for at in (0..bytes).step_by(8) {
            let end = if at % 64 == 56 { b'\n' } else { b'.' };
            list.set(at, u64::from_le_bytes([b'.', b'.', b'.', b'.', b'.', b'.', b'.', end]));
        }
        let arguments = [console::WRITE.into(), bytes as u64, list.address, 0, 0];
        expect(make(CONSOLE_IO, arguments) == 0, "console_io")
    }
}

fn expect(is_so: bool, what: Wrong) -> Result<(), Wrong> {
    if is_so { Ok(()) } else { Err(what) }
}

/// Makes a call by the instruction.
pub fn inline(number: u32, arguments: [u64; 5]) -> i64 {
    syscall(number.into(), arguments)
}

/// Makes a call by the page.
pub fn page(number: u32, arguments: [u64; 5]) -> i64 {
    by_page(number, arguments)
}

/// Makes a call by the page so that it tells when it is cut, with `between` in between.
pub fn in_pieces(number: u32, mut arguments: [u64; 5], mut between: impl FnMut()) -> i64 {
    loop {
        let result = by_page_in_pieces(number | NO_RESTART, &mut arguments);
        if result != -EAGAIN {
            return result;
        }
        between();
    }
}
