//! What the kernel was given, in words.

use alloc::vec::Vec;

use xenolith_guest::{
    StartInfo,
    abi::features,
    cpuid,
    hypercall::{Errno, version},
    platform, println,
    pvops::{self, World},
    start_info::Module,
};

/// Prints everything the domain builder and the hypervisor tell about this domain.
pub(crate) fn print(start: &StartInfo) {
    println!();
    println!("Xenolith paired kernel {}", env!("CARGO_PKG_VERSION"));
    version(start);
    memory(start);
    println!("  command line  {}", Quoted(start.command_line()));
    match start.module() {
        Module::Absent => println!("  ramdisk       none"),
        Module::Mapped { start, bytes } => {
            println!("  ramdisk       {bytes} bytes at {:#x}", start.as_u64());
        }
        Module::Unmapped { start, bytes } => {
            println!("  ramdisk       {bytes} bytes at guest-physical {:#x}", start.as_u64());
        }
    }
}

/// Prints what the hypervisor is, or that there is none.
pub(crate) fn version(start: &StartInfo) {
    if pvops::world() == World::Native {
        println!("  hypervisor    none: bare hardware");
        println!("  processor     {}", cpuid::brand());
        println!("  started by    {}", start.magic());
        return;
    }
    let report = || -> Result<(), Errno> {
        let (version, extra) = (version::version()?, version::extra_version()?);
        let name = if cpuid::is_xenolith() { "Xenolith" } else { "another Xen" };
        println!("  hypervisor    {name}, with the ABI of Xen {version}{extra}");
        println!("  changeset     {}", version::changeset()?);
        println!("  runs          {}", version::capabilities()?);
        println!("  started by    {}", start.magic());
        println!("  features      {}", names_of(version::features(0)?).join("\n                "));
        Ok(())
    };
    if let Err(error) = report() {
        println!("  hypervisor    does not say: {error}");
    }
}

/// Prints the memory of this domain.
pub(crate) fn memory(start: &StartInfo) {
    println!("  memory        {} pages, {} KiB", start.pages(), start.pages() * 4);
    match platform::memory_map() {
        Ok(ranges) => ranges.iter().for_each(|range| {
            println!(
                "                {:#014x}..{:#014x}  {}",
                range.start,
                range.start + range.bytes,
                range.kind,
            );
        }),
        Err(error) => println!("                no memory map: {error}"),
    }
}

/// Returns the names of the features whose bits are set.
fn names_of(word: u32) -> Vec<&'static str> {
    const NAMES: &[(u32, &str)] = &[
        (features::WRITABLE_PAGE_TABLES, "writable_page_tables"),
        (features::WRITABLE_DESCRIPTOR_TABLES, "writable_descriptor_tables"),
        (features::AUTO_TRANSLATED_PHYSMAP, "auto_translated_physmap"),
        (features::SUPERVISOR_MODE_KERNEL, "supervisor_mode_kernel"),
        (features::PAE_PGDIR_ABOVE_4GB, "pae_pgdir_above_4gb"),
        (features::MMU_PT_UPDATE_PRESERVE_AD, "mmu_pt_update_preserve_ad"),
        (features::HIGHMEM_ASSIST, "highmem_assist"),
        (features::GNTTAB_MAP_AVAIL_BITS, "gnttab_map_avail_bits"),
        (features::MEMORY_OP_VNODE_SUPPORTED, "memory_op_vnode_supported"),
        (features::NOT_DIRECT_MAPPED, "not_direct_mapped"),
        (features::DIRECT_MAPPED, "direct_mapped"),
    ];
    let set = NAMES.iter().filter(|(bit, _)| word & (1 << bit) != 0);
    set.map(|&(_, name)| name).collect()
}

/// Text in quotes, or the word `none`.
struct Quoted<'a>(&'a str);

impl core::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.0.is_empty() { f.write_str("none") } else { write!(f, "\"{}\"", self.0) }
    }
}
