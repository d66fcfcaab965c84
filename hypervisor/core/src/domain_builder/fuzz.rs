//! Any bytes as a kernel, in a domain of any size.

use super::test_image::{NotesIn, TestImage};
use super::test_memory::{TestMemory, Walk};
use super::{BuildParameters, build, bzimage};
use crate::address::{Gpa, PAGE_SIZE};
use crate::fuzzing::Bytes;
use std::string::ToString;
use std::vec::Vec;

/// Pages of the largest domain.
const MOST_PAGES: u64 = 1 << 14;

/// Builds a domain: its size, the ramdisk's and the command line's, then the kernel's file.
pub(crate) fn run(bytes: &[u8]) {
    let mut bytes = Bytes::new(bytes);
    let memory_pages = 1 + u64::from(bytes.half()) % MOST_PAGES;
    let ramdisk = std::vec![7; usize::from(bytes.half())];
    let command_line = std::vec![b'x'; usize::from(bytes.half() & 0x7ff)];
    let file = bytes.rest();
    let kernel = match bzimage::payload(file) {
        Ok(payload) if payload.compression == bzimage::Compression::None => payload.bytes,
        _ => file,
    };
    let parameters = BuildParameters {
        memory_pages,
        shared_info: Gpa((memory_pages + 7) * PAGE_SIZE),
        console_port: 2,
        store_port: 1,
        hypervisor_entries: [0x1003; 16],
        hypercall_stub: |_| [0xf4; 32],
    };
    let mut memory = TestMemory::new(memory_pages, parameters.shared_info);
    match build(kernel, Some(&ramdisk), &command_line, &parameters, &mut memory) {
        Err(error) => {
            assert_eq!(memory.calls, 0, "an error comes before the first write");
            assert!(!error.to_string().is_empty());
        }
        Ok(state) => {
            let walk = Walk::from(&memory, state.cr3);
            for address in [state.rsi.0, state.rsp.0 - PAGE_SIZE, state.rip.0] {
                let page = (address & 0xffff_ffff_ffff) / PAGE_SIZE;
                assert!(walk.pages.contains_key(&page), "{address:#x} is not mapped");
            }
            let reach = memory_pages * PAGE_SIZE;
            assert!(walk.pages.values().all(|entry| entry & 0x000f_ffff_ffff_f000 < reach));
        }
    }
}

/// Kernels like those that there are, in domains of 16 MiB and more.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let in_section = TestImage { notes_in: NotesIn::Section, ..TestImage::new() };
    let kernels = [
        TestImage::new(),
        TestImage::like_linux(),
        TestImage::like_mini_os(),
        in_section,
        TestImage::new().number(xenolith_abi::elfnote::MOD_START_PFN, 1),
    ];
    kernels.iter().map(|kernel| seed(&kernel.build())).collect()
}

fn seed(kernel: &[u8]) -> Vec<u8> {
    let sizes = [0x2fff_u16, 5000, 20].map(u16::to_le_bytes);
    [sizes.as_flattened(), kernel].concat()
}
