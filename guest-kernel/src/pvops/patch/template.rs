//! An alternative that is ready to be copied: as long as a site, the record's address in it.

use core::ops::Range;

use super::{Alternative, Fixup, LONGEST_NOP, Op, PatchError, Site, Sources, Text};

/// The most distances that one alternative has.
const DISTANCES: usize = 2;

/// Bytes of what a fixup is about.
const FIELD_BYTES: usize = 4;

/// Bytes that are written at once.
const WORD_BYTES: usize = 8;

/// Words of the longest site.
const WORDS: usize = Op::MAX_SITE_BYTES / WORD_BYTES;

/// Kernels are linked from here on: so far, distances fit into four bytes.
const LOWEST: u64 = 0xffff_ffff_8000_0000;

/// An alternative, padded with NOPs.
#[derive(Debug)]
pub(super) struct Template {
    /// The bytes, the last word as one that ends where they end.
    words: [u64; WORDS],
    length: usize,
    /// Distances to places outside: offsets, and what the address of the site is taken from.
    distances: [(u64, u64); DISTANCES],
    count: usize,
}

impl Template {
    /// Copies an alternative, puts the record's address in, and fills what is left with NOPs.
    pub(super) fn new(
        op: Op,
        alternative: &Alternative,
        sources: Sources<'_>,
        vcpu_record: u64,
        read: impl Fn(u64, &mut [u8]) -> bool,
    ) -> Result<Self, PatchError> {
        let (address, length) = (alternative.address, usize::from(alternative.length));
        let mut bytes = [0; Op::MAX_SITE_BYTES];
        let bytes = &mut bytes[..op.site_bytes()];
        let (own, rest) = bytes.split_at_mut_checked(length).ok_or(PatchError::TooLong(op))?;
        fetch(&read, address, own)?;
        let (mut distances, mut count) = ([(0, 0); DISTANCES], 0);
        for fixup in sources.fixups.iter().filter(|it| is_inside(it, alternative)) {
            let bad = PatchError::BadFixup(fixup.address);
            let offset = fixup.address - address;
            let field = own.get_mut(field(offset)).and_then(|it| it.as_mut_array()).ok_or(bad)?;
            match fixup.kind {
                Fixup::IN_RECORD => add(field, vcpu_record)?,
                Fixup::TO_OUTSIDE => {
                    let target = address.wrapping_add_signed(i32::from_le_bytes(*field).into());
                    *distances.get_mut(count).ok_or(bad)? = (offset, target);
                    count += 1;
                }
                _ => return Err(bad),
            }
        }
        pad(rest, sources.alternatives, &read)?;
        Ok(Self { words: words(bytes), length: bytes.len(), distances, count })
    }

    /// Writes sites up to the first of another kind; returns those from there on.
    pub(super) fn write<'a>(
        &self,
        kind: u16,
        sites: &'a [Site],
        text: &mut impl Text,
    ) -> Result<&'a [Site], PatchError> {
        // A loop of its own for each number of words: few instructions for each site.
        match self.length.div_ceil(WORD_BYTES) {
            1 => self.write_words::<1>(kind, sites, text),
            2 => self.write_words::<2>(kind, sites, text),
            3 => self.write_words::<3>(kind, sites, text),
            4 => self.write_words::<4>(kind, sites, text),
            _ => self.write_words::<WORDS>(kind, sites, text),
        }
    }

    fn write_words<'a, const N: usize>(
        &self,
        kind: u16,
        sites: &'a [Site],
        text: &mut impl Text,
    ) -> Result<&'a [Site], PatchError> {
        let words: [u64; N] = core::array::from_fn(|index| self.words[index]);
        let last = (self.length - WORD_BYTES) as u64;
        let distances = &self.distances[..self.count];
        for (index, site) in sites.iter().enumerate() {
            if site.kind() != kind {
                return Ok(&sites[index..]);
            }
            let at = site.address;
            if at < LOWEST {
                return Err(PatchError::TooFar(at));
            }
            for (index, word) in words.iter().enumerate() {
                let offset = ((index * WORD_BYTES) as u64).min(last);
                text.put_word(at.wrapping_add(offset), *word);
            }
            for (offset, target) in distances {
                let [b0, b1, b2, b3, ..] = target.wrapping_sub(at).to_le_bytes();
                let distance = u32::from_le_bytes([b0, b1, b2, b3]);
                text.put_distance(at.wrapping_add(*offset), distance);
            }
        }
        Ok(&[])
    }
}

/// Returns whether a fixup is about an alternative.
fn is_inside(fixup: &Fixup, alternative: &Alternative) -> bool {
    fixup.address.wrapping_sub(alternative.address) < u64::from(alternative.length)
}

/// The bytes of a fixup.
fn field(offset: u64) -> Range<usize> {
    let start = usize::try_from(offset).unwrap_or(Op::MAX_SITE_BYTES);
    start..start + FIELD_BYTES
}

/// Adds an address to a number of four bytes that the processor extends by its sign.
fn add(field: &mut [u8; FIELD_BYTES], address: u64) -> Result<(), PatchError> {
    let sum = i64::from(i32::from_le_bytes(*field)).wrapping_add(address.cast_signed());
    *field = i32::try_from(sum).map_err(|_| PatchError::TooFar(address))?.to_le_bytes();
    Ok(())
}

/// Returns bytes as words, the last of which ends where the bytes end.
fn words(bytes: &[u8]) -> [u64; WORDS] {
    let last = bytes.len() - WORD_BYTES;
    core::array::from_fn(|index| {
        let start = (index * WORD_BYTES).min(last);
        let word = bytes[start..].first_chunk().expect("eight bytes follow");
        u64::from_le_bytes(*word)
    })
}

/// Fills bytes with as few NOPs as there can be.
fn pad(
    bytes: &mut [u8],
    alternatives: &[Alternative],
    read: &impl Fn(u64, &mut [u8]) -> bool,
) -> Result<(), PatchError> {
    for part in bytes.chunks_mut(LONGEST_NOP) {
        let is_fit = |it: &&Alternative| it.is_nop() && usize::from(it.length) == part.len();
        let nop = alternatives.iter().find(is_fit).ok_or(PatchError::NoNop(part.len()))?;
        fetch(read, nop.address, part)?;
    }
    Ok(())
}

/// Reads instructions.
fn fetch(
    read: &impl Fn(u64, &mut [u8]) -> bool,
    address: u64,
    bytes: &mut [u8],
) -> Result<(), PatchError> {
    if read(address, bytes) { Ok(()) } else { Err(PatchError::Unreadable(address)) }
}
