//! From the first instruction of a program to its main function.

use core::{arch::naked_asm, slice};

use crate::calls;

/// Names the main function of a program, of type `fn(&'static [u8]) -> u8`: it is given the
/// arguments and returns the status.
#[macro_export]
macro_rules! program {
    ($main:path) => {
        #[unsafe(export_name = "program_main")]
        fn program_main(arguments: &'static [u8]) -> u8 {
            let main: fn(&'static [u8]) -> u8 = $main;
            main(arguments)
        }
    };
}

unsafe extern "Rust" {
    /// The program's main function, exported by [`program!`](crate::program!).
    safe fn program_main(arguments: &'static [u8]) -> u8;
}

/// The first instructions, entered by the kernel with the arguments in RDI and RSI.
///
/// # Safety
///
/// Only the kernel enters here, once.
#[unsafe(naked)]
#[unsafe(export_name = "program_start")]
#[unsafe(link_section = ".text.start")]
pub unsafe extern "C" fn start() -> ! {
    naked_asm!("xor ebp, ebp", "call {run}", "ud2", run = sym run)
}

extern "C" fn run(arguments: *const u8, bytes: usize) -> ! {
    // SAFETY: the kernel has put so many bytes there, and nothing else uses them.
    let arguments = unsafe { slice::from_raw_parts(arguments, bytes) };
    calls::exit(program_main(arguments))
}
