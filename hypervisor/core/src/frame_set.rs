//! Which frames of its memory a domain has, and which it has given back.
//!
//! A frame that was given back is dirty until it has been zeroed, and is not handed out before.
//! Extents are found without a search of the frames: for each size there is a bitmap of the blocks
//! that hold a free extent of it.
//!
//! ```text
//! words   free     a bit per frame: given back
//!         dirty    a bit per frame: given back and not zeroed yet
//!         fits     per order 0 to 9, a bit per block: an aligned free extent of 2^order frames
//!         soiled   a bit per block: a dirty frame
//! ```

use crate::address::{Gfn, to_u64, to_usize};

/// Frames of a block, which is as much as the largest extent.
const BLOCK: u64 = 512;
const BLOCK_WORDS: usize = 8;
/// The largest extent has 2 to this power frames; Xen lets ordinary domains have no larger ones.
pub const MAX_ORDER: u32 = 9;
const ORDERS: usize = MAX_ORDER as usize + 1;

/// The frames of one domain, numbered from 0.
#[derive(Debug)]
pub struct FrameSet {
    frames: u64,
    free_frames: u64,
    /// Free extents of each order.
    extents: [u64; ORDERS],
    free: &'static mut [u64],
    dirty: &'static mut [u64],
    fits: [&'static mut [u64]; ORDERS],
    soiled: &'static mut [u64],
}

fn blocks(frames: u64) -> u64 {
    frames.div_ceil(BLOCK)
}

impl FrameSet {
    /// Returns how many words the set of `frames` frames needs.
    pub const fn words(frames: u64) -> u64 {
        let blocks = frames.div_ceil(BLOCK);
        2 * blocks * to_u64(BLOCK_WORDS) + (to_u64(ORDERS) + 1) * blocks.div_ceil(64)
    }

    /// Makes the set of `frames` frames, of which the domain has all, in `words`: as many zeros as
    /// [`Self::words`] says.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    pub fn new(frames: u64, words: &'static mut [u64]) -> Self {
        let bits = to_usize(blocks(frames)) * BLOCK_WORDS;
        let (free, rest) = words.split_at_mut(bits);
        let (dirty, mut rest) = rest.split_at_mut(bits);
        let summary = to_usize(blocks(frames).div_ceil(64));
        let fits = core::array::from_fn(|_| {
            let (one, behind) = core::mem::take(&mut rest).split_at_mut(summary);
            rest = behind;
            one
        });
        Self {
            frames,
            free_frames: 0,
            extents: [0; ORDERS],
            free,
            dirty,
            fits,
            soiled: &mut rest[..summary],
        }
    }

    /// Returns how many frames the domain has.
    pub const fn owned(&self) -> u64 {
        self.frames - self.free_frames
    }

    /// Returns whether frame `gfn` is one of the domain's memory, whether it has it or not.
    pub const fn contains(&self, gfn: Gfn) -> bool {
        gfn.0 < self.frames
    }

    /// Returns whether the domain has frame `gfn`.
    pub fn owns(&self, gfn: Gfn) -> bool {
        gfn.0 < self.frames && !bit(self.free, gfn.0)
    }

    /// Returns whether frame `gfn` is one of the domain's memory that it has given back.
    #[inline]
    pub fn lacks(&self, gfn: Gfn) -> bool {
        self.free_frames != 0 && self.contains(gfn) && bit(self.free, gfn.0)
    }

    /// Returns how many of the `count` frames from `start` on the domain has, without a gap.
    pub fn owned_from(&self, start: Gfn, count: u64) -> u64 {
        let end = start.0.saturating_add(count).min(self.frames);
        let missing = words_with(start.0, end).find_map(|(index, bits)| {
            let free = self.free[index] & bits;
            (free != 0).then(|| to_u64(index) * 64 + u64::from(free.trailing_zeros()))
        });
        missing.unwrap_or(end).saturating_sub(start.0)
    }

    /// Finds the lowest free extent of 2^`order` frames. It may be dirty.
    pub fn find(&self, order: u32) -> Option<Gfn> {
        let block = first_bit(self.fits.get(to_usize(order.into()))?)?;
        let offset = extent(words_of(self.free, block), order)?;
        Some(Gfn(block * BLOCK + offset))
    }

    /// Takes frames away from the domain, which has them. They are not dirty: see [`Self::soil`].
    pub fn give(&mut self, start: Gfn, count: u64) {
        self.change(start, count, true);
        self.free_frames += count;
    }

