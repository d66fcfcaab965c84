//! `console_io`: lengths from nothing to more than there is, on good, scattered and bad memory.
//!
//! The length is a 32-bit number and the address is the guest's, so a copy could be cut short at a
//! page border, run on beyond the text, or read what the guest cannot.
//! Expected: what Xen answers a domain that may use the console; the texts as a whole on the console
//! (the runner checks them), and nothing of what lies beside them.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::{
    buffers::Buffers,
    calls::{Call, call, check_all},
};
use xenolith_guest::{
    StartInfo,
    abi::{
        console::{READ, WRITE},
        errno::{E2BIG, EFAULT, ENOSYS},
        hypercall::CONSOLE_IO,
    },
    check_eq,
    scenario::Checks,
    x86_64::VirtAddr,
};

xenolith_guest::scenario!(run);

/// Calls that need no memory.
const WITHOUT_MEMORY: &[Call] = &[
    Call { name: "write nothing", arguments: [0, 0, 0], answer: 0 },
    Call { name: "write nothing from nowhere", arguments: [0, 0, 1 << 47], answer: 0 },
    Call { name: "read nothing", arguments: [1, 0, 0], answer: 0 },
    Call { name: "read without input", arguments: [1, 100, 0], answer: 0 },
    Call { name: "upper half of the command", arguments: [7 << 32, 0, 0], answer: 0 },
    Call { name: "upper half of the length", arguments: [0, 7 << 32, 0], answer: 0 },
    Call { name: "read more than a length", arguments: [1, 1 << 31, 0], answer: -E2BIG },
    Call { name: "read -1 bytes", arguments: [1, u64::MAX, 0], answer: -E2BIG },
    Call { name: "first unknown command", arguments: [2, 0, 0], answer: -ENOSYS },
    Call { name: "command -1", arguments: [u64::MAX, 0, 0], answer: -ENOSYS },
];

fn run(checks: &mut Checks, start: &'static StartInfo) {
    check_all(checks, CONSOLE_IO, WITHOUT_MEMORY);
    let mut buffers = Buffers::new(start);
    check_texts(checks, &mut buffers);
    for (what, address) in buffers.unreadable(2) {
        let answer = call(CONSOLE_IO, [WRITE.into(), 2, address]);
        check_eq!(checks, answer, -EFAULT, "write 2 bytes that are {what}");
    }
    check_overlong(checks, &mut buffers);
    let answer = call(CONSOLE_IO, [READ.into(), 16, buffers.good()]);
    check_eq!(checks, answer, 0, "read without input to good memory");
}

/// Writes texts whose neighbours must not appear.
fn check_texts(checks: &mut Checks, buffers: &mut Buffers) {
    let on_border = Buffers::crossing_offset(24);
    for (offset, text) in [
        (Buffers::GOOD, &b"one page\n"[..]),
        (on_border, b"this text crosses pages\n"),
        (Buffers::GOOD, b"\n"),
    ] {
        buffers.window().fill(offset - 8, text.len() + 16, b'#');
        buffers.window().write(offset, text);
        let (address, length) = (buffers.at(offset), text.len() as u64);
        let answer = call(CONSOLE_IO, [WRITE.into(), length, address]);
        check_eq!(checks, answer, 0, "write {length} bytes from {address:#x}");
    }
    let constant = b"read-only memory\n";
    let address = VirtAddr::from_ptr(constant).as_u64();
    let answer = call(CONSOLE_IO, [WRITE.into(), constant.len() as u64, address]);
    check_eq!(checks, answer, 0, "write from read-only memory");
}

/// Writes that run into a page that is not mapped: an error, whether or not a part appears.
fn check_overlong(checks: &mut Checks, buffers: &mut Buffers) {
    let text = b"before the hole\n";
    let offset = 2 * 4096 - text.len();
    buffers.window().write(offset, text);
    let address = buffers.at(offset);
    for (what, length) in
        [("one too many", 17), ("a negative length", 0xffff_ffff), ("2 GiB", 1 << 31)]
    {
        let answer = call(CONSOLE_IO, [WRITE.into(), length, address]);
        check_eq!(checks, answer, -EFAULT, "write {what}");
    }
}
