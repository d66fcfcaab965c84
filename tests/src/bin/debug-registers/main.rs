//! Debug registers across every kind of exit.
//!
//! DR7 is switched by the CPU on each exit and entry, DR0 to DR3 and DR6 only if the hypervisor
//! does it: it must either not touch them or put them back.
//! Expected: all as written. DR7 keeps conditions of breakpoints that are not enabled.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::exits;
use xenolith_guest::{StartInfo, check_eq, probe::debug, scenario::Checks};

xenolith_guest::scenario!(run);

const ADDRESSES: [u64; 4] =
    [0x1111_2222_3333, 0xffff_ffff_8123_4567, 0x0000_7fff_ffff_fff8, 0xffff_8888_0000_0001];
/// All of its fixed ones, and the hits of breakpoints 0 and 3.
const STATUS: u64 = 0xffff_0ff9;
/// Its fixed one, and conditions and lengths for four breakpoints, none of them enabled.
const CONTROL: u64 = 0xd951_0400;

fn run(checks: &mut Checks, _: &'static StartInfo) {
    check_eq!(checks, debug::read_control(), 0x400, "DR7 at the start");
    check_eq!(checks, debug::read_status(), 0xffff_0ff0, "DR6 at the start");
    debug::write_addresses(ADDRESSES);
    debug::write_status(STATUS);
    debug::write_control(CONTROL);
    for _ in 0..50 {
        for (name, exit) in exits::ALL {
            exit();
            check_eq!(checks, debug::read_addresses(), ADDRESSES, "DR0-3 after {name}");
            check_eq!(checks, debug::read_status(), STATUS, "DR6 after {name}");
            check_eq!(checks, debug::read_control(), CONTROL, "DR7 after {name}");
        }
    }
}