    /// Gives free frames to the domain.
    pub fn take(&mut self, start: Gfn, count: u64) {
        self.change(start, count, false);
        self.free_frames -= count;
    }

    /// Notes that free frames have to be zeroed.
    pub fn soil(&mut self, start: Gfn, count: u64) {
        for (index, bits) in words_with(start.0, start.0 + count) {
            self.dirty[index] |= bits;
            set_bit(self.soiled, to_u64(index / BLOCK_WORDS), true);
        }
    }

    /// Returns a frame that has to be zeroed.
    pub fn dirty(&self) -> Option<Gfn> {
        let block = first_bit(self.soiled)?;
        let offset = first_bit(words_of(self.dirty, block))?;
        Some(Gfn(block * BLOCK + offset))
    }

    /// Notes that a dirty frame has been zeroed.
    pub fn clean(&mut self, gfn: Gfn) {
        set_bit(self.dirty, gfn.0, false);
        let block = gfn.0 / BLOCK;
        if words_of(self.dirty, block).iter().all(|word| *word == 0) {
            set_bit(self.soiled, block, false);
        }
    }

    /// Returns how many free extents of 2^`order` frames there are; `order` is at most
    /// [`MAX_ORDER`].
    pub fn count(&self, order: u32) -> u64 {
        self.extents[to_usize(order.into())]
    }

    /// Returns whether the domain has all frames of the extents of `count` frames that begin at
    /// `starts`, and none of them twice.
    pub fn owns_each(&mut self, starts: &[u64], count: u64) -> bool {
        match count {
            // There may be hundreds of small ones, and nothing is cut here.
            1 => self.sees_each(starts, 1, |start| (1 << (start % 64), 0)),
            2..=64 => {
                let bits = u64::MAX >> (64 - count);
                self.sees_each(starts, count, |start| {
                    let first = start % 64;
                    // Shifted twice: by 64 is not allowed.
                    (bits << first, bits >> 1 >> (63 - first))
                })
            }
            _ => self.sees_each_large(starts, count),
        }
    }

    /// [`Self::owns_each`] of extents that lie in two words, as `bits` says. Those that have been seen
    /// count as free meanwhile.
    #[inline]
    fn sees_each(&mut self, starts: &[u64], count: u64, bits: impl Fn(u64) -> (u64, u64)) -> bool {
        let Some(last) = self.frames.checked_sub(count) else { return starts.is_empty() };
        let mut seen = 0;
        for &start in starts.iter().take_while(|start| **start <= last) {
            let (low, high) = bits(start);
            let index = to_usize(start / 64);
            if self.free[index] & low != 0 || (high != 0 && self.free[index + 1] & high != 0) {
                break;
            }
            self.free[index] |= low;
            if high != 0 {
                self.free[index + 1] |= high;
            }
            seen += 1;
        }
        for &start in &starts[..seen] {
            let (low, high) = bits(start);
            let index = to_usize(start / 64);
            self.free[index] &= !low;
            if high != 0 {
                self.free[index + 1] &= !high;
            }
        }
        seen == starts.len()
    }

    /// [`Self::owns_each`] of extents of any size.
    fn sees_each_large(&mut self, starts: &[u64], count: u64) -> bool {
        let refused = starts.iter().position(|start| {
            let owned = self.owned_from(Gfn(*start), count) == count;
            if owned {
                self.mark(*start, count, true);
            }
            !owned
        });
        for start in &starts[..refused.unwrap_or(starts.len())] {
            self.mark(*start, count, false);
        }
        refused.is_none()
    }

    /// Sets or clears the bits of frames, and nothing else.
    #[inline]
    fn mark(&mut self, start: u64, count: u64, free: bool) {
        for (index, bits) in words_with(start, start + count) {
            let word = &mut self.free[index];
            *word = if free { *word | bits } else { *word & !bits };
        }
    }

    /// Changes frames, which are all in the other state, by the largest aligned extents.
    fn change(&mut self, start: Gfn, count: u64, free: bool) {
        let (mut at, end) = (start.0, start.0 + count);
        while at < end {
            let order = at.trailing_zeros().min((end - at).ilog2()).min(MAX_ORDER);
            self.change_extent(at, order, free);
            at += 1 << order;
        }
    }

