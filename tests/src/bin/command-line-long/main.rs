//! A command line of the greatest length that start_info holds.
//!
//! With its NUL it fills the field; one byte more would write over the next one.
//! Expected: 1023 bytes, the last of them the one that was given.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{StartInfo, check, check_eq, scenario::Checks};

xenolith_guest::scenario!(run);

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let line = start.command_line();
    check_eq!(checks, line.len(), 1023, "length");
    check!(checks, line.starts_with("begin-") && line.ends_with("-end"), "{line}");
    check!(checks, line[6..1019].bytes().all(|byte| byte == b'x'), "{line}");
    check_eq!(checks, start.raw().first_p2m_pfn, 0, "the field behind it");
}
