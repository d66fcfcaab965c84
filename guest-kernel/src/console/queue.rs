//! Typed bytes that wait for whoever reads them.

/// At most `N` bytes, first in, first out.
#[derive(Debug)]
pub(super) struct Queue<const N: usize> {
    bytes: [u8; N],
    first: usize,
    length: usize,
}

impl<const N: usize> Queue<N> {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; N], first: 0, length: 0 }
    }

    /// Returns how many more bytes there is room for.
    pub(super) const fn room(&self) -> usize {
        N - self.length
    }

    /// Adds bytes, as many as there is room for.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes.iter().take(self.room()) {
            self.bytes[(self.first + self.length) % N] = byte;
            self.length += 1;
        }
    }

    /// Takes the first byte.
    pub(super) fn pop(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.first).filter(|_| self.length != 0)?;
        self.first = (self.first + 1) % N;
        self.length -= 1;
        Some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in() {
        let mut queue = Queue::<4>::new();
        assert_eq!(queue.pop(), None);
        for round in 0..10 {
            queue.push(&[round, round + 1, round + 2]);
            assert_eq!(queue.room(), 1);
            let out: [_; 4] = std::array::from_fn(|_| queue.pop());
            assert_eq!(out, [Some(round), Some(round + 1), Some(round + 2), None]);
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_left_out() {
        let mut queue = Queue::<4>::new();
        queue.push(b"abcdef");
        assert_eq!(queue.room(), 0);
        let out: Vec<u8> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(out, b"abcd");
    }
}
