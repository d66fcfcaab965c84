//! The registers of what was interrupted, as values.

use core::{fmt, mem::offset_of};

use crate::irq::Flags;

/// What was interrupted, and by what.
///
/// ```text
/// low    r15 ... rdi    pushed by our entry
///        cause          pushed by our entry
///        rcx, r11       pushed by the hypervisor; meaningless after SYSCALL
///        error_code     by the hypervisor, or zero by our entry
///        rip
///        cs             selector below, event mask in bits 32 to 39
///        rflags         IF is the inverse of the event mask
///        rsp
/// high   ss
/// ```
///
/// What a handler changes in the words up to `ss` is what continues, but the mask in `cs`: the new
/// mask follows from IF in `rflags`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(C)]
#[expect(missing_docs, reason = "the registers' own names")]
pub struct Frame {
    pub r15: u64,
    pub r14: u64,
    pub r13: u64,
    pub r12: u64,
    pub rbp: u64,
    pub rbx: u64,
    pub r10: u64,
    pub r9: u64,
    pub r8: u64,
    pub rax: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    /// The vector of an exception as a signed byte, or a number of the entry: see [`Self::cause`].
    pub cause: i64,
    pub rcx: u64,
    pub r11: u64,
    pub error_code: u64,
    pub rip: u64,
    pub cs: u64,
    pub rflags: u64,
    pub rsp: u64,
    pub ss: u64,
}

// The entries call Rust with the stack where the frame begins: aligned, as the hypervisor aligns
// the end of the frame.
const _: () = assert!(size_of::<Frame>().is_multiple_of(16));
const _: () = assert!(offset_of!(Frame, rdi) == 12 * 8);
const _: () = assert!(offset_of!(Frame, ss) == 21 * 8);

/// The number of an exception or software interrupt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(transparent)]
pub struct Vector(pub u8);

/// Why the kernel was entered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cause {
    /// An exception, or `int n`.
    Exception(Vector),
    /// An upcall: events wait.
    Event,
    /// SYSCALL in user mode.
    SystemCall,
    /// The non-maskable interrupt of a callback of its own.
    Nmi,
}

impl Cause {
    /// What our entries push for what is no vector.
    pub(crate) const EVENT: i64 = 0x100;
    pub(crate) const SYSTEM_CALL: i64 = 0x101;
    pub(crate) const NMI: i64 = 0x102;

    /// Returns the cause of the word that an entry pushed.
    pub(crate) const fn of(word: i64) -> Self {
        match word {
            Self::EVENT => Self::Event,
            Self::SYSTEM_CALL => Self::SystemCall,
            Self::NMI => Self::Nmi,
            vector => Self::Exception(Vector(vector.to_le_bytes()[0])),
        }
    }
}

/// The privilege level in a selector.
const RPL: u64 = 3;

impl Frame {
    /// All zeros.
    pub const ZERO: Self = Self {
        r15: 0,
        r14: 0,
        r13: 0,
        r12: 0,
        rbp: 0,
        rbx: 0,
        r10: 0,
        r9: 0,
        r8: 0,
        rax: 0,
        rdx: 0,
        rsi: 0,
        rdi: 0,
        cause: 0,
        rcx: 0,
        r11: 0,
        error_code: 0,
        rip: 0,
        cs: 0,
        rflags: 0,
        rsp: 0,
        ss: 0,
    };

    /// Returns why the kernel was entered.
    pub fn cause(&self) -> Cause {
        Cause::of(self.cause)
    }

    /// Returns whether user mode was interrupted.
    #[inline(always)]
    pub fn is_user(&self) -> bool {
        self.cs & RPL != 0
    }

    /// Returns the code selector without the mask.
    pub fn code_selector(&self) -> u16 {
        let [low, high, ..] = self.cs.to_le_bytes();
        u16::from_le_bytes([low, high])
    }

    /// Returns the event mask of what was interrupted, as the hypervisor saved it.
    pub fn saved_mask(&self) -> u8 {
        self.cs.to_le_bytes()[4]
    }

    /// Returns whether events were enabled in what was interrupted.
    #[inline(always)]
    pub fn events(&self) -> Flags {
        Flags::from_bits(self.rflags & Flags::IF.bits())
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rip, cs, rflags, rsp, ss, error_code, .. } = self;
        writeln!(f, "rip {rip:016x}  cs {cs:012x}  rflags {rflags:08x}")?;
        writeln!(f, "rsp {rsp:016x}  ss {ss:04x}  error code {error_code:x}")?;
        let rows = [
            [("rax", self.rax), ("rbx", self.rbx), ("rcx", self.rcx), ("rdx", self.rdx)],
            [("rsi", self.rsi), ("rdi", self.rdi), ("rbp", self.rbp), ("r8 ", self.r8)],
            [("r9 ", self.r9), ("r10", self.r10), ("r11", self.r11), ("r12", self.r12)],
        ];
        for row in rows {
            row.iter().try_for_each(|(name, value)| write!(f, "{name} {value:016x}  "))?;
            writeln!(f)?;
        }
        write!(f, "r13 {:016x}  r14 {:016x}  r15 {:016x}", self.r13, self.r14, self.r15)
    }
}
