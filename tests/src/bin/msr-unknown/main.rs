//! Model-specific registers that a guest must not touch: `access=`, `msr=` and `value=`
//! (decimal) tell which.
//!
//! Whatever the bitmap lets through reaches the physical register: the hypervisor's own syscall
//! entry, its page attributes, its VMX lock.
//! Expected: a general-protection fault, so the domain's crash; no verdict. A denied register must
//! be denied in both of the bitmap's ranges, and beyond them.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{StartInfo, command_line, println, probe::msr};

xenolith_guest::entry!(main);

fn main(start: &'static StartInfo) -> ! {
    let line = start.command_line();
    let number = command_line::number(line, "msr").and_then(|number| u32::try_from(number).ok());
    let number = number.expect("msr= gives a number");
    println!("msr {number:#x}");
    if command_line::value(line, "access") == Some("write") {
        msr::write(number, command_line::number(line, "value").unwrap_or(0));
    } else {
        println!("it holds {:#x}", msr::read(number));
    }
    panic!("the register was reached")
}
