//! Segments of a local descriptor table: of data, which is read through, and of 32-bit code, from
//! which the kernel's timer interrupts again and again.

use std::arch::asm;
use std::ffi::c_void;
use std::num::NonZero;
use std::ptr::NonNull;

use nix::libc;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};

use crate::checks::Checks;
use crate::processes::end_of_child;

/// How a child ends that the kernel ends by SIGSEGV.
const SEGMENTATION_FAULT: i32 = 1000 + libc::SIGSEGV;

/// Selectors of the first two entries: of the local table, at the privilege of processes.
const DATA_SELECTOR: u16 = 0b111;
const CODE_SELECTOR: u16 = 0b1111;

/// What `modify_ldt` takes (`struct user_desc` in `asm/ldt.h`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Descriptor {
    entry: u32,
    base: u32,
    limit: u32,
    flags: u32,
}

impl Descriptor {
    const BITS_32: u32 = 1;
    const CODE: u32 = 2 << 1;
    const READ_ONLY: u32 = 1 << 3;
    const LIMIT_IN_PAGES: u32 = 1 << 4;
    const NOT_PRESENT: u32 = 1 << 5;

    /// Data of so many bytes.
    fn data(base: u32, bytes: u32) -> Self {
        Self { entry: 0, base, limit: bytes - 1, flags: Self::BITS_32 }
    }

    /// Code, anywhere in the lower 4 GiB.
    fn code() -> Self {
        let flags = Self::BITS_32 | Self::CODE | Self::LIMIT_IN_PAGES;
        Self { entry: 1, base: 0, limit: 0xf_ffff, flags }
    }

    /// Nothing, as which an entry is taken away.
    fn nothing() -> Self {
        Self { flags: Self::READ_ONLY | Self::NOT_PRESENT, ..Self::default() }
    }

    /// Puts it into its entry; returns whether the kernel does.
    fn is_taken(&self) -> bool {
        const WRITE: libc::c_int = 0x11;
        modify_ldt(WRITE, (&raw const *self).cast_mut().cast(), size_of::<Self>()) == 0
    }
}

/// Returns how many bytes the call has copied.
fn modify_ldt(operation: libc::c_int, at: *mut c_void, bytes: usize) -> libc::c_long {
    // SAFETY: all callers give memory of theirs that is so long; what segments do to the process is
    // their business.
    unsafe { libc::syscall(libc::SYS_modify_ldt, operation, at, bytes) }
}

/// Runs all, each in a process of its own.
pub(crate) fn run(checks: &mut Checks) {
    for (what, end, work) in [
        ("data is read through a selector", 1, data as fn() -> u8),
        ("an entry that is taken away cannot be loaded", SEGMENTATION_FAULT, removed),
        ("a child has its parent's table", 1, inherited),
        ("code of 32 bits is interrupted and goes on", 1, code),
        ("the kernel refuses 16-bit segments on Xen", 1, sixteen_bits),
    ] {
        let ended = end_of_child(work);
        checks.check(ended == end, &format!("local descriptors: {what}: {ended}"));
    }
}

/// A page of the lower 4 GiB, which can be executed.
fn low_page() -> NonNull<u64> {
    let size = NonZero::new(4096).expect("a page has bytes");
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE | ProtFlags::PROT_EXEC;
    let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_32BIT;
    // SAFETY: the kernel chooses a place where nothing is.
    unsafe { mmap_anonymous(None, size, access, flags) }.expect("there is memory").cast()
}

/// Writes the word that is read through selectors.
fn set(page: NonNull<u64>, value: u64) {
    // SAFETY: the page is the caller's, and has more than two words.
    unsafe { page.as_ptr().wrapping_add(1).write_volatile(value) };
}

fn low(at: NonNull<u64>) -> u32 {
    u32::try_from(at.addr().get()).expect("it is in the lower 4 GiB")
}

/// Puts a selector into GS, which 64-bit code of Linux does not use, and reads through it.
fn read_through(selector: u16) -> u64 {
    let value: u64;
    // SAFETY: if the selector cannot be loaded, or nothing is there, the process ends.
    unsafe {
        asm!("mov gs, {s:x}", "mov {v}, gs:[8]", s = in(reg) selector, v = out(reg) value,
            options(nostack));
    }
    value
}

