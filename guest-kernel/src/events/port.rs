//! A port of an event channel, and where its bits are.

use core::fmt;

use xenolith_abi::event_channel::NR_CHANNELS_2L;

/// Bits in a word of the bitmaps.
pub(super) const WORD_BITS: u32 = 64;

/// Number of ports that two levels of bitmaps have room for.
pub const PORTS: u32 = NR_CHANNELS_2L;

/// The local end of an event channel (`evtchn_port_t`).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(transparent)]
pub struct Port(pub u32);

impl Port {
    /// Returns the port of a bit in a word of the bitmaps.
    pub(super) fn at(word: u32, bit: u32) -> Self {
        Self(word * WORD_BITS + bit)
    }

    /// Returns whether the bitmaps have a bit for the port.
    pub const fn is_valid(self) -> bool {
        self.0 < PORTS
    }

    /// Returns the port as an index into tables of ports.
    pub fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Returns the word of the bitmaps that holds the port's bits.
    pub const fn word(self) -> u32 {
        self.0 / WORD_BITS
    }

    /// Returns the port's bit in its word.
    pub const fn bit(self) -> u64 {
        1 << (self.0 % WORD_BITS)
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
