//! What calls work on: a window for their lists, and memory that nobody needs.

use xenolith_guest::{
    StartInfo,
    probe::{Window, hypercall::syscall},
};

/// Bytes of a page.
pub(crate) const PAGE: usize = 4096;
/// Pages of the window: the argument of calls that have one; another one for preparations; a page
/// that is written to; the long list; another one.
pub(crate) const ARGUMENT: usize = 0;
pub(crate) const OTHER_ARGUMENT: usize = PAGE;
pub(crate) const WRITTEN: usize = 2 * PAGE;
pub(crate) const LIST: usize = 4 * PAGE;
pub(crate) const OTHER_LIST: usize = 36 * PAGE;

/// Frames of a large page.
pub(crate) const LARGE: u64 = 512;
/// Large pages at the end of memory that the measured calls use.
pub(crate) const SPARE: u64 = 192;

/// A call that is measured.
pub(crate) struct LongCall {
    /// Its name in the table.
    pub(crate) name: &'static str,
    /// Makes its lists, once.
    pub(crate) set_up: fn(&mut Stage),
    /// What comes before each round, with events off.
    pub(crate) prepare: fn(&mut Stage),
    /// Number and arguments.
    pub(crate) call: fn(&Stage) -> (u32, [u64; 5]),
    /// Its result.
    pub(crate) result: i64,
    /// Rounds at most, for calls that cannot be repeated often; instructions from one event to
    /// the next.
    pub(crate) rounds: u32,
    pub(crate) gap: u64,
}

impl LongCall {
    /// One that is repeated as often as needed.
    pub(crate) const fn new(
        name: &'static str,
        set_up: fn(&mut Stage),
        call: fn(&Stage) -> (u32, [u64; 5]),
    ) -> Self {
        let prepare = |_: &mut Stage| {};
        Self { name, set_up, prepare, call, result: 0, rounds: u32::MAX, gap: 25_000 }
    }

    pub(crate) const fn prepared(self, prepare: fn(&mut Stage)) -> Self {
        Self { prepare, ..self }
    }

    pub(crate) const fn result(self, result: i64) -> Self {
        Self { result, ..self }
    }

    pub(crate) const fn rounds(self, rounds: u32) -> Self {
        Self { rounds, ..self }
    }

    pub(crate) const fn gap(self, gap: u64) -> Self {
        Self { gap, ..self }
    }
}

/// What calls work on.
pub(crate) struct Stage {
    pub(crate) window: Window,
    /// The first of the [`SPARE`] large pages, as a frame.
    pub(crate) spare: u64,
    /// Whether an exchange has been made that has to be taken back.
    pub(crate) exchanged: bool,
}

impl Stage {
    pub(crate) fn new(start: &StartInfo) -> Self {
        let window = Window::take(start);
        let spare = (start.pages() & !(LARGE - 1)) - SPARE * LARGE;
        Self { window, spare, exchanged: false }
    }

    /// Returns the address of a byte of the window.
    pub(crate) fn at(&self, offset: usize) -> u64 {
        self.window.address(offset).as_u64()
    }

    /// Returns the frame of a page of the window.
    pub(crate) fn frame(&self, offset: usize) -> u64 {
        self.window.own_frame(offset / PAGE).as_u64() / PAGE as u64
    }

    /// Writes words from `offset` on.
    pub(crate) fn write(&mut self, offset: usize, words: impl IntoIterator<Item = u64>) {
        for (index, word) in words.into_iter().enumerate() {
            self.window.write(offset + 8 * index, &word.to_le_bytes());
        }
    }
}

/// Makes a call which must return `result`.
pub(crate) fn must((number, arguments): (u32, [u64; 5]), result: i64) {
    assert_eq!(syscall(number.into(), arguments), result, "hypercall {number}");
}
