//! What a page fault of a process comes to: a page that is made, shared, copied, or refused.
//!
//! Pages of zeros are one frame for all until they are written; pages of a program's file are one
//! frame for all its processes, and stay so unless they are written. Such frames are mapped
//! read-only also where the region may be written: the write's fault makes the copy.

use super::regions::{Access, Backing, Region};

/// What the process tried to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Attempt {
    /// Load.
    Read,
    /// Store.
    Write,
    /// Fetch an instruction.
    Execute,
}

/// Bits of a page fault's error code (SDM 3A, "Page-Fault Exceptions").
const WRITE: u64 = 1 << 1;
const RESERVED: u64 = 1 << 3;
const FETCH: u64 = 1 << 4;

impl Attempt {
    /// Returns what an error code tells; `None` if the tables are wrong, not the process.
    pub const fn of(error_code: u64) -> Option<Self> {
        if error_code & RESERVED != 0 {
            None
        } else if error_code & FETCH != 0 {
            Some(Self::Execute)
        } else if error_code & WRITE != 0 {
            Some(Self::Write)
        } else {
            Some(Self::Read)
        }
    }
}

/// How the page is mapped now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mapped {
    /// Not at all.
    No,
    /// To a frame that others use as well, read-only.
    Shared,
    /// To a frame of its own.
    Alone {
        /// It can be written.
        writable: bool,
    },
}

/// What makes the access work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Remedy {
    /// Nothing: it works by now.
    Retry,
    /// Map the frame of zeros, read-only.
    ShareZeros,
    /// Map the frame of the program's file, read-only.
    ShareFile(usize),
    /// Map a fresh frame of zeros, writable.
    Zeros,
    /// Map a copy of the program's file, writable.
    CopyFile(usize),
    /// Map a copy of what is mapped, writable.
    CopyMapped,
    /// Make what is mapped writable.
    MakeWritable,
}

/// Why there is no remedy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// Nothing is there.
    Nothing,
    /// What is there cannot be written.
    NotWritable,
    /// What is there cannot be executed.
    NotExecutable,
}

impl Refusal {
    /// Returns it in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Nothing => "nothing is there",
            Self::NotWritable => "it cannot be written",
            Self::NotExecutable => "it cannot be executed",
        }
    }
}

/// Decides on an attempt at a page of `region`.
///
/// # Errors
///
/// If the process may not do that.
pub fn resolve(region: &Region, attempt: Attempt, mapped: Mapped) -> Result<Remedy, Refusal> {
    match (attempt, region.access) {
        (Attempt::Write, Access::Read | Access::Execute) => return Err(Refusal::NotWritable),
        (Attempt::Execute, Access::Read | Access::Write) => return Err(Refusal::NotExecutable),
        _ => {}
    }
    let writes = attempt == Attempt::Write;
    Ok(match (mapped, region.backing) {
        (Mapped::No, Backing::Segment(segment)) if writes => Remedy::CopyFile(segment),
        (Mapped::No, Backing::Segment(segment)) => Remedy::ShareFile(segment),
        (Mapped::No, Backing::Zero | Backing::Stack) if writes => Remedy::Zeros,
        (Mapped::No, Backing::Zero | Backing::Stack) => Remedy::ShareZeros,
        (Mapped::Shared, _) if writes => Remedy::CopyMapped,
        (Mapped::Alone { writable: false }, _) if writes => Remedy::MakeWritable,
        (Mapped::Shared | Mapped::Alone { .. }, _) => Remedy::Retry,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ATTEMPTS: [Attempt; 3] = [Attempt::Read, Attempt::Write, Attempt::Execute];
    const ACCESSES: [Access; 3] = [Access::Read, Access::Write, Access::Execute];

    fn region(access: Access, backing: Backing) -> Region {
        Region { pages: 0x1_0000..0x1_1000, access, backing }
    }

    #[test]
    fn error_codes_tell_what_was_tried() {
        for (error_code, attempt) in [
            (4, Some(Attempt::Read)),
            (5, Some(Attempt::Read)),
            (6, Some(Attempt::Write)),
            (7, Some(Attempt::Write)),
            (0x14, Some(Attempt::Execute)),
            (0x15, Some(Attempt::Execute)),
            (0xd, None),
        ] {
            assert_eq!(Attempt::of(error_code), attempt, "{error_code:#x}");
        }
    }

    #[test]
    fn a_region_allows_reading_and_what_it_says() {
        for attempt in ATTEMPTS {
            for access in ACCESSES {
                let answer = resolve(&region(access, Backing::Zero), attempt, Mapped::No);
                let wanted = match (attempt, access) {
                    (Attempt::Read, _) | (Attempt::Execute, Access::Execute) => {
                        Ok(Remedy::ShareZeros)
                    }
                    (Attempt::Write, Access::Write) => Ok(Remedy::Zeros),
                    (Attempt::Write, _) => Err(Refusal::NotWritable),
                    (Attempt::Execute, _) => Err(Refusal::NotExecutable),
                };
                assert_eq!(answer, wanted, "{attempt:?} {access:?}");
            }
        }
    }

    /// A page as a process sees it: its frame is one of these, or none.
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    enum Frame {
        Zeros,
        File,
        Own { writable: bool },
    }

    proptest! {
        /// Whatever a process does, in the end its access works, frames of others are never
        /// written, and what it reads is what it wrote.
        #[test]
        fn accesses_come_to_work_and_harm_nobody(
            file in any::<bool>(),
            stores in proptest::collection::vec((any::<bool>(), 1..9_u8), 1..9),
        ) {
            let backing = if file { Backing::Segment(3) } else { Backing::Stack };
            let region = region(Access::Write, backing);
            let (mut page, mut content, mut expected) = (None, 0_u8, if file { 99 } else { 0 });
            for (writes, value) in stores {
                let attempt = if writes { Attempt::Write } else { Attempt::Read };
                for round in 0.. {
                    prop_assert!(round < 2, "one fault is enough");
                    let works = match page {
                        None => false,
                        Some(Frame::Own { writable: true }) => true,
                        Some(_) => !writes,
                    };
                    if works {
                        break;
                    }
                    let mapped = match page {
                        None => Mapped::No,
                        Some(Frame::Own { writable }) => Mapped::Alone { writable },
                        Some(_) => Mapped::Shared,
                    };
                    let own = Some(Frame::Own { writable: true });
                    (page, content) = match resolve(&region, attempt, mapped).unwrap() {
                        Remedy::Retry => (page, content),
                        Remedy::ShareZeros => (Some(Frame::Zeros), 0),
                        Remedy::ShareFile(3) => (Some(Frame::File), 99),
                        Remedy::Zeros => (own, 0),
                        Remedy::CopyFile(3) => (own, 99),
                        Remedy::CopyMapped | Remedy::MakeWritable => (own, content),
                        other => panic!("{other:?}"),
                    };
                }
                prop_assert_eq!(content, expected);
                if writes {
                    prop_assert_eq!(page, Some(Frame::Own { writable: true }));
                    (content, expected) = (value, value);
                }
            }
        }
    }
}
