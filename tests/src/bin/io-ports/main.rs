//! I/O ports: nothing is there, whatever the width, and nothing gets through.
//!
//! Behind the ports stand the machine's own devices: the serial line of the log, the status port
//! that the test runner trusts, the port that ends the emulator, PCI.
//! Expected: reads of all ones at every width, writes without effect: no marker on the console, no
//! false verdict, the run goes on to its own end.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo, check_eq,
    probe::{Window, port},
    scenario::Checks,
    x86_64::VirtAddr,
};

xenolith_guest::scenario!(run);

/// PIC, PIT, keyboard, CMOS, debug consoles, serial lines, PCI, power management, emulators' own.
const PORTS: &[u16] = &[
    0x20, 0x40, 0x60, 0x61, 0x64, 0x70, 0x71, 0x80, 0xa1, 0xe9, 0xf4, 0x2f8, 0x3f8, 0x3fd, 0x402,
    0x604, 0xb004, 0xcf8, 0xcfc, 0x8900, 0xfffc,
];

fn run(checks: &mut Checks, start: &'static StartInfo) {
    for &number in PORTS {
        check_eq!(checks, port::read::<u8>(number), u8::MAX, "byte from port {number:#x}");
        check_eq!(checks, port::read::<u16>(number), u16::MAX, "2 bytes from port {number:#x}");
        check_eq!(checks, port::read::<u32>(number), u32::MAX, "4 bytes from port {number:#x}");
        port::write::<u16>(number, 0);
        port::write::<u32>(number, 0);
    }
    try_to_be_heard();
    let mut window = Window::take(start);
    check_strings(checks, &mut window);
}

/// Says on each port what would be believed there.
fn try_to_be_heard() {
    let say = |number, text: &[u8]| text.iter().for_each(|&byte| port::write(number, byte));
    say(0x3f8, b"\nheard on the serial line\n");
    say(0xe9, b"\nxenolith-verdict: panic\n");
    say(0x402, b"\nheard on the other debug console\n");
    say(0x8900, b"Shutdown");
    port::write::<u32>(0xf4, 0x10);
    port::write::<u16>(0x604, 0x2000);
    port::write::<u16>(0xb004, 0x2000);
    port::write::<u8>(0x64, 0xfe);
    port::write::<u8>(0xcf9, 6);
}

/// Reads values of so many bytes from a port to memory.
type StringRead = (&'static str, fn(u16, VirtAddr, u64), usize);

const STRING_READS: [StringRead; 3] = [
    ("bytes", port::read_string_u8, 1),
    ("2 bytes", port::read_string_u16, 2),
    ("4 bytes", port::read_string_u32, 4),
];

/// Strings of values, across a page border.
fn check_strings(checks: &mut Checks, window: &mut Window) {
    for (what, read, width) in STRING_READS {
        let (offset, count) = (4096 - 20, 40 / width);
        window.fill(offset - 8, 56, 0x55);
        read(0x3f8, window.address(offset), count as u64);
        check_eq!(checks, window.bytes(offset), [0xff; 40], "string of {what}");
        let around = [window.u64(offset - 8), window.u64(offset + 40)];
        check_eq!(checks, around, [0x5555_5555_5555_5555; 2], "around the string of {what}");
        window.fill(offset, 8, 0x55);
        read(0x3f8, window.address(offset), 0);
        check_eq!(checks, window.u64(offset), 0x5555_5555_5555_5555, "no {what} at all");
    }
    window.write(4096 - 12, b"\nheard as a string\n");
    port::write_string_u8(0x3f8, window.address(4096 - 12), 19);
    port::write_string_u16(0xe9, window.address(4096 - 12), 9);
    port::write_string_u32(0xe9, window.address(4096 - 12), 4);
}
