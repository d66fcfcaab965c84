//! From records to the bytes of each site, in one world. It touches no memory but what it is given, so
//! that it runs on the host as well: `cargo xtask test sites` has it patch the linked kernel.

mod template;
#[cfg(test)]
mod tests;

use core::fmt;

use super::{
    Op, World,
    record::{Alternative, Fixup, Site},
};
use template::Template;

/// The length of the longest NOP that a kernel has to have.
pub(super) const LONGEST_NOP: usize = 9;

/// The text that sites are written to.
pub trait Text {
    /// Writes eight bytes of a site.
    fn put_word(&mut self, address: u64, word: u64);

    /// Writes the distance to a place outside, four bytes of a site.
    fn put_distance(&mut self, address: u64, distance: u32);
}

/// Why a site cannot be patched: the kernel was linked wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PatchError {
    /// A record names no operation.
    UnknownOp(u64),
    /// An operation has no alternative in this world, or two.
    NotOneAlternative(Op),
    /// An alternative is longer than sites of its operation.
    TooLong(Op),
    /// A site is not as long as those of its operation.
    WrongLength(u64),
    /// The instructions at this address cannot be read.
    Unreadable(u64),
    /// A fixup is unknown, or there are too many for one alternative.
    BadFixup(u64),
    /// An address does not fit into the four bytes of an instruction.
    TooFar(u64),
    /// There is no NOP of this length.
    NoNop(usize),
}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOp(at) => write!(f, "the record of {at:#x} names no operation"),
            Self::NotOneAlternative(op) => write!(f, "{} needs one alternative", op.name()),
            Self::TooLong(op) => write!(f, "the alternative of {} is too long", op.name()),
            Self::WrongLength(at) => write!(f, "the site at {at:#x} has another length"),
            Self::Unreadable(at) => write!(f, "there are no instructions at {at:#x}"),
            Self::BadFixup(at) => write!(f, "the fixup at {at:#x} makes no sense"),
            Self::TooFar(at) => write!(f, "{at:#x} is out of reach of an instruction"),
            Self::NoNop(length) => write!(f, "there is no NOP of {length} bytes"),
        }
    }
}

impl core::error::Error for PatchError {}

/// What is recorded beside sites.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// What sites can become, and NOPs.
    pub alternatives: &'a [Alternative],
    /// What depends on the place in alternatives.
    pub fixups: &'a [Fixup],
}

/// What each site becomes in one world.
#[derive(Debug)]
pub struct Patcher {
    templates: [Option<Template>; Op::COUNT],
}

impl Patcher {
    /// Prepares the alternatives of a world. `vcpu_record` is where the vCPU's record is, and `read`
    /// fills its second argument with the instructions at an address.
    ///
    /// # Errors
    ///
    /// If the records make no sense.
    pub fn new(
        world: World,
        sources: Sources<'_>,
        vcpu_record: u64,
        read: impl Fn(u64, &mut [u8]) -> bool,
    ) -> Result<Self, PatchError> {
        let mut templates = [const { None }; Op::COUNT];
        for alternative in sources.alternatives.iter().filter(|it| it.is_of(world)) {
            if alternative.is_nop() {
                continue;
            }
            let op = alternative.op().ok_or(PatchError::UnknownOp(alternative.address))?;
            let template = Template::new(op, alternative, sources, vcpu_record, &read)?;
            if templates[op.index()].replace(template).is_some() {
                return Err(PatchError::NotOneAlternative(op));
            }
        }
        Ok(Self { templates })
    }

    /// Writes sites; fast where those of an operation stand one behind the other.
    ///
    /// # Errors
    ///
    /// If a site is not like others of its operation, or has no alternative: those before it are
    /// written.
    pub fn patch(&self, sites: &[Site], text: &mut impl Text) -> Result<(), PatchError> {
        let mut rest = sites;
        while let Some(first) = rest.first() {
            rest = self.template(first)?.write(first.kind(), rest, text)?;
        }
        Ok(())
    }

    fn template(&self, site: &Site) -> Result<&Template, PatchError> {
        let op = site.op().ok_or(PatchError::UnknownOp(site.address))?;
        if usize::from(site.length) != op.site_bytes() {
            return Err(PatchError::WrongLength(site.address));
        }
        self.templates[op.index()].as_ref().ok_or(PatchError::NotOneAlternative(op))
    }
}
