//! The long calls: text for the console, lists of requests about page tables, frames to be zeroed.

use xenolith_guest::{
    StartInfo,
    abi::{
        domain::SELF,
        hypercall::{MEMORY_OP, MMU_UPDATE, MMUEXT_OP},
        memory::{DECREASE_RESERVATION, POPULATE_PHYSMAP},
        mmu::{CLEAR_PAGE, MACHPHYS_UPDATE},
    },
    hypercall::console,
    probe::{Window, hypercall::by_page},
};

const PAGE: usize = 4096;
/// Offsets in the window: an argument, and lists; the page that requests are about.
const ARGUMENT: usize = 0;
const LIST: usize = 2 * PAGE;
const WRITTEN: usize = 1;
/// Frames that are given back and had again.
const FRAMES: u64 = 4096;

/// Much more than the hypervisor's queue holds, so that the call waits for the line.
const BYTES: usize = 16 << 10;
static TEXT: [u8; BYTES] = lines();

const fn lines() -> [u8; BYTES] {
    let mut text = [b'.'; BYTES];
    let mut at = 63;
    while at < BYTES {
        text[at] = b'\n';
        at += 64;
    }
    text
}

/// A call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Text,
    /// A hypercall with its arguments, and what it must answer.
    List(u32, [u64; 5], i64),
}

impl Call {
    /// Makes the call; returns whether it answers as it must.
    pub(crate) fn make(self) -> bool {
        match self {
            Self::Text => console::write(&TEXT).is_ok(),
            Self::List(number, arguments, answer) => by_page(number, arguments) == answer,
        }
    }
}

/// Makes a call ready.
pub(crate) type Prepare = fn(&mut Window, &StartInfo) -> Call;

/// The kinds of calls, all of them long.
pub(crate) const KINDS: [(&str, Prepare); 4] = [
    ("console_io", |_, _| Call::Text),
    ("mmu_update", updates),
    ("mmuext_op", operations),
    ("memory_op", populate),
];

fn put(window: &mut Window, offset: usize, words: &[u64]) {
    for (index, word) in words.iter().enumerate() {
        window.write(offset + 8 * index, &word.to_le_bytes());
    }
}

/// Entries of a page, and now and then one of the machine-to-physical table, which take longer.
fn updates(window: &mut Window, _: &StartInfo) -> Call {
    let count = (Window::BYTES - LIST) / 16;
    let frame = window.own_frame(WRITTEN).as_u64();
    for index in 0..count {
        let word = frame + 8 * (index % 512) as u64;
        let request =
            if index % 4 == 0 { [frame | MACHPHYS_UPDATE, frame / 4096] } else { [word, 1] };
        put(window, LIST + 16 * index, &request);
    }
    let list = window.address(LIST).as_u64();
    Call::List(MMU_UPDATE, [list, count as u64, 0, SELF.into(), 0], 0)
}

fn operations(window: &mut Window, _: &StartInfo) -> Call {
    let count = (Window::BYTES - LIST) / 24;
    let frame = window.own_frame(WRITTEN).as_u64() / 4096;
    for index in 0..count {
        put(window, LIST + 24 * index, &[CLEAR_PAGE.into(), frame, 0]);
    }
    let list = window.address(LIST).as_u64();
    Call::List(MMUEXT_OP, [list, count as u64, 0, SELF.into(), 0], 0)
}

/// Gives frames back, and returns the call that has them again.
fn populate(window: &mut Window, start: &StartInfo) -> Call {
    let first = (start.pages() - 2 * FRAMES) & !511;
    let argument = window.address(ARGUMENT).as_u64();
    let list = window.address(LIST).as_u64();
    put(window, ARGUMENT, &[list, FRAMES, 0, SELF.into()]);
    for (offset, frame) in (LIST..).step_by(8).zip(first..first + FRAMES) {
        put(window, offset, &[frame]);
    }
    let given = by_page(MEMORY_OP, [DECREASE_RESERVATION.into(), argument, 0, 0, 0]);
    assert_eq!(given, FRAMES.cast_signed(), "the frames are the domain's");
    Call::List(MEMORY_OP, [POPULATE_PHYSMAP.into(), argument, 0, 0, 0], given)
}
