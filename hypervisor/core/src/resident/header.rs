//! What the resident's binary says of itself, in its first bytes.

use super::CALLS;
use arrayvec::ArrayVec;

/// First bytes of the binary.
const MAGIC: &[u8; 8] = b"XLRESID1";
/// Ranges that can be restarted, at most.
const MAX_RESTARTS: usize = 24;
/// Ranges of instructions that may fault, at most.
const MAX_FIXUPS: usize = 24;

/// What to take back before a range is restarted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Undo(u32);

impl Undo {
    /// Returns by how many bytes the stack pointer has been moved up.
    pub const fn stack_bytes(self) -> u64 {
        (self.0 & 0xff) as u64
    }

    /// Returns whether the mode has been set to user.
    pub const fn mode(self) -> bool {
        self.0 & 0x100 != 0
    }

    /// Returns whether the flags that SYSCALL clears have been restored.
    pub const fn flags(self) -> bool {
        self.0 & 0x400 != 0
    }

    /// Returns whether GS has been swapped.
    pub const fn swapgs(self) -> bool {
        self.0 & 0x200 != 0
    }
}

/// Instructions between "no event is deliverable" and the way out. When an event arrives there the
/// question has to be asked again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Restart {
    /// Offset of the first instruction.
    pub start: u32,
    /// Offset behind the last one.
    pub end: u32,
    /// Where to go instead.
    pub target: u32,
    /// What to take back first.
    pub undo: Undo,
}

/// Instructions that use a guest's pointer or selector, and so may fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fixup {
    /// Offset of the first one.
    pub start: u32,
    /// Offset behind the last one.
    pub end: u32,
    /// Where to go instead, with registers as they were but for rcx and r11.
    pub target: u32,
}

/// Entries by way of a VMCALL, behind which the entry proper is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TracedEntries {
    /// Entry of SYSCALL.
    pub syscall: u32,
    /// Entry of SYSCALL while the guest serves an NMI.
    pub nmi_syscall: u32,
    /// Entry of SYSENTER.
    pub sysenter: u32,
    /// Entry of vector 0; that of vector n is [`Self::STRIDE`]` * n` further on.
    pub vectors: u32,
    /// The VMCALL in place of the event callback.
    pub event: u32,
}

impl TracedEntries {
    /// Bytes from one vector's entry to the next.
    pub const STRIDE: u32 = 8;
}

/// Offsets from the start of the code, and sizes, in bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Header {
    /// Bytes of code.
    pub text_bytes: u32,
    /// Entry of SYSCALL.
    pub syscall: u32,
    /// Entry of the injected vector.
    pub event: u32,
    /// Entry of vector 0; that of vector n is `n * vector_stride` further on.
    pub vectors: u32,
    /// Bytes from one vector's entry to the next.
    pub vector_stride: u32,
    /// The VMCALL that passes a hypercall on.
    pub hypercall: u32,
    /// The VMCALL that reports a fault in the resident itself.
    pub fault: u32,
    /// The VMCALL that reports a system call without a callback.
    pub no_callback: u32,
    /// The VMCALL that reports an event without a callback.
    pub no_event_callback: u32,
    /// Entry of SYSCALL while the guest serves an NMI.
    pub nmi_syscall: u32,
    /// The VMCALL that reports the `iret` hypercall with which that ends.
    pub nmi_iret: u32,
    /// Entry of SYSENTER.
    pub sysenter: u32,
    /// The IRETQs: of `iret` to the kernel and to a process, and behind a prefixed CPUID.
    pub returns: [u32; 3],
    /// Where the tail of hypercalls begins and ends.
    pub hypercall_tail: (u32, u32),
    /// The entries while a domain is traced.
    pub traced: TracedEntries,
    /// While the domain is traced, the VMCALL in place of its event callback.
    pub event_report: Option<u32>,
    /// Ranges to restart, ascending. None lies in another.
    pub restarts: ArrayVec<Restart, MAX_RESTARTS>,
    /// Ranges of instructions that may fault.
    pub fixups: ArrayVec<Fixup, MAX_FIXUPS>,
    /// Handlers of hypercalls, by number.
    pub calls: [u32; CALLS],
    /// Handlers of hypercalls in a list of calls, by number.
    pub listed_calls: [u32; CALLS],
}

/// The binary is not a resident.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HeaderError;

