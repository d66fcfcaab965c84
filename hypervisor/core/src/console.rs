//! Queues between a domain's console calls and the line.
//!
//! Both are bounded: a writer that finds no [`ConsoleQueues::room`] has to try again later, input
//! that nobody reads is dropped when the queue is full.

mod queue;

pub use self::queue::ByteQueue;

/// Bytes that wait for the line.
pub const OUTPUT_BYTES: usize = 8192;
/// Bytes that wait for a reader.
pub const INPUT_BYTES: usize = 1024;

/// The queues of one console.
#[derive(Clone, Debug, Default)]
pub struct ConsoleQueues {
    /// To the line.
    pub output: ByteQueue<OUTPUT_BYTES>,
    /// From the line.
    pub input: ByteQueue<INPUT_BYTES>,
    in_line: bool,
}

impl ConsoleQueues {
    /// Makes empty queues.
    pub const fn new() -> Self {
        Self { output: ByteQueue::new(), input: ByteQueue::new(), in_line: false }
    }

    /// Returns whether the last byte written did not end a line.
    pub const fn in_line(&self) -> bool {
        self.in_line
    }

    /// Returns how many bytes [`Self::write`] takes for certain: a line end needs two places.
    pub const fn room(&self) -> usize {
        self.output.room() / 2
    }

    /// Queues `text`, line ends with a carriage return before them. The caller asked
    /// [`Self::room`]; what does not fit is dropped.
    pub fn write(&mut self, text: &[u8]) {
        for &byte in text {
            if byte == b'\n' {
                self.output.push(b'\r');
            }
            self.output.push(byte);
            self.in_line = byte != b'\n';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_get_a_carriage_return() {
        let mut queues = ConsoleQueues::new();
        queues.write(b"a\nb");
        assert_eq!(queues.output.front(), b"a\r\nb");
        assert!(queues.in_line());
        queues.write(b"\n");
        assert!(!queues.in_line());
    }

    #[test]
    fn what_room_promises_fits() {
        let mut queues = ConsoleQueues::new();
        queues.write(&vec![b'\n'; queues.room()]);
        assert_eq!((queues.output.room(), queues.room()), (0, 0));
    }
}
