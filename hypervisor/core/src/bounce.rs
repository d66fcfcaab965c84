//! The frame that an entry into a guest kernel finds on its stack, built in software.
//!
//! The resident builds it for almost every entry. Root does for the rest: when the resident's own
//! return to the guest has failed.

use crate::resident::Trap;
use arrayvec::ArrayVec;
use xenolith_abi::trap::FLAG_MASK_EVENTS;

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
        mask: if trap.flags & u64::from(FLAG_MASK_EVENTS) != 0 { 1 } else { mask },
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
        let plain = enter(&AT, 0x9008, 0, None, Trap { handler: 1, flags: 4 });
        assert_eq!(plain.words[..], [1, 2, 0x1000, 0x33, 0x302, 0x8008, 0x2b]);
        assert_eq!((plain.rsp, plain.mask, plain.rflags), (0x9000 - 56, 1, 0x3202));
        let code = enter(&AT, 0x9000, 1, Some(0xd), Trap { handler: 1, flags: 3 });
        assert_eq!(code.words[..], [1, 2, 0xd, 0x1000, 0x1_0000_0033, 0x102, 0x8008, 0x2b]);
        assert_eq!((code.rsp, code.mask), (0x9000 - 64, 1));
    }

    #[test]
    fn the_whole_mask_byte_is_kept() {
        let odd = enter(&AT, 0, 0x80, None, Trap::default());
        assert_eq!((odd.words[3] >> 32, odd.words[4] & IF, odd.mask), (0x80, 0, 0x80));
        assert_eq!(odd.rsp, 0u64.wrapping_sub(56), "a wild stack pointer is the guest's trouble");
    }
}
