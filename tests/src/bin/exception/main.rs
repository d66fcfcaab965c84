//! Exceptions that a kernel without handlers raises: `kind=` on the command line.
//!
//! Every exception is the domain's crash, reported with its registers. The report could name the
//! wrong exception, or show registers of the hypervisor instead of the guest's.
//! Expected: end `crash`, no verdict, a log with the exception and the pattern that
//! `xenolith_guest::probe::crash` puts into the registers.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{StartInfo, command_line, println, probe::crash};

xenolith_guest::entry!(main);

const KINDS: &[(&str, fn() -> !)] = &[
    ("divide-error", crash::divide_error),
    ("breakpoint", crash::breakpoint),
    ("invalid-opcode", crash::invalid_opcode),
    ("wild-selector", crash::wild_selector),
    ("stack-fault", crash::stack_fault),
    ("general-protection", crash::general_protection),
    ("page-fault", crash::page_fault),
    ("x87-error", crash::x87_error),
    ("stack-lost", crash::stack_lost),
    ("triple-fault", crash::triple_fault),
];

fn main(start: &'static StartInfo) -> ! {
    let wanted = command_line::value(start.command_line(), "kind");
    let Some((name, crash)) = KINDS.iter().find(|(name, _)| Some(*name) == wanted) else {
        panic!("no such kind: {wanted:?}")
    };
    println!("raising {name}");
    crash()
}
