//! What may be wrong with a request, in words for who ports a front end.

use super::SECTORS_IN_PAGE;
use crate::grant_table::Access;
use core::fmt;
use xenolith_abi::block::{RSP_EOPNOTSUPP, RSP_ERROR};
use xenolith_abi::grant::EntryV1;

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mistake {
    /// There is no such operation, or not here.
    Operation,
    /// An indirect request does something else than to read or write.
    IndirectOperation {
        /// What it does.
        operation: u8,
    },
    /// It has no segments, or too many.
    Segments {
        /// How many.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// A segment is no part of a page.
    Part {
        /// Its first sector.
        first: u8,
        /// Its last sector.
        last: u8,
    },
    /// It goes beyond the end of the disk.
    Range {
        /// The first sector.
        first: u64,
        /// How many.
        count: u64,
        /// How many the disk has.
        sectors: u64,
    },
    /// It writes, and the disk is read-only.
    ReadOnly,
    /// A grant does not permit what it is used for.
    Grant {
        /// Its number.
        reference: u32,
        /// What it is used for.
        access: Access,
        /// What it says, if there is such an entry.
        entry: Option<EntryV1>,
    },
    /// A granted frame is no memory, or none that may be written.
    Frame {
        /// The number of the grant.
        reference: u32,
        /// The frame.
        frame: u32,
    },
}

impl Mistake {
    /// Returns the status that the response has.
    pub(super) const fn status(self) -> i16 {
        if matches!(self, Self::Operation) { RSP_EOPNOTSUPP } else { RSP_ERROR }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Operation => write!(formatter, "the operation is not supported"),
            Self::IndirectOperation { operation } => {
                write!(formatter, "operation {operation} cannot be indirect")
            }
            Self::Segments { count, most } => {
                write!(formatter, "{count} segments; there may be 1 to {most}")
            }
            Self::Part { first, last } => write!(
                formatter,
                "a segment from sector {first} to {last} of a page, which has 0 to {}",
                SECTORS_IN_PAGE - 1
            ),
            Self::Range { first, count, sectors } => {
                write!(formatter, "{count} sectors from {first} on; the disk has {sectors}")
            }
            Self::ReadOnly => write!(formatter, "the disk is read-only"),
            Self::Grant { reference, entry: None, .. } => {
                write!(formatter, "grant {reference} is beyond the end of the table")
            }
            Self::Grant { reference, access, entry: Some(entry) } => {
                let verb = if access == Access::Read { "read" } else { "write" };
                write!(
                    formatter,
                    "grant {reference} does not let domain 0 {verb}: flags {:#x}, domain {}",
                    entry.flags, entry.domid
                )
            }
            Self::Frame { reference, frame } => {
                write!(formatter, "frame {frame:#x} of grant {reference} is no memory for that")
            }
        }
    }
}
