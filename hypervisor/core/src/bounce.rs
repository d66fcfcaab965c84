//! The frame that an entry into a guest kernel finds on its stack, built in software.
//!
//! The resident builds it for almost every entry. Root does for the rest: when the resident's own
//! return to the guest has failed.

use crate::resident::Trap;
use arrayvec::ArrayVec;
use xenolith_abi::guest_context::VGCF_IN_SYSCALL;
use xenolith_abi::trap::IretContext;
use xenolith_abi::xenolith::{KERNEL_CS, KERNEL_SS};

const IF: u64 = 1 << 9;
const IOPL: u64 = 3 << 12;
/// TF, NT, RF, VM, AC: not set while a handler starts.
const CLEARED_ON_ENTRY: u64 = 1 << 8 | 1 << 14 | 1 << 16 | 1 << 17 | 1 << 18;

/// Where and how the guest was interrupted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Interrupted {
    /// Instruction pointer.
    pub rip: u64,
    /// Code selector.
    pub cs: u16,
    /// Flags.
    pub rflags: u64,
    /// Stack pointer.
    pub rsp: u64,
    /// Stack selector.
    pub ss: u16,
    /// rcx.
    pub rcx: u64,
    /// r11.
    pub r11: u64,
}

/// The ring in a selector.
const RING: u64 = 3;

/// Returns the flags that a guest runs with when it asks for `rflags`: IF and bit 1 always, never VM,
/// VIF, VIP, IOPL and what is reserved.
pub const fn allowed_flags(rflags: u64) -> u64 {
    const KEPT: u64 = 0x25_4dd5;
    const SET: u64 = 0x202;
    rflags & KEPT | SET
}

impl Interrupted {
    /// Returns the target of an `iret` hypercall, interrupted before its first instruction, and the
    /// events' mask there.
    pub fn at_target(frame: &IretContext) -> (Self, u8) {
        let rflags = allowed_flags(frame.rflags);
        let mask = u8::from(frame.rflags & IF == 0);
        let at = Self {
            rip: frame.rip,
            cs: KERNEL_CS,
            rflags,
            rsp: frame.rsp,
            ss: KERNEL_SS,
            rcx: frame.rcx,
            r11: frame.r11,
        };
        if frame.cs & RING == 0 {
            return (at, mask);
        }
        let answers = frame.flags & VGCF_IN_SYSCALL != 0;
        let (rcx, r11) = if answers { (frame.rip, rflags) } else { (frame.rcx, frame.r11) };
        (Self { cs: low16(frame.cs), ss: low16(frame.ss | RING), rcx, r11, ..at }, mask)
    }

    /// Returns whether it was a process.
    pub const fn is_process(&self) -> bool {
        self.cs & 3 != 0
    }
}

/// Returns the low 16 bits of a word.
pub fn low16(word: u64) -> u16 {
    let [a, b, ..] = word.to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// An entry into the guest kernel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The words on the stack, lowest address first: rcx, r11, perhaps an error code, rip, cs with
    /// the mask above it, rflags with IF the opposite of the mask, rsp, ss.
    pub words: ArrayVec<u64, 8>,
    /// The stack pointer, which is where the words are.
    pub rsp: u64,
    /// The flags to start with.
    pub rflags: u64,
    /// The mask to start with.
    pub mask: u8,
}

/// Returns the entry into `trap`'s handler on the stack below `stack`, with `mask` the events'
/// mask until now.
pub fn enter(at: &Interrupted, stack: u64, mask: u8, error_code: Option<u32>, trap: Trap) -> Entry {
    let shown = (at.rflags & !(IF | IOPL)) | if mask == 0 { IF } else { 0 };
    let mut words = ArrayVec::new();
    words.extend([at.rcx, at.r11]);
    words.extend(error_code.map(u64::from));
    words.extend([at.rip, u64::from(at.cs) | u64::from(mask) << 32, shown, at.rsp]);
    words.push(u64::from(at.ss));
    let bytes = 8 * crate::address::to_u64(words.len());
    Entry {
        words,
        rsp: (stack & !0xf).wrapping_sub(bytes),
        rflags: at.rflags & !CLEARED_ON_ENTRY,
        mask: if trap.masks_events != 0 { 1 } else { mask },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Interrupted = Interrupted {
        rip: 0x1000,
        cs: 0x33,
        rflags: 0x3302,
        rsp: 0x8008,
        ss: 0x2b,
        rcx: 1,
        r11: 2,
    };

    #[test]
    fn frames_with_and_without_error_code() {
        let plain = enter(&AT, 0x9008, 0, None, Trap::new(1, 4));
        assert_eq!(plain.words[..], [1, 2, 0x1000, 0x33, 0x302, 0x8008, 0x2b]);
        assert_eq!((plain.rsp, plain.mask, plain.rflags), (0x9000 - 56, 1, 0x3202));
        let code = enter(&AT, 0x9000, 1, Some(0xd), Trap::new(1, 3));
        assert_eq!(code.words[..], [1, 2, 0xd, 0x1000, 0x1_0000_0033, 0x102, 0x8008, 0x2b]);
        assert_eq!((code.rsp, code.mask), (0x9000 - 64, 1));
    }

    #[test]
    fn targets_of_iret_are_what_the_resident_makes_of_them() {
        let frame = IretContext {
            rax: 1,
            r11: 2,
            rcx: 3,
            flags: VGCF_IN_SYSCALL,
            rip: 4,
            cs: 0xffff_e030,
            rflags: 0x3_7302,
            rsp: 5,
            ss: 0,
        };
        let (kernel, mask) = Interrupted::at_target(&frame);
        assert_eq!((kernel.cs, kernel.ss, mask), (KERNEL_CS, KERNEL_SS, 0));
        assert_eq!((kernel.rcx, kernel.r11, kernel.rflags), (3, 2, 0x1_4302));
        let process = IretContext { cs: 0x7_0033, ss: 0x28, rflags: 0, ..frame };
        let (at, mask) = Interrupted::at_target(&process);
        assert_eq!((at.cs, at.ss, at.rflags, mask), (0x33, 0x2b, 0x202, 1));
        assert_eq!((at.rcx, at.r11, at.rip, at.rsp), (4, 0x202, 4, 5));
        let (at, _) = Interrupted::at_target(&IretContext { flags: 0, ..process });
        assert_eq!((at.rcx, at.r11), (3, 2));
        assert!(at.is_process() && !kernel.is_process());
    }

    #[test]
    fn the_whole_mask_byte_is_kept() {
        let odd = enter(&AT, 0, 0x80, None, Trap::default());
        assert_eq!((odd.words[3] >> 32, odd.words[4] & IF, odd.mask), (0x80, 0, 0x80));
        assert_eq!(odd.rsp, 0u64.wrapping_sub(56), "a wild stack pointer is the guest's trouble");
    }
}
