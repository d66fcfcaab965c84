//! Who may read and write a node.
//!
//! The first entry names the owner, who may do both, and what everybody may whom no other entry
//! names. Domain 0, which is the hypervisor here, may do everything.

use super::error::Error;
use crate::address::DomId;
use arrayvec::{ArrayString, ArrayVec};
use core::fmt::Write;

/// The domain that may do everything.
pub(super) const PRIVILEGED: DomId = DomId(0);

/// Entries of a node, at most; as on Xen.
pub(super) const MAX_ENTRIES: usize = 5;

/// The right to read.
pub(super) const READ: u8 = 1;
/// The right to write.
pub(super) const WRITE: u8 = 2;

/// What one domain may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Entry {
    /// Whose right it is.
    pub(super) domain: DomId,
    /// [`READ`] and [`WRITE`].
    pub(super) rights: u8,
}

/// The entries of a node, at least one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Permissions(ArrayVec<Entry, MAX_ENTRIES>);

impl Permissions {
    /// Bytes of an entry in the tree.
    pub(super) const ENTRY_BYTES: usize = 3;

    /// Gives the node to `owner`, and `rights` to everybody.
    pub(super) fn owned(owner: DomId, rights: u8) -> Self {
        Self([Entry { domain: owner, rights }].into_iter().collect())
    }

    /// The same, with `rights` for one more domain.
    #[must_use]
    pub(super) fn and(mut self, domain: DomId, rights: u8) -> Self {
        self.0.push(Entry { domain, rights });
        self
    }

    /// Reads entries as messages have them: a letter and a number, ended by a NUL.
    ///
    /// # Errors
    ///
    /// When they are not well-formed, or too many.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Error> {
        let text = text.strip_suffix(b"\0").ok_or(Error::Invalid)?;
        let mut entries = ArrayVec::new();
        for entry in text.split(|byte| *byte == 0) {
            entries.try_push(Entry::parse(entry)?).map_err(|_| Error::NoSpace)?;
        }
        Ok(Self(entries))
    }

    /// Calls `show` with each entry as messages have it, without the NUL.
    pub(super) fn for_each_text(&self, mut show: impl FnMut(&str)) {
        for entry in &self.0 {
            show(&entry.text());
        }
    }

    /// Returns the owner.
    pub(super) fn owner(&self) -> DomId {
        self.0[0].domain
    }

    /// The same for a child that `creator` makes.
    #[must_use]
    pub(super) fn inherited(mut self, creator: DomId) -> Self {
        if creator != PRIVILEGED {
            self.0[0].domain = creator;
        }
        self
    }

    /// Returns whether `domain` has all of `rights`.
    pub(super) fn allow(&self, domain: DomId, rights: u8) -> bool {
        if domain == PRIVILEGED || domain == self.owner() {
            return true;
        }
        let own = self.0.iter().skip(1).find(|entry| entry.domain == domain);
        let rights_of = own.or(self.0.first()).map_or(0, |entry| entry.rights);
        rights_of & rights == rights
    }

    /// Returns how many entries there are.
    pub(super) fn count(&self) -> u8 {
        self.0.iter().fold(0, |count, _| count + 1)
    }

    /// Returns the bytes by which the tree keeps them.
    pub(super) fn bytes(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.iter().flat_map(|entry| {
            let [low, high] = entry.domain.0.to_le_bytes();
            [low, high, entry.rights]
        })
    }

    /// Makes entries from what [`Self::bytes`] gave.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let entries = bytes.as_chunks::<{ Self::ENTRY_BYTES }>().0.iter();
        let entry = |&[low, high, rights]: &[u8; 3]| Entry {
            domain: DomId(u16::from_le_bytes([low, high])),
            rights,
        };
        Self(entries.map(entry).collect())
    }
}

impl Entry {
    fn parse(text: &[u8]) -> Result<Self, Error> {
        let (letter, number) = text.split_first().ok_or(Error::Invalid)?;
        let rights = match letter {
            b'n' => 0,
            b'r' => READ,
            b'w' => WRITE,
            b'b' => READ | WRITE,
            _ => return Err(Error::Invalid),
        };
        number_of(number).map(|number| Self { domain: DomId(number), rights })
    }

    fn text(self) -> ArrayString<8> {
        let letter = match self.rights & (READ | WRITE) {
            0 => 'n',
            READ => 'r',
            WRITE => 'w',
            _ => 'b',
        };
        let mut text = ArrayString::new();
        write!(text, "{letter}{}", self.domain.0).expect("a number of 16 bits has five digits");
        text
    }
}

/// Reads a decimal number.
///
/// # Errors
///
/// When it is none, or too large.
pub(super) fn number_of<T: core::str::FromStr>(text: &[u8]) -> Result<T, Error> {
    if !text.first().is_some_and(u8::is_ascii_digit) {
        return Err(Error::Invalid);
    }
    let text = core::str::from_utf8(text).map_err(|_| Error::Invalid)?;
    text.parse().map_err(|_| Error::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_say_the_same() {
        let text = b"n0\0r1\0w65535\0b7\0";
        let permissions = Permissions::parse(text).unwrap();
        let mut again = Vec::new();
        permissions.for_each_text(|entry| again.extend(entry.bytes().chain([0])));
        assert_eq!(again, text);
        let bytes: Vec<u8> = permissions.bytes().collect();
        assert_eq!(Permissions::from_bytes(&bytes), permissions);
        assert_eq!(permissions.count(), 4);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [&b""[..], b"\0", b"n", b"n\0", b"x1\0", b"r1", b"r1\0\0", b"r-1\0", b"r+1\0"] {
            assert_eq!(Permissions::parse(text), Err(Error::Invalid), "{text:?}");
        }
        assert_eq!(Permissions::parse(b"r65536\0"), Err(Error::Invalid));
        assert_eq!(Permissions::parse(b"r1\0".repeat(6).as_slice()), Err(Error::NoSpace));
        assert!(Permissions::parse(b"r1\0".repeat(5).as_slice()).is_ok());
    }

    #[test]
    fn an_own_entry_counts_before_everybodys() {
        let permissions = Permissions::parse(b"r3\0n4\0b5\0").unwrap();
        for (domain, rights) in [(0, 3), (3, 3), (4, 0), (5, 3), (6, READ)] {
            for asked in [READ, WRITE, READ | WRITE] {
                let allowed = permissions.allow(DomId(domain), asked);
                assert_eq!(allowed, asked & rights == asked, "{domain} {asked}");
            }
        }
    }

    #[test]
    fn who_makes_a_child_owns_it() {
        let permissions = Permissions::parse(b"n0\0r1\0").unwrap();
        assert_eq!(permissions.clone().inherited(DomId(1)).owner(), DomId(1));
        assert_eq!(permissions.clone().inherited(PRIVILEGED), permissions);
    }
}
