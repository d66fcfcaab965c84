//! Formatted output in pieces large enough to be worth a hypercall.

use core::fmt::{self, Write};

use crate::{irq::EventsOffLock, platform};

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 256;

/// Keeps one caller's text in one piece. Handlers of events print too.
static LOCK: EventsOffLock<()> = EventsOffLock::new(());

/// Text on its way to the console.
struct Buffer {
    bytes: [u8; BUFFER_BYTES],
    used: usize,
}

impl Buffer {
    const fn new() -> Self {
        Self { bytes: [0; BUFFER_BYTES], used: 0 }
    }

    fn flush(&mut self) {
        // Where there is no console there is nowhere to say so.
        let _ = (platform::current().write)(&self.bytes[..self.used]);
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

/// Prints what [`print!`](crate::print!) was given.
pub fn print(arguments: fmt::Arguments<'_>) {
    let _guard = LOCK.lock();
    print_unlocked(arguments);
}

/// Writes bytes, in one piece.
pub fn write(bytes: &[u8]) {
    let _guard = LOCK.lock();
    // Where there is no console there is nowhere to say so.
    let _ = (platform::current().write)(bytes);
}

/// Prints without waiting for anybody: for a kernel that is about to end.
pub fn print_unlocked(arguments: fmt::Arguments<'_>) {
    let mut buffer = Buffer::new();
    // The buffer itself never fails; a failing `Display` leaves what it has written so far.
    let _ = buffer.write_fmt(arguments);
    buffer.flush();
}