impl Header {
    /// Reads the header of `binary`.
    ///
    /// # Errors
    ///
    /// When it is not a resident, or an offset in it lies outside.
    pub fn read(binary: &[u8]) -> Result<Self, HeaderError> {
        let mut words = Words { bytes: binary.strip_prefix(MAGIC).ok_or(HeaderError)? };
        let text_bytes = words.next()?;
        let fits = u64::from(text_bytes) <= super::MAX_TEXT_BYTES;
        if !fits || crate::address::to_usize(u64::from(text_bytes)) != binary.len() {
            return Err(HeaderError);
        }
        let mut offset = || words.next().and_then(|o| inside(o, text_bytes));
        let [syscall, event, vectors] = [offset()?, offset()?, offset()?];
        let vector_stride = offset()?;
        let [hypercall, fault] = [offset()?, offset()?];
        let [no_callback, no_event_callback] = [offset()?, offset()?];
        let [nmi_syscall, nmi_iret, sysenter] = [offset()?, offset()?, offset()?];
        let returns = [offset()?, offset()?, offset()?];
        let hypercall_tail = (offset()?, offset()?);
        let traced = TracedEntries {
            syscall: offset()?,
            nmi_syscall: offset()?,
            sysenter: offset()?,
            vectors: offset()?,
            event: offset()?,
        };
        let count = offset()?;
        let mut restarts = ArrayVec::new();
        for _ in 0..count {
            let (start, end, target) = (offset()?, offset()?, offset()?);
            let undo = Undo(offset()?);
            let restart = Restart { start, end, target, undo };
            restarts.try_push(restart).map_err(|_| HeaderError)?;
        }
        restarts.sort_unstable_by_key(|restart: &Restart| restart.start);
        let mut calls = [[0; CALLS]; 2];
        for handler in calls.as_flattened_mut() {
            *handler = offset()?;
        }
        let [calls, listed_calls] = calls;
        let mut fixups = ArrayVec::new();
        for _ in 0..offset()? {
            let fixup = Fixup { start: offset()?, end: offset()?, target: offset()? };
            fixups.try_push(fixup).map_err(|_| HeaderError)?;
        }
        Ok(Self {
            text_bytes,
            syscall,
            event,
            vectors,
            vector_stride,
            hypercall,
            fault,
            no_callback,
            no_event_callback,
            nmi_syscall,
            nmi_iret,
            sysenter,
            returns,
            hypercall_tail,
            traced,
            event_report: None,
            restarts,
            fixups,
            calls,
            listed_calls,
        })
    }

    /// Has all entries of a domain lead to root first.
    pub const fn trace(&mut self) {
        self.syscall = self.traced.syscall;
        self.nmi_syscall = self.traced.nmi_syscall;
        self.sysenter = self.traced.sysenter;
        self.vectors = self.traced.vectors;
        self.vector_stride = TracedEntries::STRIDE;
        self.event_report = Some(self.traced.event);
    }

    /// Returns whether they do.
    #[inline]
    pub const fn is_traced(&self) -> bool {
        self.event_report.is_some()
    }

    /// Returns the range to restart in which `offset` lies, if it lies in one.
    pub fn restart_at(&self, offset: u64) -> Option<&Restart> {
        // Each event that comes in the resident is looked up.
        let behind = self.restarts.partition_point(|restart| u64::from(restart.start) <= offset);
        let restart = &self.restarts[behind.checked_sub(1)?];
        (offset < u64::from(restart.end)).then_some(restart)
    }
}

impl Header {
    /// Returns where to go on after the instruction at `offset` has met exception `vector`, if it
    /// is one that may, and the exception one that a bad pointer or selector raises.
    pub fn fixup_at(&self, offset: u64, vector: u8) -> Option<u32> {
        const SEGMENT_NOT_PRESENT: u8 = 11;
        const PAGE_FAULT: u8 = 14;
        const ALIGNMENT_CHECK: u8 = 17;
        let access = matches!(vector, SEGMENT_NOT_PRESENT..=PAGE_FAULT | ALIGNMENT_CHECK);
        let covers = |f: &&Fixup| (u64::from(f.start)..u64::from(f.end)).contains(&offset);
        self.fixups.iter().filter(|_| access).find(covers).map(|fixup| fixup.target)
    }
}

fn inside(offset: u32, text_bytes: u32) -> Result<u32, HeaderError> {
    if offset <= text_bytes { Ok(offset) } else { Err(HeaderError) }
}

struct Words<'a> {
    bytes: &'a [u8],
}

impl Words<'_> {
    fn next(&mut self) -> Result<u32, HeaderError> {
        let (word, rest) = self.bytes.split_first_chunk().ok_or(HeaderError)?;
        self.bytes = rest;
        Ok(u32::from_le_bytes(*word))
    }
}

