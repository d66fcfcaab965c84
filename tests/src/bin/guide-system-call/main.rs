//! A kernel with a process that makes system calls.
#![no_std]
#![no_main]

use core::{arch::global_asm, ptr, slice};

use xenolith_guest::{
    StartInfo,
    entry::{Cause, Frame},
    hypercall::sched::ShutdownReason,
    paging::AddressSpace,
    platform, println,
    static_pages::StaticPages,
    traps, user,
    x86_64::structures::paging::PageTableFlags as Flags,
};

xenolith_guest::entry!(main);

// The process: says three numbers by system call 1, then ends by system call 0.
global_asm!(
    ".pushsection .rodata.program, \"a\"",
    "program:",
    "    mov     edi, 40",
    "1:  mov     eax, 1",
    "    syscall",
    "    inc     edi",
    "    cmp     edi, 43",
    "    jne     1b",
    "    xor     eax, eax",
    "    syscall",
    "program_end:",
    ".popsection",
);

unsafe extern "C" {
    static program: u8;
    static program_end: u8;
}

/// Pages of the process.
static CODE: StaticPages<1> = StaticPages::new();
static STACK: StaticPages<1> = StaticPages::new();

fn main(start: &'static StartInfo) -> ! {
    traps::install().expect("exceptions have entries");
    user::install().expect("system calls have an entry");
    load(&AddressSpace::of_boot(start));
    let mut process = user::program(CODE.page(0), STACK.page(0) + STACK.bytes() as u64);
    loop {
        match user::run(&mut process) {
            Cause::SystemCall if process.rax == 0 => break,
            Cause::SystemCall => system_call(&mut process),
            cause => panic!("the process met {cause:?}\n{process}"),
        }
    }
    platform::shutdown(ShutdownReason::POWEROFF)
}

/// Copies the program, and lets ring 3 into its pages.
fn load(space: &AddressSpace) {
    let bytes = (&raw const program_end).addr() - (&raw const program).addr();
    // SAFETY: these are the bytes between the two labels, and nobody writes to them.
    let code = unsafe { slice::from_raw_parts(&raw const program, bytes) };
    // SAFETY: the page is ours, and nobody else reads it.
    unsafe { ptr::copy_nonoverlapping(code.as_ptr(), CODE.as_ptr(), code.len()) };
    for page in [&CODE, &STACK] {
        let flags = Flags::PRESENT | Flags::WRITABLE | Flags::USER_ACCESSIBLE;
        // SAFETY: Rust keeps nothing in the page.
        unsafe { space.set_flags(page.page(0), flags) }.expect("the image is mapped by pages");
    }
}

/// Serves system call 1: rdi is the number. The result goes to rax.
fn system_call(process: &mut Frame) {
    println!("the process says {}", process.rdi);
    process.rax = 0;
}
