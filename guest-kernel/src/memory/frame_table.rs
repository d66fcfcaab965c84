//! Which frames are free, and how many users each of the others has.
//!
//! One word per frame: of a free one the next free one, of any other the number of its users. So
//! taking and giving back take the same few steps whatever has been before.

/// Bit of a word: the frame is free.
const FREE: u32 = 1 << 31;

/// In place of the next free frame: there is none.
const END: u32 = FREE - 1;

/// The accounts of a range of frames.
#[derive(Debug)]
pub struct FrameTable<'a> {
    words: &'a mut [u32],
    /// The frame of the first word.
    first: u64,
    /// The index that was given back last.
    head: u32,
    free: usize,
}

impl<'a> FrameTable<'a> {
    /// Returns the accounts of the frames from `first` on, one for each word; all are free, and the
    /// lowest come first.
    ///
    /// # Panics
    ///
    /// If there are 2^31 frames or more.
    pub fn new(words: &'a mut [u32], first: u64) -> Self {
        let end = u32::try_from(words.len()).ok().filter(|&end| end < END);
        let end = end.expect("memory has fewer than 2^31 frames");
        for (word, next) in words.iter_mut().zip(1..) {
            *word = FREE | if next == end { END } else { next };
        }
        Self { free: words.len(), head: if end == 0 { END } else { 0 }, words, first }
    }

    /// Returns how many frames are free.
    pub fn free(&self) -> usize {
        self.free
    }

    /// Takes a frame, which has one user.
    pub fn allocate(&mut self) -> Option<u64> {
        let index = self.head;
        let word = self.words.get_mut(usize::try_from(index).ok()?)?;
        debug_assert!(*word & FREE != 0, "frame {index} is in use and in the list");
        self.head = *word & !FREE;
        *word = 1;
        self.free -= 1;
        Some(self.first + u64::from(index))
    }

    /// Adds a user.
    ///
    /// # Panics
    ///
    /// If the frame is free or not one of these.
    pub fn share(&mut self, frame: u64) {
        *self.used(frame).1 += 1;
    }

    /// Returns how many users a frame has.
    ///
    /// # Panics
    ///
    /// As [`share`](Self::share).
    pub fn sharers(&mut self, frame: u64) -> u32 {
        *self.used(frame).1
    }

    /// Takes one user away; the frame is free behind the last one.
    ///
    /// # Panics
    ///
    /// As [`share`](Self::share).
    pub fn release(&mut self, frame: u64) {
        let head = self.head;
        let (index, word) = self.used(frame);
        *word -= 1;
        if *word == 0 {
            *word = FREE | head;
            self.head = index;
            self.free += 1;
        }
    }

    /// Returns the index and the word of a frame that is in use.
    fn used(&mut self, frame: u64) -> (u32, &mut u32) {
        let index = frame.checked_sub(self.first).and_then(|index| u32::try_from(index).ok());
        let index = index.expect("the frame is one of these");
        let word = usize::try_from(index).ok().and_then(|index| self.words.get_mut(index));
        let word = word.expect("the frame is one of these");
        assert!(*word & FREE == 0, "frame {frame:#x} is free");
        (index, word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_lowest_come_first_and_the_last_given_back_again() {
        let mut words = [0; 3];
        let mut table = FrameTable::new(&mut words, 100);
        assert_eq!([table.allocate(), table.allocate()], [Some(100), Some(101)]);
        table.release(100);
        assert_eq!(table.free(), 2);
        assert_eq!([100, 102].map(Some), [table.allocate(), table.allocate()]);
        assert_eq!((table.allocate(), table.free()), (None, 0));
    }

    #[test]
    fn no_frames_are_no_frames() {
        assert_eq!(FrameTable::new(&mut [], 7).allocate(), None);
    }

    #[test]
    #[should_panic(expected = "is free")]
    fn nothing_is_given_back_twice() {
        let mut words = [0; 2];
        let mut table = FrameTable::new(&mut words, 0);
        let frame = table.allocate().unwrap();
        table.release(frame);
        table.release(frame);
    }

    #[test]
    #[should_panic(expected = "one of these")]
    fn what_is_elsewhere_is_not_taken() {
        FrameTable::new(&mut [0; 2], 5).release(4);
    }

    proptest! {
        #[test]
        fn accounts_are_those_of_a_model(
            frames in 0..20_usize, steps in proptest::collection::vec((0..3, 0..20_usize), 0..200)
        ) {
            let mut words = vec![0; frames];
            let mut table = FrameTable::new(&mut words, 1000);
            let mut model = BTreeMap::<u64, u32>::new();
            for (step, which) in steps {
                let chosen = model.keys().nth(which).copied();
                match (step, chosen) {
                    (0, _) => {
                        let frame = table.allocate();
                        prop_assert_eq!(frame.is_none(), model.len() == frames);
                        if let Some(frame) = frame {
                            prop_assert_eq!(model.insert(frame, 1), None);
                        }
                    }
                    (1, Some(frame)) => {
                        table.share(frame);
                        *model.get_mut(&frame).unwrap() += 1;
                    }
                    (2, Some(frame)) => {
                        table.release(frame);
                        let users = model.get_mut(&frame).unwrap();
                        *users -= 1;
                        if *users == 0 {
                            model.remove(&frame);
                        }
                    }
                    _ => {}
                }
                prop_assert_eq!(table.free() + model.len(), frames);
                for (&frame, &users) in &model {
                    prop_assert_eq!(table.sharers(frame), users);
                }
            }
        }
    }
}
