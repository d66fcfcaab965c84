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

/// `mov eax, 17; vmcall; ret`, then the image's own filling.
const STUB_17: u64 = u64::from_le_bytes([0xb8, 17, 0, 0, 0, 0x0f, 0x01, 0xc1]);

fn run(checks: &mut Checks, _: &'static StartInfo) {
    let stub = page::address() + 17 * page::STUB_BYTES as u64;
    check_eq!(checks, memory::read_u64(stub), STUB_17, "stub of the start code");
    check_eq!(
        checks,
        memory::read_u64(stub + 24),
        u64::from_le_bytes([0xcc; 8]),
        "filling behind the stub"
    );
    check_eq!(checks, version::version().map(|version| version.major), Ok(4), "xen_version");
}