/// Reads through GS while other processes run between, and finds what was installed.
fn data() -> u8 {
    let page = low_page();
    set(page, 0x5eed);
    if !Descriptor::data(low(page), 64).is_taken() {
        return 2;
    }
    let kept = (0..50).all(|round| {
        set(page, round);
        let first = read_through(DATA_SELECTOR);
        std::thread::sleep(std::time::Duration::from_millis(1));
        let again: u64;
        // SAFETY: as in `read_through`: nothing has changed the selector.
        unsafe { asm!("mov {}, gs:[8]", out(reg) again, options(nostack)) };
        (first, again) == (round, round)
    });
    u8::from(kept && is_installed(low(page)))
}

/// Whether the table, as the kernel tells it, has `base` in its first descriptor.
fn is_installed(base: u32) -> bool {
    let mut table = [0_u8; 64];
    if modify_ldt(0, table.as_mut_ptr().cast(), table.len()) < 8 {
        return false;
    }
    u32::from_le_bytes([table[2], table[3], table[4], table[7]]) == base
}

/// Ends by a signal when it loads what is not there any more.
fn removed() -> u8 {
    let page = low_page();
    if !Descriptor::data(low(page), 64).is_taken() {
        return 2;
    }
    read_through(DATA_SELECTOR);
    if !Descriptor::nothing().is_taken() {
        return 3;
    }
    read_through(DATA_SELECTOR);
    4
}

fn inherited() -> u8 {
    let page = low_page();
    set(page, 77);
    if !Descriptor::data(low(page), 64).is_taken() {
        return 2;
    }
    u8::from(end_of_child(|| u8::from(read_through(DATA_SELECTOR) == 77)) == 1)
}

/// Enters 32-bit code by a selector of the local table, counts there for some ticks, and comes back.
fn code() -> u8 {
    const ROUNDS: u32 = 5_000_000;
    const BACK: u32 = 0x80;
    const STACK: u32 = 0xff0;
    const SAVED_STACK: u32 = 0xf00;
    const RETURN: u32 = 0xf08;
    let page = low_page();
    let base = low(page);
    let selector: u32;
    // SAFETY: it reads a register.
    unsafe { asm!("mov {:e}, cs", out(reg) selector, options(nomem, nostack)) };
    // 32 bits: mov ecx, ROUNDS; dec ecx; jnz; push selector; push BACK; retf
    let mut program = vec![0xb9];
    program.extend(ROUNDS.to_le_bytes());
    program.extend([0x49, 0x75, 0xfd, 0x68]);
    program.extend(selector.to_le_bytes());
    program.push(0x68);
    program.extend((base + BACK).to_le_bytes());
    program.push(0xcb);
    program.resize(usize::try_from(BACK).expect("a small number"), 0x90);
    // 64 bits: mov rsp, [SAVED_STACK]; jmp [RETURN]
    program.extend([0x48, 0x8b, 0x24, 0x25]);
    program.extend((base + SAVED_STACK).to_le_bytes());
    program.extend([0xff, 0x24, 0x25]);
    program.extend((base + RETURN).to_le_bytes());
    // SAFETY: the page is this function's, and longer.
    unsafe { page.cast::<u8>().copy_from(NonNull::from(&program[..]).cast(), program.len()) };
    if !Descriptor::code().is_taken() {
        return 2;
    }
    let left: u32;
    // SAFETY: the program comes back with the stack that was saved, and changes ecx only; what 32-bit
    // code does not keep of the other registers is declared.
    unsafe {
        asm!("lea rax, [rip + 2f]", "mov [rdi + {back}], rax", "push rbx", "push rbp",
            "mov [rdi + {saved}], rsp", "lea rsp, [rdi + {stack}]", "push {selector}", "push rdi",
            "retfq", "2:", "pop rbp", "pop rbx",
            saved = const SAVED_STACK, back = const RETURN, stack = const STACK,
            selector = const CODE_SELECTOR, inout("rdi") page.as_ptr() => _, out("ecx") left,
            out("rax") _, out("rdx") _, out("rsi") _, out("r8") _, out("r9") _, out("r10") _,
            out("r11") _, out("r12") _, out("r13") _, out("r14") _, out("r15") _);
    }
    u8::from(left == 0)
}

/// Linux prevents that a return to a 16-bit stack shows a part of its own stack pointer, but not on
/// Xen: there it refuses such segments.
fn sixteen_bits() -> u8 {
    let page = low_page();
    let segment = Descriptor { flags: 0, ..Descriptor::data(low(page), 4096) };
    u8::from(!segment.is_taken())
}
