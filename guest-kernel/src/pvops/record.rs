//! What the assembler records of sites, in sections that both the kernel and xtask read.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Op, Registers, World};

/// A site (sections `.pvops.sites.*`), as `site!` emits it.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct Site {
    /// Where it begins.
    pub address: u64,
    /// What the compiler was told that it changes ([`Registers`]).
    changes: u32,
    /// The operation's number.
    op: u8,
    /// Its length in bytes.
    pub length: u8,
    zero: u16,
}

const _: () = assert!(size_of::<Site>() == 16);

/// What sites of an operation can become (section `.pvops.alternatives`), as `alternative!` emits it;
/// or, by another number, a NOP.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct Alternative {
    /// Where its instructions begin.
    pub address: u64,
    /// The operation's number.
    op: u8,
    /// The worlds in which it is used, as bits.
    worlds: u8,
    /// Its length in bytes.
    pub length: u8,
    zero: [u8; 5],
}

const _: () = assert!(size_of::<Alternative>() == 16);

impl Alternative {
    #[cfg(test)]
    pub(super) const fn new(address: u64, op: u8, worlds: u8, length: u8) -> Self {
        Self { address, op, worlds, length, zero: [0; 5] }
    }

    /// Stands in the place of an operation's number for a NOP.
    pub(super) const NOP: u8 = 0xff;

    /// Returns the operation, unless this is a NOP or the record is broken.
    pub fn op(&self) -> Option<Op> {
        Op::of_number(self.op)
    }

    /// Returns whether this is a NOP, for what an alternative leaves of a site.
    pub const fn is_nop(&self) -> bool {
        self.op == Self::NOP
    }

    /// Returns whether it is used in a world.
    pub const fn is_of(&self, world: World) -> bool {
        self.worlds & (1 << world.number()) != 0
    }

    /// Returns whether it is used in no world, but tried by scenarios.
    pub const fn is_on_trial(&self) -> bool {
        self.worlds == 1 << World::ALL.len()
    }
}

/// Four bytes of an alternative that depend on more than its instructions (section `.pvops.fixups`).
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct Fixup {
    /// Where the bytes are.
    pub address: u64,
    /// What they are: [`IN_RECORD`](Self::IN_RECORD) or [`TO_OUTSIDE`](Self::TO_OUTSIDE).
    pub kind: u64,
}

impl Fixup {
    /// An offset into the record of the vCPU, which becomes an address.
    pub const IN_RECORD: u64 = 0;
    /// The distance from behind the bytes to a place outside.
    pub const TO_OUTSIDE: u64 = 1;
}

/// A function of the table (section `.pvops.functions`), as the tables of `native` and `xenolith` hold it.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct Function {
    /// Where it begins.
    pub address: u64,
    /// The operation's number.
    op: u8,
    /// The worlds whose function it is, as bits.
    worlds: u8,
    zero: [u8; 6],
}

const _: () = assert!(size_of::<Function>() == 16);

impl Function {
    /// Returns the operation, unless the record is broken.
    pub fn op(&self) -> Option<Op> {
        Op::of_number(self.op)
    }

    /// Returns whether it is the function of a world.
    pub const fn is_of(&self, world: World) -> bool {
        self.worlds & (1 << world.number()) != 0
    }
}

impl Site {
    #[cfg(test)]
    pub(super) const fn new(address: u64, op: u8, length: u8) -> Self {
        Self { address, changes: 0, op, length, zero: 0 }
    }

    /// Returns the operation, unless the record is broken.
    pub fn op(&self) -> Option<Op> {
        Op::of_number(self.op)
    }

    /// Returns what sites that are patched alike have in common.
    pub(super) const fn kind(&self) -> u16 {
        u16::from_le_bytes([self.op, self.length])
    }

    /// Returns what the compiler was told that the site changes.
    pub const fn changes(&self) -> Registers {
        Registers::from_bits(self.changes)
    }
}
