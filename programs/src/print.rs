//! `print!` and `println!`: text to the console, gathered so that a line is one system call.

use core::fmt::{self, Write};

use crate::{calls, numbers::OUTPUT};

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 128;

struct Buffer {
    bytes: [u8; BUFFER_BYTES],
    used: usize,
}

impl Buffer {
    fn flush(&mut self) {
        // There is nobody to tell.
        let _ = calls::write(OUTPUT, &self.bytes[..self.used]);
        self.used = 0;
    }
}

impl Write for Buffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            if self.used == BUFFER_BYTES {
                self.flush();
            }
            self.bytes[self.used] = byte;
            self.used += 1;
        }
        Ok(())
    }
}

#[doc(hidden)]
pub fn print(arguments: fmt::Arguments<'_>) {
    let mut buffer = Buffer { bytes: [0; BUFFER_BYTES], used: 0 };
    // The buffer itself never fails.
    let _ = buffer.write_fmt(arguments);
    buffer.flush();
}

/// Prints to the console, as the macro of the standard library does.
#[macro_export]
macro_rules! print {
    ($($arguments:tt)*) => {
        $crate::print::print(::core::format_args!($($arguments)*))
    };
}

/// Prints to the console, with a line end.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($arguments:tt)*) => {
        $crate::print::print(::core::format_args!("{}\n", ::core::format_args!($($arguments)*)))
    };
}
