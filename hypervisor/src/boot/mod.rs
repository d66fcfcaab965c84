//! From the loader's hands to the hypervisor's own address space and stack.

mod error;
mod modules;
mod multiboot;
mod pvh;

use crate::acpi::SerialInterrupt;
use crate::memory::address_space::{self, AddressSpace};
use crate::memory::{IO_APIC, LOCAL_APIC, Memory, stacks};
use crate::{acpi, console, cpu, logger, power, run};
use arrayvec::{ArrayString, ArrayVec};
use core::arch::{asm, global_asm};
pub(crate) use error::BootError;
use log::{debug, info};
pub(crate) use modules::{DiskModule, Module, Modules};
use xenolith_core::address::Hpa;
use xenolith_core::frame_allocator::FrameAllocator;
use xenolith_core::memory_map::MemoryMap;
use xenolith_core::options::Options;

global_asm!(include_str!("entry.S"), options(att_syntax));

/// Longest command line, in bytes, that is passed on.
pub(crate) const COMMAND_LINE_BYTES: usize = 2048;
/// Modules that are looked at: a kernel, a ramdisk and a disk, and one that is too many.
const MAX_MODULES: usize = 4;
/// What `entry.S` maps; only memory below can be used before the address space is switched to.
const BOOT_MAPPED: Hpa = Hpa(4 << 30);

/// Where the ACPI tables start.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AcpiRoot {
    /// The loader gave the address of the root pointer.
    RootPointer(Hpa),
    /// The loader gave a copy of the root pointer, which names this RSDT or XSDT.
    RootTable {
        /// 0 for an RSDT, 2 or more for an XSDT.
        revision: u8,
        /// Address of the table.
        address: Hpa,
    },
    /// The loader said nothing: search where a BIOS puts it.
    Search,
}

/// What the loader tells.
#[derive(Debug)]
pub(crate) struct BootInfo {
    /// Name of the protocol.
    protocol: &'static str,
    /// The hypervisor's own options.
    command_line: ArrayString<COMMAND_LINE_BYTES>,
    memory: MemoryMap,
    modules: ArrayVec<Module, MAX_MODULES>,
    acpi: AcpiRoot,
}

/// What the rest of the hypervisor starts from.
#[derive(Debug)]
pub(crate) struct Machine {
    /// The options of the command line.
    pub(crate) options: Options,
    /// The kernel, and what belongs to it.
    pub(crate) modules: Modules,
    /// Free memory.
    pub(crate) memory: Memory,
    /// This CPU's stacks.
    pub(crate) stacks: stacks::StackTops,
    /// How the serial port's interrupt arrives.
    pub(crate) serial: Option<SerialInterrupt>,
}

unsafe extern "C" {
    /// The lowest part of the boot stack.
    static boot_stack: [u64; 512];
}

/// Where `entry.S` arrives: on the boot stack, under the boot page tables.
#[unsafe(no_mangle)]
extern "C" fn boot_start(magic: u32, info: u32) -> ! {
    console::init();
    logger::init();
    cpu::traps::load();
    info!("Xenolith {} ({})", env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_LICENSE"));
    // SAFETY: `entry.S` passes what the loader passed, and maps the lowest 4 GiB.
    let prepared = unsafe { prepare(magic, Hpa(u64::from(info))) };
    check_stack();
    match prepared {
        // SAFETY: the address space maps the image, the boot stack in it, and the new stack.
        Ok((mut machine, root)) => unsafe { switch(root, machine.stacks.main, &raw mut machine) },
        Err(error) => fail(error),
    }
}

/// Checks that the boot stack was never nearly used up: below it lie the tables that map it.
///
/// # Panics
///
/// When it was.
fn check_stack() {
    // SAFETY: `entry.S` reserves it, zeroed, and only the stack itself writes to it.
    let lowest = unsafe { (&raw const boot_stack).read_volatile() };
    assert!(lowest.iter().all(|word| *word == 0), "the boot stack is too small");
}

/// Reports that no domain can be started, and ends the run.
pub(crate) fn fail(error: BootError) -> ! {
    log::error!("cannot start: {error}");
    power::end(power::Verdict::BootError)
}

/// # Safety
///
/// The arguments must be the loader's and the lowest 4 GiB mapped at the direct map.
unsafe fn prepare(magic: u32, info: Hpa) -> Result<(Machine, Hpa), BootError> {
    let boot = match magic {
        // SAFETY: the caller guarantees that this is the loader's information, and mapped.
        multiboot2::MAGIC => unsafe { multiboot::read(info) }?,
        // SAFETY: as above.
        pvh::MAGIC => unsafe { pvh::read(info) }?,
        _ => return Err(BootError::UnknownLoader(magic)),
    };
    let options = Options::parse(&boot.command_line).map_err(BootError::option)?;
    logger::set_level(options.log);
    cpu::features::with_brand(|brand| info!("started by {} on {brand}", boot.protocol));
    for region in boot.memory.regions() {
        debug!("memory {} {:?}", region.range, region.kind);
    }
    let serial = acpi::report(boot.acpi);
    let mut ram = boot.memory.usable()?;
    let mut free = FrameAllocator::new(ram.clone())?;
    free.reserve(address_space::image_range())?;
    for module in &boot.modules {
        debug!("module {} \"{}\"", module.range, module.command_line);
        ram.insert(module.range.page_outer())?;
        free.reserve(module.range)?;
    }
    ram.remove(address_space::image_range())?;
    let above = free.withhold_from(BOOT_MAPPED)?;
    // SAFETY: what remains is RAM beside the image and the modules; the loader's information in it
    // is not used any more.
    let mut memory = unsafe { Memory::new(free) };
    let space = AddressSpace::new(&mut memory, &ram)?;
    let stacks = stacks::map(&space, &mut memory, 0)?;
    space.map_device(&mut memory, LOCAL_APIC, cpu::apic::base())?;
    if let Some(serial) = serial {
        space.map_device(&mut memory, IO_APIC, serial.io_apic)?;
    }
    let bytes = space.check(&memory);
    memory.free().release(&above)?;
    debug!("{} MiB mapped, none of it writable and executable", bytes >> 20);
    info!("{} MiB of RAM, {} MiB free", ram.bytes() >> 20, memory.free().free_bytes() >> 20);
    let modules = Modules::new(boot.modules)?;
    Ok((Machine { options, modules, memory, stacks, serial }, space.root()))
}

/// Leaves the boot page tables and stack for `root` and `stack`, and goes on in [`run::start`].
///
/// # Safety
///
/// `root` must map the image as it is mapped now, and the memory below `stack`.
unsafe fn switch(root: Hpa, stack: u64, machine: *mut Machine) -> ! {
    // SAFETY: the caller guarantees that text, boot stack and new stack are mapped by `root`; the
    // boot stack with `machine` stays in place, as nothing runs on it any more.
    unsafe {
        asm!(
            "mov cr3, {root}",
            "mov rsp, {stack}",
            "xor ebp, ebp",
            "call {start}",
            "ud2",
            root = in(reg) root.0,
            stack = in(reg) stack,
            in("rdi") machine,
            start = sym run::start,
            options(noreturn),
        )
    }
}
