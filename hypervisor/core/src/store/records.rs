//! A list of pairs of texts, each with a number, in a bounded run of bytes.
//!
//! ```text
//! +0  u16  length of the first     +4  u8  the number     +5  the first
//! +2  u16  length of the second                               the second
//! ```

use super::error::Error;
use zerocopy::FromZeros;

const HEADER: usize = 5;

/// The list. All zeros is an empty one.
#[derive(Debug, FromZeros)]
pub(super) struct Records<const N: usize> {
    bytes: [u8; N],
    used: usize,
    count: usize,
}

/// One of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Record<'a> {
    /// The number.
    pub(super) number: u8,
    /// The first text.
    pub(super) first: &'a [u8],
    /// The second text.
    pub(super) second: &'a [u8],
}

impl<const N: usize> Records<N> {
    /// Returns how many records there are.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Returns whether a record with texts of `length` bytes in all fits.
    pub(super) const fn has_room(&self, length: usize) -> bool {
        self.used + HEADER + length <= N
    }

    /// Appends a record; returns where it is.
    ///
    /// # Errors
    ///
    /// When it does not fit.
    pub(super) fn push(&mut self, record: &Record<'_>) -> Result<usize, Error> {
        let Record { number, first, second } = *record;
        if !self.has_room(first.len() + second.len()) {
            return Err(Error::NoSpace);
        }
        let length = |text: &[u8]| u16::try_from(text.len()).map_err(|_| Error::NoSpace);
        let ([f0, f1], [s0, s1]) = (length(first)?.to_le_bytes(), length(second)?.to_le_bytes());
        let at = self.used;
        for part in [&[f0, f1, s0, s1, number][..], first, second] {
            self.bytes[self.used..][..part.len()].copy_from_slice(part);
            self.used += part.len();
        }
        self.count += 1;
        Ok(at)
    }

    /// Returns the record at `at`, and where the next one is; `None` at the end.
    pub(super) fn get(&self, at: usize) -> Option<(Record<'_>, usize)> {
        let (header, rest) = self.bytes[at..self.used].split_at_checked(HEADER)?;
        let length = |low: usize| usize::from(u16::from_le_bytes([header[low], header[low + 1]]));
        let (first, rest) = rest.split_at(length(0));
        let second = &rest[..length(2)];
        let end = at + HEADER + first.len() + second.len();
        Some((Record { number: header[4], first, second }, end))
    }

    /// Returns all of it, each with its place.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, Record<'_>)> {
        let mut next = 0;
        core::iter::from_fn(move || {
            let at = next;
            let (record, end) = self.get(at)?;
            next = end;
            Some((at, record))
        })
    }

    /// Removes the record at `at`, where one is.
    pub(super) fn remove(&mut self, at: usize) {
        let Some((_, end)) = self.get(at) else { return };
        self.bytes.copy_within(end..self.used, at);
        self.used -= end - at;
        self.count -= 1;
    }

    /// Removes everything.
    pub(super) const fn clear(&mut self) {
        (self.used, self.count) = (0, 0);
    }

    /// Makes it the same as `other`.
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.bytes[..other.used].copy_from_slice(&other.bytes[..other.used]);
        (self.used, self.count) = (other.used, other.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record<'a>(number: u8, first: &'a str, second: &'a str) -> Record<'a> {
        Record { number, first: first.as_bytes(), second: second.as_bytes() }
    }

    #[test]
    fn what_was_put_in_is_there_in_order() {
        let mut records = Records::<64>::new_zeroed();
        let all = [record(1, "a", ""), record(0, "", "bc"), record(255, "def", "g")];
        let places: Vec<usize> = all.iter().map(|it| records.push(it).unwrap()).collect();
        assert_eq!(
            records.iter().collect::<Vec<_>>(),
            places.into_iter().zip(all).collect::<Vec<_>>()
        );
        records.remove(6);
        assert_eq!(records.iter().map(|(_, it)| it).collect::<Vec<_>>(), [all[0], all[2]]);
        assert_eq!(records.count(), 2);
        records.clear();
        assert!(records.count() == 0 && records.has_room(59) && !records.has_room(60));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut records = Records::<16>::new_zeroed();
        assert_eq!(records.push(&record(0, "123456", "123456")), Err(Error::NoSpace));
        assert_eq!(records.push(&record(0, "123456", "12345")), Ok(0));
        assert_eq!(records.push(&record(0, "", "")), Err(Error::NoSpace));
        assert!(!records.has_room(0));
    }
}