#[cfg(any(test, feature = "fuzzing"))]
#[cfg_attr(not(test), allow(dead_code, reason = "tests use more of it than fuzzing"))]
impl Header {
    /// A header for tests: vectors from 0x300 on, 16 bytes each.
    pub(crate) fn example() -> Self {
        Self::read(&example_binary(&[])).expect("the tests' binary is a resident")
    }

    /// A range to restart, for tests.
    pub(crate) fn example_restart() -> Restart {
        Restart { start: 0x40, end: 0x48, target: 0x30, undo: Undo(0x320) }
    }
}

/// The binary of that header, with ranges to restart.
#[cfg(any(test, feature = "fuzzing"))]
fn example_binary(restarts: &[[u32; 4]]) -> Vec<u8> {
    let count = u32::try_from(restarts.len()).expect("few ranges");
    let mut words = vec![
        0x1000, 0x100, 0x200, 0x300, 16, 0x40, 0x50, 0x60, 0x64, 0x68, 0x6c, 0x6e, 0x70, 0x80,
        0x90, 0x10, 0x20, 0x510, 0x518, 0x520, 0x600, 0x528, count,
    ];
    words.extend(restarts.iter().flatten());
    words.extend((0..64).chain(100..164));
    words.extend([2, 0x90, 0x91, 0x98, 0xa0, 0xa4, 0xa8]);
    let mut bytes = MAGIC.to_vec();
    bytes.extend(words.iter().flat_map(|w| w.to_le_bytes()));
    bytes.resize(0x1000, 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read() {
        let header = Header::read(&example_binary(&[[0x40, 0x48, 0x30, 0x720]])).unwrap();
        assert_eq!((header.syscall, header.vectors, header.vector_stride), (0x100, 0x300, 16));
        assert_eq!((header.calls[0], header.calls[63]), (0, 63));
        assert_eq!((header.listed_calls[0], header.listed_calls[63]), (100, 163));
        assert_eq!(header.restart_at(0x3f), None);
        assert_eq!(header.restart_at(0x48), None);
        let restart = header.restart_at(0x47).unwrap();
        assert_eq!(restart.target, 0x30);
        assert_eq!(
            (restart.undo.stack_bytes(), restart.undo.mode(), restart.undo.swapgs()),
            (0x20, true, true)
        );
        assert!(restart.undo.flags());
    }

    #[test]
    fn entries_of_a_traced_domain_lead_to_root() {
        let mut header = Header::read(&example_binary(&[])).unwrap();
        assert_eq!(header.event_report, None);
        header.trace();
        assert_eq!((header.syscall, header.nmi_syscall, header.sysenter), (0x510, 0x518, 0x520));
        assert_eq!((header.vectors, header.vector_stride), (0x600, 8));
        assert_eq!(header.event_report, Some(0x528));
    }

    #[test]
    fn every_range_is_found_whatever_their_order() {
        let ranges =
            [[0x40, 0x48, 1, 0], [0x10, 0x20, 2, 0], [0x48, 0x49, 3, 0], [0x30, 0x31, 4, 0]];
        let header = Header::read(&example_binary(&ranges)).unwrap();
        for offset in 0..0x60 {
            let inside = |range: &&[u32; 4]| (range[0]..range[1]).contains(&offset);
            let want = ranges.iter().find(inside).map(|range| range[2]);
            let found = header.restart_at(offset.into()).map(|restart| restart.target);
            assert_eq!(found, want, "{offset:#x}");
        }
    }

    #[test]
    fn bad_pointers_and_selectors_go_on_elsewhere() {
        let header = Header::read(&example_binary(&[])).unwrap();
        for vector in [11, 12, 13, 14, 17] {
            assert_eq!(header.fixup_at(0x9f, vector), None);
            assert_eq!(header.fixup_at(0xa0, vector), Some(0xa8));
            assert_eq!(header.fixup_at(0xa3, vector), Some(0xa8));
            assert_eq!(header.fixup_at(0xa4, vector), None);
        }
        for vector in [0, 1, 2, 6, 8, 10, 15, 18, 255] {
            assert_eq!(header.fixup_at(0x90, vector), None, "vector {vector}");
        }
    }

    #[test]
    fn broken_binaries_are_refused() {
        let good = example_binary(&[[1, 2, 3, 4]]);
        assert!(Header::read(&good).is_ok());
        for broken in [
            Vec::new(),
            good[1..].to_vec(),
            good[..0x800].to_vec(),
            example_binary(&[[0x1001, 2, 3, 4]]),
            example_binary(&[[0, 1, 2, 3]; 25]),
        ] {
            assert_eq!(Header::read(&broken), Err(HeaderError));
        }
    }
}
