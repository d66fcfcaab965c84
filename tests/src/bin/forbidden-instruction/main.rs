//! Instructions that no guest may execute: `instruction=` on the command line.
//!
//! Each exits unconditionally or must fault; a hypervisor without an answer panics, executes it on
//! the guest's behalf, or loops on it.
//! Expected: end `crash` of the domain, no verdict.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo, command_line, println,
    probe::{control, instruction},
};

xenolith_guest::entry!(main);

const INSTRUCTIONS: &[(&str, fn())] = &[
    ("vmxon", instruction::vmxon),
    ("vmxoff", instruction::vmxoff),
    ("vmcall", instruction::vmcall),
    ("vmlaunch", instruction::vmlaunch),
    ("vmresume", instruction::vmresume),
    ("vmptrld", instruction::vmptrld),
    ("vmptrst", instruction::vmptrst),
    ("vmclear", instruction::vmclear),
    ("vmread", instruction::vmread),
    ("vmwrite", instruction::vmwrite),
    ("invept", instruction::invept),
    ("invvpid", instruction::invvpid),
    ("vmfunc", instruction::vmfunc),
    ("vmmcall", instruction::vmmcall),
    ("getsec", instruction::getsec),
    ("monitor", instruction::monitor_mwait),
    ("rsm", instruction::rsm),
    ("xsetbv", instruction::xsetbv_invalid),
    ("cr4-vmxe", || control::write_cr4(control::cr4() | 1 << 13)),
    ("cr4-reserved", || control::write_cr4(control::cr4() | 1 << 63)),
    ("cr0-no-paging", || control::write_cr0(control::cr0() & !(1 << 31))),
];

fn main(start: &'static StartInfo) -> ! {
    let wanted = command_line::value(start.command_line(), "instruction");
    let Some((name, execute)) = INSTRUCTIONS.iter().find(|(name, _)| Some(*name) == wanted) else {
        panic!("no such instruction: {wanted:?}")
    };
    println!("executing {name}");
    execute();
    panic!("the instruction was executed")
}
