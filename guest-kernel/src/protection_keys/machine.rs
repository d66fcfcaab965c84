//! The register itself: turned on at boot, taken away by entries, changed with tasks.

use core::{
    arch::asm,
    sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::Relaxed},
};

use x86_64::registers::control::{Cr4, Cr4Flags};

use super::{Access, Key, Pkrs, Unavailable};
use crate::{cpuid, pt_regs::ArchState};

/// The number of the register.
const IA32_PKRS: u32 = 0x6e1;

/// Whether they are turned on. Written at boot only.
#[unsafe(link_section = ".ro_after_boot")]
static IS_OFFERED: AtomicBool = AtomicBool::new(false);

/// How many keys are taken.
static TAKEN: AtomicU8 = AtomicU8::new(0);

/// Turns them on where the processor has them; for the first instructions on bare hardware.
pub(crate) fn enable() {
    const LEAF: u32 = 7;
    const PKS: u32 = 1 << 31;
    if cpuid::read(0, 0).eax < LEAF || cpuid::read(LEAF, 0).ecx & PKS == 0 {
        return;
    }
    write(Pkrs::DEFAULT);
    // SAFETY: the processor has the bit, all pages have key 0, and that is open.
    unsafe { Cr4::update(|flags| flags.insert(Cr4Flags::PROTECTION_KEY_SUPERVISOR)) };
    IS_OFFERED.store(true, Relaxed);
}

/// Returns whether there are keys.
#[inline(always)]
pub fn is_offered() -> bool {
    IS_OFFERED.load(Relaxed)
}

/// Takes a key, for good: nobody could tell when the last page that has it is gone.
///
/// # Errors
///
/// If there are none, or none are left.
pub fn allocate() -> Result<Key, Unavailable> {
    if is_offered() { Key::take(&TAKEN) } else { Err(Unavailable::NotOffered) }
}

/// Returns what may be done with the pages of each key here and now; `None` where there are no keys.
pub fn current() -> Option<Pkrs> {
    is_offered().then(read)
}

impl Key {
    /// Sets what the running task may do with the pages of this key; in a handler, what may be done
    /// until its end.
    pub fn set_access(self, access: Access) {
        // There is a key, and so there is the register. Who comes in between puts back what it found.
        write(read().with(self, access));
    }

    /// Returns what the running task may do with the pages of this key; in a handler, what it may.
    pub fn access(self) -> Access {
        read().access(self)
    }
}

/// Reads the register, which must exist.
#[inline(always)]
fn read() -> Pkrs {
    let bits;
    // SAFETY: reading it changes nothing. Memory is not said to be left alone, so that accesses stay
    // on their side.
    unsafe {
        asm!("rdmsr", in("ecx") IA32_PKRS, out("eax") bits, out("edx") _,
            options(nostack, preserves_flags));
    }
    Pkrs::of_bits(bits)
}

/// Writes the register, which must exist.
#[inline(always)]
fn write(value: Pkrs) {
    // SAFETY: key 0 stays open in all values that there are, and whoever gives pages another has
    // promised that those who use them get by with what they are allowed.
    unsafe {
        asm!("wrmsr", in("ecx") IA32_PKRS, in("eax") value.bits(), in("edx") 0,
            options(nostack, preserves_flags));
    }
}

/// Keeps what was interrupted may do, and takes it away.
#[inline(always)]
pub(crate) fn enter(arch: &ArchState) {
    if is_offered() {
        let found = read();
        arch.save_pkrs(found);
        if found != Pkrs::DEFAULT {
            write(Pkrs::DEFAULT);
        }
    }
}

/// Gives it back.
#[inline(always)]
pub(crate) fn exit(arch: &ArchState) {
    if let Some(found) = arch.pkrs() {
        write(found);
    }
}

/// What a task may do, while it does not run.
#[derive(Debug)]
pub(crate) struct SavedPkrs(AtomicU32);

impl SavedPkrs {
    /// Returns that of a task that has not begun.
    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(Pkrs::DEFAULT.bits()))
    }

    /// Makes it that of a task that has not begun.
    pub(crate) fn reset(&self) {
        self.0.store(Pkrs::DEFAULT.bits(), Relaxed);
    }

    /// Changes from this task's to another's.
    #[inline(always)]
    pub(crate) fn change_to(&self, other: &Self) {
        if is_offered() {
            self.0.store(read().bits(), Relaxed);
            write(Pkrs::of_bits(other.0.load(Relaxed)));
        }
    }
}
