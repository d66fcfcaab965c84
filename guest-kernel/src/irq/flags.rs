//! What `save_fl` returns and `restore_fl` takes.

/// A flags word, of which only [`IF`](Self::IF) has a meaning here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(transparent)]
pub struct Flags(u64);

impl Flags {
    /// Events are enabled (`X86_EFLAGS_IF`).
    pub const IF: Self = Self(1 << 9);

    /// Events are disabled.
    pub const DISABLED: Self = Self(0);

    /// Returns flags from a word that may have any bits set.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Returns the word.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Returns whether IF is set; no other bit matters.
    pub const fn is_enabled(self) -> bool {
        self.0 & Self::IF.0 != 0
    }
}
