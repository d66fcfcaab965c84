//! Kernels with notes MOD_START_PFN and INIT_P2M, as Linux has them: a module by frame number.
//!
//! The module then lies behind the boot mapping, where nothing maps it, with the frame list behind
//! it; its first frame must be exactly the one told, and its content whole.
//! Expected: the boot contract, and every byte that of the pattern, seen through a window.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::{
    boot_contract::{self, Module, P2m, Wanted},
    ramdisk,
};
use xenolith_guest::{
    StartInfo, check_eq, probe::Window, scenario::Checks, start_info, static_pages::PAGE_BYTES,
};

const LIST: u64 = 0x80_0000_0000;
const MODULE_BYTES: usize = 70_000;

xenolith_guest::scenario!(run, notes = [standard, init_p2m = LIST, mod_start_pfn]);

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let module = Module::ByFrame(MODULE_BYTES as u64);
    boot_contract::check(checks, start, &Wanted { pages: 16384, p2m: P2m::At(LIST), module });
    let start_info::Module::Unmapped { start: first, .. } = start.module() else {
        return checks.error(format_args!("the module is not told by frame"));
    };
    let mut window = Window::take(start);
    let mut wrong = 0;
    for at in 0..MODULE_BYTES {
        if at % PAGE_BYTES == 0 {
            window.map(0, first + at as u64, Window::DATA);
        }
        let [byte] = window.bytes(at % PAGE_BYTES);
        wrong += u32::from(byte != ramdisk::pattern_byte(at));
    }
    check_eq!(checks, wrong, 0, "wrong bytes");
}
