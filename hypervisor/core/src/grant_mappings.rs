//! The mappings of granted frames that a domain has made, by handle.
//!
//! How a grant is used is not counted apart, but found by looking through the mappings, of which
//! there are few.

use xenolith_abi::grant::{MAP_DEVICE_MAP, MAP_HOST_MAP, MAP_READONLY};

/// Mappings that a domain has at most; handles are below.
pub const MAX_MAPPINGS: usize = 512;

/// Uses of one kind that a grant may have at once, as on Xen.
const MAX_USES: u32 = 128;

/// For devices, or for the CPU: with neither flag there is no mapping.
const IN_USE: u32 = MAP_DEVICE_MAP | MAP_HOST_MAP;

/// A mapping of a granted frame.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Mapping {
    /// The frame, which an entry of the first version has 32 bits for.
    pub frame: u32,
    /// The number of the grant.
    pub reference: u16,
    /// What it is for and how it is named: the low half of the flags that it was made with.
    flags: u16,
}

impl Mapping {
    /// Makes one with the flags of a request.
    #[expect(clippy::cast_possible_truncation, reason = "the upper half is for the entry only")]
    pub const fn new(reference: u16, frame: u32, flags: u32) -> Self {
        Self { frame, reference, flags: flags as u16 }
    }

    /// Returns whether it has any of some flags.
    pub const fn has(&self, flags: u32) -> bool {
        self.flags as u32 & flags != 0
    }

    /// Returns it without some flags.
    pub const fn without(self, flags: u32) -> Self {
        Self::new(self.reference, self.frame, self.flags as u32 & !flags)
    }
}

/// How a grant is used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Uses {
    /// The frame, if the grant is used at all.
    pub frame: Option<u32>,
    /// Whether something may be written.
    pub writing: bool,
    /// Whether it is used as often as it may be, in one way or another.
    pub full: bool,
}

/// The mappings of one domain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GrantMappings {
    all: [Mapping; MAX_MAPPINGS],
    /// Those behind these have never been used.
    end: usize,
}

impl Default for GrantMappings {
    fn default() -> Self {
        Self::new()
    }
}

impl GrantMappings {
    /// Makes a table without mappings.
    pub const fn new() -> Self {
        Self { all: [Mapping::new(0, 0, 0); MAX_MAPPINGS], end: 0 }
    }

    /// Returns a handle that is not in use, the lowest.
    pub fn free_handle(&self) -> Option<u32> {
        let index = self.all[..self.end].iter().position(|mapping| !mapping.has(IN_USE));
        let index = index.unwrap_or(self.end);
        if index < MAX_MAPPINGS { u32::try_from(index).ok() } else { None }
    }

    /// Returns the mapping with a handle.
    pub fn find(&self, handle: u32) -> Option<Mapping> {
        let index = usize::try_from(handle).ok()?;
        let mapping = *self.all[..self.end].get(index)?;
        mapping.has(IN_USE).then_some(mapping)
    }

    /// Gives a handle, which is below [`MAX_MAPPINGS`], to a mapping; one that is for nothing frees it.
    pub fn set(&mut self, handle: u32, mapping: Mapping) {
        let index = usize::try_from(handle).unwrap_or(MAX_MAPPINGS);
        if let Some(slot) = self.all.get_mut(index) {
            *slot = mapping;
            self.end = self.end.max(index + 1);
        }
    }

    /// Returns how a grant is used.
    pub fn uses(&self, reference: u16) -> Uses {
        // Devices' and the CPU's, writing and reading.
        let mut counts = [0_u32; 4];
        let mut uses = Uses::default();
        let is_use = |it: &&Mapping| it.reference == reference && it.has(IN_USE);
        for mapping in self.all[..self.end].iter().filter(is_use) {
            let read_only = mapping.has(MAP_READONLY);
            uses.frame = Some(mapping.frame);
            uses.writing |= !read_only;
            let of_kind = &mut counts[usize::from(read_only) * 2..];
            for (count, flag) in of_kind.iter_mut().zip([MAP_DEVICE_MAP, MAP_HOST_MAP]) {
                *count += u32::from(mapping.has(flag));
            }
        }
        uses.full = counts.iter().any(|&count| count >= MAX_USES);
        uses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: u32 = MAP_HOST_MAP;
    const READING: u32 = MAP_HOST_MAP | MAP_READONLY;

    #[test]
    fn handles_are_used_again_and_bounded() {
        let mut mappings = GrantMappings::new();
        let mapping = Mapping::new(5, 105, HOST);
        for expected in 0..MAX_MAPPINGS {
            let handle = mappings.free_handle().unwrap();
            assert_eq!(usize::try_from(handle).unwrap(), expected);
            assert_eq!(mappings.find(handle), None);
            mappings.set(handle, mapping);
            assert_eq!(mappings.find(handle), Some(mapping));
        }
        assert_eq!(mappings.free_handle(), None);
        for handle in [512, 513, u32::MAX] {
            assert_eq!(mappings.find(handle), None);
        }
        mappings.set(17, mapping.without(HOST));
        assert_eq!((mappings.find(17), mappings.free_handle()), (None, Some(17)));
    }

    #[test]
    fn uses_are_those_of_the_grant() {
        let mut mappings = GrantMappings::new();
        assert_eq!(mappings.uses(0), Uses::default());
        mappings.set(0, Mapping::new(3, 103, READING));
        let reading = Uses { frame: Some(103), writing: false, full: false };
        assert_eq!(mappings.uses(3), reading);
        assert_eq!(mappings.uses(4), Uses::default());
        let writing = Mapping::new(3, 103, MAP_DEVICE_MAP);
        mappings.set(1, writing);
        assert_eq!(mappings.uses(3), Uses { writing: true, ..reading });
        mappings.set(1, writing.without(MAP_DEVICE_MAP));
        assert_eq!(mappings.uses(3), reading, "the writer is gone");
        for handle in 1..127 {
            mappings.set(handle, Mapping::new(3, 103, READING));
        }
        mappings.set(200, Mapping::new(3, 103, HOST));
        assert!(!mappings.uses(3).full);
        mappings.set(127, Mapping::new(3, 103, READING));
        assert!(mappings.uses(3).full);
    }
}
