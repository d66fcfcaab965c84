//! A queue of bytes with an upper bound.

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

    /// Appends `bytes`, as many of them as fit.
    pub fn extend(&mut self, bytes: &[u8]) {
        let bytes = &bytes[..bytes.len().min(self.room())];
        let end = (self.start + self.len) % N;
        let (behind, in_front) = bytes.split_at(bytes.len().min(N - end));
        self.bytes[end..end + behind.len()].copy_from_slice(behind);
        self.bytes[..in_front.len()].copy_from_slice(in_front);
        self.len += bytes.len();
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
                if op == 0 {
                    let bytes = vec![byte; usize::from(byte % 10)];
                    queue.extend(&bytes);
                    model.extend(bytes.iter().take(7 - model.len()));
                } else if op < 4 {
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
}
