//! A few bytes of code that run in the kernel or in a process, until something ends them.
//!
//! Each ring has a page of code and a page of stack of its own in the window, so that the same bytes
//! can be tried in both and every word of the frame is known beforehand.

use xenolith_guest::{
    StartInfo,
    abi::{
        segment::{FLAT_USER_CS64, FLAT_USER_SS64},
        xenolith::{KERNEL_CS, KERNEL_SS},
    },
    entry::{Cause, Frame},
    hypercall::Errno,
    irq::Flags,
    probe::{Window, registers::Registers},
    traps, user,
    x86_64::{VirtAddr, structures::paging::PageTableFlags},
};

/// Where code runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ring {
    /// In the kernel.
    Kernel,
    /// In a process.
    User,
}

impl Ring {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Kernel, Self::User];

    /// Returns its code and stack selectors.
    pub fn selectors(self) -> (u16, u16) {
        match self {
            Self::Kernel => (KERNEL_CS, KERNEL_SS),
            Self::User => (FLAT_USER_CS64, FLAT_USER_SS64),
        }
    }

    /// Returns the page of its code; the one of its stack is next.
    const fn code_page(self) -> usize {
        match self {
            Self::Kernel => 0,
            Self::User => 2,
        }
    }

    fn page_flags(self) -> PageTableFlags {
        match self {
            Self::Kernel => Window::DATA,
            Self::User => Window::DATA | PageTableFlags::USER_ACCESSIBLE,
        }
    }
}

/// INT3, with which what has gone through ends.
const INT3: u8 = 0xcc;
const PAGE: usize = 4096;

/// The pages for code of both rings.
#[derive(Debug)]
pub struct Stage {
    /// The window; pages from [`Self::FREE`] on are the scenario's.
    pub window: Window,
}

impl Stage {
    /// The first page of the window that is free.
    pub const FREE: usize = 4;

    /// Maps the pages, and has exceptions and system calls come to the kernel.
    ///
    /// # Errors
    ///
    /// The hypervisor's.
    pub fn build(start: &StartInfo) -> Result<Self, Errno> {
        let mut window = Window::take(start);
        for ring in Ring::ALL {
            for page in [ring.code_page(), ring.code_page() + 1] {
                window.map(page, window.own_frame(page), ring.page_flags());
            }
        }
        traps::install()?;
        user::install()?;
        Ok(Self { window })
    }

    /// Returns the address of the first byte of a page.
    pub fn page(&self, page: usize) -> VirtAddr {
        self.window.address(page * PAGE)
    }

    /// Fills a free page with words, for both rings to read and write; returns its address.
    pub fn share(&mut self, page: usize, words: &[u64]) -> VirtAddr {
        self.window.map(page, self.window.own_frame(page), Ring::User.page_flags());
        for (index, word) in words.iter().enumerate() {
            self.window.write(page * PAGE + 8 * index, &word.to_le_bytes());
        }
        self.page(page)
    }

    /// Puts code in place, with INT3 behind it; returns registers, all different, that start it.
    pub fn load(&mut self, ring: Ring, code: &[u8], events: Flags) -> Frame {
        let page = ring.code_page();
        self.window.fill(page * PAGE, code.len() + 64, INT3);
        self.window.write(page * PAGE, code);
        let rip = self.page(page).as_u64();
        let (cs, ss) = ring.selectors();
        Frame {
            rip,
            cs: cs.into(),
            rflags: 2 | events.bits(),
            rsp: rip + 2 * PAGE as u64 - 64,
            ss: ss.into(),
            ..pattern(rip)
        }
    }
}

/// Returns a frame whose general registers all differ.
fn pattern(seed: u64) -> Frame {
    let r = Registers::pattern(seed);
    Frame {
        rax: r.rax,
        rbx: r.rbx,
        rcx: r.rcx,
        rdx: r.rdx,
        rsi: r.rsi,
        rdi: r.rdi,
        rbp: r.rbp,
        r8: r.r8,
        r9: r.r9,
        r10: r.r10,
        r11: r.r11,
        r12: r.r12,
        r13: r.r13,
        r14: r.r14,
        r15: r.r15,
        ..Frame::default()
    }
}

/// The resume flag, which faults set in the flags that they show.
const RF: u64 = 1 << 16;

/// Returns the frame that an exception must show: all of `start` but the instruction pointer and
/// what the hypervisor adds. The cause is that of `seen`; RF is left out.
pub fn expected(start: &Frame, seen: &Frame, rip: u64, error_code: u64) -> Frame {
    let mask = u64::from(!start.events().is_enabled());
    Frame { cause: seen.cause, rip, error_code, cs: mask << 32 | start.cs, ..*start }
}

/// Returns `frame` without the resume flag.
pub fn without_resume_flag(frame: &Frame) -> Frame {
    Frame { rflags: frame.rflags & !RF, ..*frame }
}

/// Returns the cause of a vector.
pub const fn exception(vector: u8) -> Cause {
    Cause::Exception(xenolith_guest::entry::Vector(vector))
}
