//! What the assembler records of sites, in sections that both the kernel and xtask read.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Op, Registers, World};

/// A site (section `.pvops.sites`), as `site!` emits it.
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
    /// Returns the operation, unless the record is broken.
    pub fn op(&self) -> Option<Op> {
        Op::of_number(self.op)
    }

    /// Returns what the compiler was told that the site changes.
    pub const fn changes(&self) -> Registers {
        Registers::from_bits(self.changes)
    }
}
