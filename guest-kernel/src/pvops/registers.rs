//! Sets of registers, as records of sites and checks of the binary use them.

use core::fmt;

/// The names in the order of the processor's numbers, and the arithmetic flags behind them.
const NAMES: [&str; 17] = [
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
    "r14", "r15", "flags",
];

/// A set of general registers, and of the arithmetic flags as one more.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Registers(u32);

impl Registers {
    /// The arithmetic flags.
    pub const FLAGS: Self = Self(1 << 16);

    /// All of them, as where nothing comes back.
    pub const ALL: Self = Self((1 << 17) - 1);

    /// Returns the set of these numbers of bits: 0 to 15 as the processor counts, 16 for flags.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Returns the set as bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Returns the set of the registers that have these names.
    ///
    /// # Panics
    ///
    /// If a name is not a register's; in a constant that is an error of the compiler.
    pub const fn named(names: &[&str]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < names.len() {
            bits |= 1 << number(names[index]);
            index += 1;
        }
        Self(bits)
    }

    /// Returns the registers of both sets.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the registers of this set that are not in the other.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns whether all of `other` are in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Returns the number of the register with this name, of 64 bits or of 32.
const fn number(name: &str) -> u32 {
    let mut number = 0;
    let mut index = 0;
    while index < NAMES.len() {
        if is_name_of(name.as_bytes(), NAMES[index].as_bytes()) {
            return number;
        }
        number += 1;
        index += 1;
    }
    panic!("no register has this name")
}

/// Returns whether `name` is a register's name, or that of its low half.
const fn is_name_of(name: &[u8], register: &[u8]) -> bool {
    if name.len() != register.len() {
        return false;
    }
    let mut index = 0;
    while index < name.len() {
        let is_half = index == 0 && name[0] == b'e' && register[0] == b'r';
        if name[index] != register[index] && !is_half {
            return false;
        }
        index += 1;
    }
    true
}

impl fmt::Display for Registers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for (number, name) in NAMES.iter().enumerate() {
            if self.0 & (1 << number) != 0 {
                write!(f, "{between}{name}")?;
                between = " ";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Registers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{self}]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbers_of_the_processor() {
        assert_eq!(Registers::named(&["rax"]).bits(), 1);
        assert_eq!(Registers::named(&["eax"]).bits(), 1);
        assert_eq!(Registers::named(&["rdi", "r8"]).bits(), 1 << 7 | 1 << 8);
        assert_eq!(Registers::named(&["flags"]), Registers::FLAGS);
        assert_eq!(Registers::named(&["r15", "rcx", "flags"]).to_string(), "rcx r15 flags");
    }

    #[test]
    #[should_panic(expected = "no register")]
    fn other_names_are_refused() {
        let _ = Registers::named(&["al"]);
    }

    #[test]
    fn sets_contain_their_parts() {
        let both = Registers::named(&["rax"]).union(Registers::FLAGS);
        assert!(both.contains(Registers::FLAGS) && both.contains(both));
        assert!(!Registers::FLAGS.contains(both));
        assert_eq!(both.without(Registers::FLAGS), Registers::named(&["rax"]));
    }
}
