//! Queues between a domain's console calls and the line.
//!
//! Both are bounded: a writer that finds no [`ConsoleQueues::room`] has to try again later, input
//! that nobody reads is dropped when the queue is full.

/// A first-in, first-out queue of at most `N` bytes.
#[derive(Clone, Debug)]
pub struct ByteQueue<const N: usize> {
    bytes: [u8; N],
    start: usize,
    len: usize,
}

impl<const N: usize> Default for ByteQueue<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> ByteQueue<N> {
    /// Makes an empty queue.
    pub const fn new() -> Self {
        Self { bytes: [0; N], start: 0, len: 0 }
    }

    /// Returns whether nothing is queued.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns how many bytes fit.
    pub const fn room(&self) -> usize {
        N - self.len
    }

    /// Appends `byte` unless the queue is full.
    pub fn push(&mut self, byte: u8) {
        if self.len < N {
            self.bytes[(self.start + self.len) % N] = byte;
            self.len += 1;
        }
    }

    /// Returns the longest run at the front that lies in one piece.
    pub fn front(&self) -> &[u8] {
        &self.bytes[self.start..N.min(self.start + self.len)]
    }

    /// Takes `count` bytes, or as many as there are, off the front.
    pub fn consume(&mut self, count: usize) {
        let count = count.min(self.len);
        self.start = (self.start + count) % N;
        self.len -= count;
    }

    /// Drops everything.
    pub const fn clear(&mut self) {
        self.len = 0;
    }
}

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
    use proptest::prelude::*;
    use std::collections::VecDeque;

    proptest! {
        #[test]
        fn queue_agrees_with_a_deque(ops in proptest::collection::vec((0usize..8, any::<u8>()), 0..200)) {
            let mut queue = ByteQueue::<7>::new();
            let mut model = VecDeque::new();
            for (op, byte) in ops {
                if op < 4 {
                    queue.push(byte);
                    if model.len() < 7 { model.push_back(byte); }
                } else {
                    queue.consume(op - 3);
                    for _ in 0..op - 3 { model.pop_front(); }
                }
                prop_assert_eq!(queue.room(), 7 - model.len());
                prop_assert_eq!(queue.is_empty(), model.is_empty());
                let front = queue.front();
                prop_assert_eq!(front.is_empty(), model.is_empty());
                prop_assert!(front.iter().eq(model.iter().take(front.len())));
            }
        }
    }

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
