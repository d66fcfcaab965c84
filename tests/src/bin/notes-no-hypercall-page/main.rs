//! A kernel without note HYPERCALL_PAGE: nobody writes into its image, and it still makes calls.
//!
//! A builder that assumes the note would write stubs to a wrong page, or refuse the image.
//! Expected: the page holds the stubs that the kernel's own start code wrote, the console works.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo, check_eq, hypercall::page, hypercall::version, probe::memory, scenario::Checks,
};

xenolith_guest::scenario!(
    run,
    notes = [entry, virt_base, paddr_offset, xen_version = "xen-3.0", loader = "generic"]
);

/// `push rcx; push r11; mov eax, 17; syscall; pop r11; pop rcx; ret`, the image's own filling.
const STUB_17: [u64; 2] = [
    u64::from_le_bytes([0x51, 0x41, 0x53, 0xb8, 17, 0, 0, 0]),
    u64::from_le_bytes([0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3, 0xcc, 0xcc]),
];

fn run(checks: &mut Checks, _: &'static StartInfo) {
    let stub = page::address() + 17 * page::STUB_BYTES as u64;
    let found = [stub, stub + 8].map(memory::read_u64);
    check_eq!(checks, found, STUB_17, "stub of the start code");
    check_eq!(
        checks,
        memory::read_u64(stub + 24),
        u64::from_le_bytes([0xcc; 8]),
        "filling behind the stub"
    );
    check_eq!(checks, version::version().map(|version| version.major), Ok(4), "xen_version");
}
