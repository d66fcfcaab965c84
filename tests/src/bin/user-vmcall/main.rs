//! VMCALL from user mode, which is not a hypercall.
//!
//! The instruction exits from any privilege level: unless the hypervisor looks, every process of a
//! guest could act as its kernel. `call=` tells what the process tries, `at=0` that it does so at
//! address 0.
//! Expected: an invalid opcode in user mode, here the domain's crash; the call is not made.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo,
    abi::{console, hypercall, mmu::MmuUpdate, sched},
    command_line, println,
    probe::{Window, control, mmu, user},
    x86_64::{VirtAddr, structures::paging::PageTableFlags as Flags},
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
    let is_at_zero = command_line::value(start.command_line(), "at") == Some("0");
    let code = if is_at_zero { map_at_zero(&mut window) } else { window.address(0) };
    let address = |offset| window.address(offset);
    println!("going to user mode");
    let (number, arguments) = match command_line::value(start.command_line(), "call") {
        Some("console") => {
            let length = TEXT.len() as u64;
            (hypercall::CONSOLE_IO, [console::WRITE.into(), length, address(64).as_u64()])
        }
        _ => (hypercall::SCHED_OP, [sched::SHUTDOWN.into(), address(128).as_u64(), 0]),
    };
    user::enter(code, address(4096), number.into(), arguments)
}

/// Maps the first page at address 0 as well, by tables in the next three.
fn map_at_zero(window: &mut Window) -> VirtAddr {
    let flags = (Window::DATA | Flags::USER_ACCESSIBLE).bits();
    let entry = |page| window.own_frame(page).as_u64() | flags;
    let [code, entries @ ..] = [0, 1, 2, 3].map(entry);
    for (table, entry) in [(1, entries[1]), (2, entries[2]), (3, code)] {
        window.write(4096 * table, &entry.to_le_bytes());
    }
    let update = MmuUpdate { ptr: control::cr3(), val: entries[0] };
    assert_eq!(mmu::update(&[update]), Ok(1));
    VirtAddr::zero()
}
