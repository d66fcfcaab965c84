//! `console_io` with 100 KiB in one call, from pages that are scattered in memory.
//!
//! A fixed buffer, or a copy that counts bytes of one page only, would lose or repeat lines.
//! Expected: 1600 numbered lines of 64 bytes, all of them, in order (the runner checks a few).
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::fmt::Write;

use scenarios::calls::call;
use xenolith_guest::{
    StartInfo,
    abi::{console::WRITE, hypercall::CONSOLE_IO},
    check_eq,
    probe::Window,
    scenario::Checks,
    static_pages::PAGE_BYTES,
};

xenolith_guest::scenario!(run);

const LINE: usize = 64;
const LINES: usize = 1600;
const PAGES: usize = LINE * LINES / PAGE_BYTES;

/// One line being written.
struct Line([u8; LINE], usize);

impl Write for Line {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.0[self.1..][..text.len()].copy_from_slice(text.as_bytes());
        self.1 += text.len();
        Ok(())
    }
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut window = Window::take(start);
    for page in 0..PAGES {
        window.map(page, window.own_frame(PAGES - 1 - page), Window::DATA);
    }
    for number in 0..LINES {
        let mut line = Line([b'.'; LINE], 0);
        let written = write!(line, "flood line {number} ");
        check_eq!(checks, written, Ok(()));
        line.0[LINE - 1] = b'\n';
        window.write(number * LINE, &line.0);
    }
    let bytes = (LINE * LINES) as u64;
    let answer = call(CONSOLE_IO, [WRITE.into(), bytes, window.address(0).as_u64()]);
    check_eq!(checks, answer, 0, "write {bytes} bytes");
}
