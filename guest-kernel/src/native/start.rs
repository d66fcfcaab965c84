//! From the first instruction to the kernel's main function, on bare hardware.

use core::{
    arch::{global_asm, naked_asm},
    fmt::Display,
};

use x86_64::{
    PhysAddr,
    registers::control::{Cr4, Cr4Flags},
};

use super::{acpi, apic, build, clock, gates, loader, pic, platform, power, segments, serial};
use crate::{
    cpuid, entry, hypercall, println, protection_keys,
    pvops::{self, World},
    shared_info,
    static_pages::StaticPages,
};

global_asm!(
    include_str!("entry.S"),
    pvh_magic = const crate::abi::hvm_start_info::MAGIC,
    tables = sym BOOT_TABLES,
    long_mode = sym long_mode,
    options(att_syntax),
);

unsafe extern "C" {
    /// The PVH entry at its physical address, for the note; not to be called. From link.ld.
    pub fn xenolith_guest_pvh_start_physical() -> !;
}

/// The page tables until ours are made: see `entry.S`.
static BOOT_TABLES: StaticPages<7> = StaticPages::new();

/// What the boot page tables map at 0; what the loader tells must lie below.
pub(super) const REACHABLE: PhysAddr = PhysAddr::new(4 << 30);

/// Arrives at the link address, and changes to the kernel's stack.
///
/// # Safety
///
/// Only `entry.S` jumps here, once.
#[unsafe(naked)]
unsafe extern "C" fn long_mode() -> ! {
    naked_asm!(
        "xor eax, eax",
        "mov ss, eax",
        "mov ds, eax",
        "mov es, eax",
        "mov fs, eax",
        "mov gs, eax",
        "lea rsp, [rip + {stack} + {stack_bytes}]",
        // An RBP of zero ends every chain of frames.
        "xor ebp, ebp",
        "call {start}",
        "ud2",
        stack = sym entry::BOOT_STACK,
        stack_bytes = const entry::BOOT_STACK_BYTES,
        start = sym start,
    )
}

/// Does what a domain builder does, and enters the kernel.
extern "C" fn start(magic: u32, info: u32) -> ! {
    pvops::init_unpatched(World::Native);
    crate::platform::set(&platform::PLATFORM);
    enable_xsave();
    protection_keys::enable();
    segments::load();
    gates::load();
    serial::init();
    // SAFETY: `entry.S` passes what the loader has passed, and maps memory below `REACHABLE`.
    let boot = match unsafe { loader::read(magic, PhysAddr::new(info.into())) } {
        Ok(boot) => boot,
        Err(error) => fail(error),
    };
    // SAFETY: the boot page tables are in use, and the root is the loader's.
    power::keep(unsafe { acpi::read(boot.acpi) });
    // SAFETY: the boot page tables are in use, and nothing the memory behind the image any more.
    let start = match unsafe { build::build(&boot) } {
        Ok(start) => start,
        Err(error) => fail(error),
    };
    hypercall::page::fill_with_refusals();
    shared_info::adopt();
    pvops::patch_sites(start.command_line());
    entry::protect(start);
    pic::init();
    apic::init(start);
    clock::init();
    platform::keep(boot.memory);
    entry::enter_main(start)
}

/// Lets XSAVE and XGETBV be used, where there are any: as a domain finds it.
fn enable_xsave() {
    const XSAVE: u32 = 1 << 26;
    if cpuid::read(1, 0).ecx & XSAVE != 0 {
        // SAFETY: the processor has the bit, and nothing depends on its absence.
        unsafe { Cr4::update(|flags| flags.insert(Cr4Flags::OSXSAVE)) };
    }
}

/// Ends the run where no kernel can be started.
fn fail(error: impl Display) -> ! {
    println!("cannot start: {error}");
    power::end(power::Verdict::BootError)
}