    fn change_extent(&mut self, start: u64, order: u32, free: bool) {
        let block = start / BLOCK;
        if free {
            self.mark(start, 1 << order, true);
            let largest = self.largest_around(start, order);
            for (other, count) in (0..=largest).zip(&mut self.extents) {
                *count += 1 << order.saturating_sub(other);
            }
            let fits = self.fits.iter_mut().take(to_usize(largest.into()) + 1);
            fits.for_each(|fits| set_bit(fits, block, true));
        } else {
            let largest = self.largest_around(start, order);
            self.mark(start, 1 << order, false);
            for (other, count) in (0..=largest).zip(&mut self.extents) {
                *count -= 1 << order.saturating_sub(other);
            }
            self.search(block, largest);
        }
    }

    /// Finds out anew whether extents of orders up to `largest` fit a block, of which they did.
    fn search(&mut self, block: u64, largest: u32) {
        let words = words_of(self.free, block);
        let has_any = words.iter().any(|word| *word != 0);
        for (order, fits) in (0..=largest).zip(&mut self.fits) {
            set_bit(fits, block, has_any && extent(words, order).is_some());
        }
    }

    /// Returns the order of the largest free extent around the aligned one of `order`, which is free.
    fn largest_around(&self, start: u64, order: u32) -> u32 {
        let is_free = |order: &u32| {
            let size = 1 << order;
            let first = start & !(size - 1);
            words_with(first, first + size)
                .all(|(index, bits)| self.free.get(index).is_some_and(|word| word & bits == bits))
        };
        (order + 1..=MAX_ORDER).take_while(is_free).last().unwrap_or(order)
    }
}

/// Returns the words with the bits from `start` to `end`, and which of their bits these are.
fn words_with(start: u64, end: u64) -> impl Iterator<Item = (usize, u64)> {
    let mut at = start;
    core::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let (index, first) = (to_usize(at / 64), at % 64);
        let len = (64 - first).min(end - at);
        at += len;
        Some((index, (u64::MAX >> (64 - len)) << first))
    })
}

fn words_of(words: &[u64], block: u64) -> &[u64] {
    let first = to_usize(block) * BLOCK_WORDS;
    &words[first..first + BLOCK_WORDS]
}

fn bit(words: &[u64], number: u64) -> bool {
    words[to_usize(number / 64)] >> (number % 64) & 1 != 0
}

fn set_bit(words: &mut [u64], number: u64, value: bool) {
    let word = &mut words[to_usize(number / 64)];
    let mask = 1 << (number % 64);
    *word = if value { *word | mask } else { *word & !mask };
}

fn first_bit(words: &[u64]) -> Option<u64> {
    let index = words.iter().position(|word| *word != 0)?;
    Some(to_u64(index) * 64 + u64::from(words[index].trailing_zeros()))
}

/// Returns where the first aligned run of 2^`order` set bits begins.
fn extent(words: &[u64], order: u32) -> Option<u64> {
    let Some(span) = order.checked_sub(6) else {
        let starts = |(index, word): (usize, &u64)| {
            let starts = run_starts(*word, order);
            (starts != 0).then(|| to_u64(index) * 64 + u64::from(starts.trailing_zeros()))
        };
        return words.iter().enumerate().find_map(starts);
    };
    let span = 1 << span;
    let run = words.chunks_exact(span).position(|run| run.iter().all(|word| *word == u64::MAX))?;
    Some(to_u64(run * span) * 64)
}

/// Returns the bits of `word` at which an aligned run of 2^`order` set bits begins; `order` is
/// below 6.
fn run_starts(word: u64, order: u32) -> u64 {
    const ALIGNED: [u64; 6] = [
        u64::MAX,
        0x5555_5555_5555_5555,
        0x1111_1111_1111_1111,
        0x0101_0101_0101_0101,
        0x0001_0001_0001_0001,
        0x0000_0001_0000_0001,
    ];
    let starts = (0..order).fold(word, |runs, step| runs & (runs >> (1 << step)));
    starts & ALIGNED[to_usize(order.into())]
}

#[cfg(any(test, feature = "fuzzing"))]
impl FrameSet {
    /// The set of a domain of a test that has all of its `frames`.
    pub(crate) fn example(frames: u64) -> Self {
        let words = vec![0; to_usize(Self::words(frames))].leak();
        Self::new(frames, words)
    }
}

#[cfg(test)]
mod tests;
