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
        Self { frames, free_frames: 0, free, dirty, fits, soiled: &mut rest[..summary] }
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
        let owned = |i: &u64| start.0.checked_add(*i).is_some_and(|gfn| self.owns(Gfn(gfn)));
        (0..count).find(|i| !owned(i)).unwrap_or(count)
    }

    /// Finds the lowest free extent of 2^`order` frames. It may be dirty.
    pub fn find(&self, order: u32) -> Option<Gfn> {
        let block = first_bit(self.fits.get(to_usize(order.into()))?)?;
        let offset = extent(self.block(block), order)?;
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
        for gfn in start.0..start.0 + count {
            set_bit(self.dirty, gfn, true);
            set_bit(self.soiled, gfn / BLOCK, true);
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

    fn change(&mut self, start: Gfn, count: u64, free: bool) {
        for gfn in start.0..start.0 + count {
            set_bit(self.free, gfn, free);
        }
        for block in start.0 / BLOCK..blocks(start.0 + count) {
            let words = self.block(block);
            for (order, fits) in (0..).zip(&mut self.fits) {
                set_bit(fits, block, extent(words, order).is_some());
            }
        }
    }

    fn block(&self, block: u64) -> [u64; BLOCK_WORDS] {
        let words = words_of(self.free, block);
        core::array::from_fn(|i| words[i])
    }
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
fn extent(words: [u64; BLOCK_WORDS], order: u32) -> Option<u64> {
    let Some(span) = order.checked_sub(6) else {
        return first_bit(&words.map(|word| run_starts(word, order)));
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

#[cfg(test)]
pub(crate) mod tests;
