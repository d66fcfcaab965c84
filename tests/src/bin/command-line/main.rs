//! The guest's command line, with everything a boot loader could stumble over.
//!
//! GRUB splits and unquotes lines, and the hypervisor separates its options from the guest's.
//! Expected: the line as it was given, with single blanks between its words.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{StartInfo, check, check_eq, scenario::Checks};

xenolith_guest::scenario!(run);

const LINE: &str =
    "first second=2 path=/dev/xvda1 list=a,b,c log=trace memory=1M percent=%d --tail";

fn run(checks: &mut Checks, start: &'static StartInfo) {
    check_eq!(checks, start.command_line(), LINE);
    let rest = &start.raw().cmd_line[LINE.len()..];
    check!(checks, rest.iter().all(|&byte| byte == 0), "bytes behind the command line");
}
