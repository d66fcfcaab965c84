//! The grant table: its frames, and copies and mappings through its entries.
//!
//! The table is memory that kernel and hypervisor share: the kernel maps the frames it is told, and
//! what it writes there decides what may be copied and mapped. Expected: frames that hold zeros and
//! can be written; a copy by grant, and none by an entry that grants nothing; mappings that show the
//! granted page and mark the grant as used, until the last one is gone.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod mappings;

use xenolith_guest::{
    StartInfo,
    abi::{
        domain::SELF,
        errno::ENOSYS,
        grant::{
            BAD_GNTREF, COPY, COPY_SOURCE_GREF, GENERAL_ERROR, OKAY, QUERY_SIZE, SET_VERSION,
            SETUP_TABLE,
        },
        hypercall::GRANT_TABLE_OP,
    },
    check, check_eq,
    probe::{Window, hypercall::syscall},
    scenario::Checks,
    traps,
    x86_64::PhysAddr,
};

xenolith_guest::scenario!(run);

const PAGE: usize = 4096;
/// Page of the window for arguments; pages where the table's frames appear; two pages to copy.
const LIST: usize = 256;
const TABLE: usize = 1;
const SOURCE: usize = 3;
const DESTINATION: usize = 4;
/// The number of the first domain.
const DOMAIN: u64 = 1;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut window = Window::take(start);
    check_eq!(checks, traps::install(), Ok(()));
    check_size(checks, &mut window, 1);
    check_setup(checks, &mut window, start);
    check_size(checks, &mut window, 2);
    check_version(checks, &mut window);
    check_copies(checks, &mut window);
    mappings::check(checks, &mut window);
}

fn grant_table_op(window: &Window, command: u32) -> i64 {
    syscall(GRANT_TABLE_OP.into(), [command.into(), window.address(0).as_u64(), 1, 0, 0])
}

fn i16_at(window: &Window, offset: usize) -> i16 {
    i16::from_le_bytes(window.bytes(offset))
}

fn check_size(checks: &mut Checks, window: &mut Window, frames: u32) {
    window.fill(0, 16, 0xee);
    window.write(0, &SELF.to_le_bytes());
    check_eq!(checks, grant_table_op(window, QUERY_SIZE), 0);
    check_eq!(checks, (window.u32(4), i16_at(window, 12)), (frames, OKAY), "frames");
    check!(checks, window.u32(8) >= 4, "{} frames at most", window.u32(8));
}

fn check_setup(checks: &mut Checks, window: &mut Window, start: &StartInfo) {
    window.fill(0, 24, 0);
    window.write(0, &SELF.to_le_bytes());
    window.write(4, &2_u32.to_le_bytes());
    let list = window.address(LIST).as_u64();
    window.write(16, &list.to_le_bytes());
    check_eq!(checks, grant_table_op(window, SETUP_TABLE), 0);
    check_eq!(checks, i16_at(window, 8), OKAY);
    for index in 0..2 {
        let frame = window.u64(LIST + 8 * index);
        check!(checks, frame >= start.pages(), "frame {frame:#x} is no memory of the kernel's own");
        window.map(TABLE + index, PhysAddr::new(frame * PAGE as u64), Window::DATA);
        check_eq!(checks, window.bytes((TABLE + index) * PAGE), [0; PAGE], "frame {index}");
        window.write((TABLE + index + 1) * PAGE - 8, &[0; 8]);
    }
}

fn check_version(checks: &mut Checks, window: &mut Window) {
    for (version, answer) in [(1_u32, 0), (2, -ENOSYS)] {
        window.write(0, &version.to_le_bytes());
        check_eq!(checks, grant_table_op(window, SET_VERSION), answer, "version {version}");
        check_eq!(checks, window.u32(0), 1, "version");
    }
}

fn check_copies(checks: &mut Checks, window: &mut Window) {
    let [source, destination] =
        [SOURCE, DESTINATION].map(|page| window.own_frame(page).as_u64() / 4096);
    window.write(SOURCE * PAGE, b"granted");
    // Access for the own domain; entry 600 is in the second frame of the table.
    let entry = 1 | DOMAIN << 16 | source << 32;
    window.write(TABLE * PAGE + 8 * 600, &entry.to_le_bytes());
    for (reference, status) in [(600, OKAY), (601, GENERAL_ERROR), (1024, BAD_GNTREF)] {
        window.fill(DESTINATION * PAGE, 16, 0);
        window.fill(0, 40, 0);
        let words = [reference, u64::from(SELF), destination, u64::from(SELF) | 3 << 16];
        for (at, word) in words.into_iter().enumerate() {
            window.write(8 * at, &word.to_le_bytes());
        }
        window.write(32, &7_u16.to_le_bytes());
        window.write(34, &COPY_SOURCE_GREF.to_le_bytes());
        check_eq!(checks, grant_table_op(window, COPY), 0);
        check_eq!(checks, i16_at(window, 36), status, "copy of grant {reference}");
        let expected = if status == OKAY { *b"\0\0\0granted\0" } else { [0; 11] };
        check_eq!(checks, window.bytes(DESTINATION * PAGE), expected, "after grant {reference}");
    }
}
