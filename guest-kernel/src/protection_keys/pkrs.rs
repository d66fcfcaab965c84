//! Keys, and the register that says what may be done with pages that have them.
//!
//! ```text
//! bit 2n       pages with key n are not accessed
//! bit 2n + 1   pages with key n are not written
//! ```

use core::{
    fmt,
    sync::atomic::{AtomicU8, Ordering::Relaxed},
};

/// A key: one of 1 to 15.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Key(u8);

/// What may be done with the pages of a key. Instructions are fetched in any case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Nothing.
    None,
    /// Reading.
    Read,
    /// Reading and writing.
    Write,
}

/// Why there is no key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unavailable {
    /// The processor has none, or the hypervisor does not show them.
    NotOffered,
    /// All are taken.
    NoneLeft,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOffered => "there are no protection keys",
            Self::NoneLeft => "all protection keys are taken",
        })
    }
}

impl Key {
    /// The number of keys, with that of all pages that have no other.
    const COUNT: u8 = 16;

    /// Returns its number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Returns the bits of a page-table entry that name it.
    pub(crate) fn entry_bits(self) -> u64 {
        u64::from(self.0) << 59
    }

    const fn shift(self) -> u32 {
        2 * self.0 as u32
    }

    /// Takes the next key, of which `taken` counts those that are taken.
    pub(super) fn take(taken: &AtomicU8) -> Result<Self, Unavailable> {
        let next = |taken| (taken < Self::COUNT - 1).then_some(taken + 1);
        let before = taken.fetch_update(Relaxed, Relaxed, next);
        before.map(|before| Self(before + 1)).map_err(|_| Unavailable::NoneLeft)
    }
}

/// What may be done with the pages of each key: the register IA32_PKRS.
#[doc(alias = "IA32_PKRS")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pkrs(u32);

const NO_ACCESS: u32 = 1;
const NO_WRITE: u32 = 2;

impl Pkrs {
    /// The kernel's own: no access to pages of any key but 0.
    pub const DEFAULT: Self = Self(0x5555_5554);

    /// Returns the register of these bits.
    pub(crate) const fn of_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Returns the bits of the register.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Returns what may be done with the pages of a key.
    pub const fn access(self, key: Key) -> Access {
        let bits = self.0 >> key.shift();
        if bits & NO_ACCESS != 0 {
            Access::None
        } else if bits & NO_WRITE != 0 {
            Access::Read
        } else {
            Access::Write
        }
    }

    /// Returns the same with another access to the pages of a key.
    pub const fn with(self, key: Key, access: Access) -> Self {
        let bits = match access {
            Access::None => NO_ACCESS,
            Access::Read => NO_WRITE,
            Access::Write => 0,
        };
        Self(self.0 & !((NO_ACCESS | NO_WRITE) << key.shift()) | bits << key.shift())
    }
}

impl fmt::Display for Pkrs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<Key> {
        let taken = AtomicU8::new(0);
        core::iter::from_fn(|| Key::take(&taken).ok()).collect()
    }

    #[test]
    fn there_are_fifteen_keys() {
        let taken = AtomicU8::new(0);
        for number in 1..=15 {
            let key = Key::take(&taken).unwrap();
            assert_eq!(key.number(), number);
            assert_eq!(key.entry_bits(), u64::from(number) << 59);
        }
        for _ in 0..3 {
            assert_eq!(Key::take(&taken), Err(Unavailable::NoneLeft));
        }
    }

    #[test]
    fn nobody_has_access_at_first_but_to_ordinary_pages() {
        assert!(keys().into_iter().all(|key| Pkrs::DEFAULT.access(key) == Access::None));
        assert_eq!(Pkrs::DEFAULT.bits() & 3, 0);
    }

    #[test]
    fn keys_do_not_change_one_another() {
        for key in keys() {
            for access in [Access::Write, Access::Read, Access::None] {
                let changed = Pkrs::DEFAULT.with(key, access);
                assert_eq!(changed.access(key), access, "{key:?}");
                assert_eq!(changed.with(key, Access::None), Pkrs::DEFAULT, "{key:?} {access:?}");
                let all_open = Pkrs::of_bits(0).with(key, access);
                let others = keys().into_iter().filter(|&other| other != key);
                assert!(others.map(|it| all_open.access(it)).all(|it| it == Access::Write));
                assert_eq!(all_open.bits() & 3, 0, "ordinary pages");
            }
        }
    }

    #[test]
    fn bits_are_the_manuals() {
        let taken = AtomicU8::new(4);
        let key = Key::take(&taken).unwrap();
        assert_eq!(Pkrs::of_bits(0).with(key, Access::None).bits(), 1 << 10);
        assert_eq!(Pkrs::of_bits(0).with(key, Access::Read).bits(), 1 << 11);
        assert_eq!(Pkrs::of_bits(3 << 10).access(key), Access::None, "both bits");
    }
}
