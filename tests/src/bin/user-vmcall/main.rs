//! VMCALL from user mode, which is not a hypercall.
//!
//! The instruction exits from any privilege level: unless the hypervisor looks, every process of a
//! guest could act as its kernel. `call=` tells what the process tries.
//! Expected: an invalid opcode in user mode, here the domain's crash; the call is not made.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo,
    abi::{console, hypercall, sched},
    command_line, println,
    probe::{Window, user},
    x86_64::structures::paging::PageTableFlags as Flags,
};

xenolith_guest::entry!(main);

/// `vmcall; ud2`.
const CODE: [u8; 5] = [0x0f, 0x01, 0xc1, 0x0f, 0x0b];
const TEXT: &[u8; 21] = b"heard from user mode\n";

fn main(start: &'static StartInfo) -> ! {
    let mut window = Window::take(start);
    window.write(0, &CODE);
    window.write(64, TEXT);
    // The reason of the shutdown is the zero in this page: poweroff.
    window.map(0, window.own_frame(0), Window::DATA | Flags::USER_ACCESSIBLE);
    let address = |offset| window.address(offset);
    println!("going to user mode");
    let (number, arguments) = match command_line::value(start.command_line(), "call") {
        Some("console") => {
            let length = TEXT.len() as u64;
            (hypercall::CONSOLE_IO, [console::WRITE.into(), length, address(64).as_u64()])
        }
        _ => (hypercall::SCHED_OP, [sched::SHUTDOWN.into(), address(128).as_u64(), 0]),
    };
    user::enter(address(0), address(4096), number.into(), arguments)
}
