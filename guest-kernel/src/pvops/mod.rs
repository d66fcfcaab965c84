//! Operations that differ between bare hardware and Xenolith, so that one kernel runs on both.
//!
//! An operation is called at a *site*, a stretch of instructions that the macro `site!` emits and
//! records. As linked, a site calls its function through a table ([`Op`] has the contract), which
//! works at once. [`init`] fills the table for a world and *patches* each site: into the instruction of
//! the bare processor, a sequence on the vCPU's record, a call, or NOPs. It is called at boot, while
//! text is writable, before anything depends on the world. `cargo xtask sites` lists what comes of it.

#[cfg(target_os = "none")]
mod alternative;
#[cfg(target_os = "none")]
mod calls;
#[cfg(target_os = "none")]
mod interrupts;
#[cfg(target_os = "none")]
mod native;
#[cfg(target_os = "none")]
mod nops;
#[cfg(not(target_os = "none"))]
mod on_host;
mod op;
#[cfg(target_os = "none")]
mod ops;
mod patch;
mod record;
mod registers;
#[cfg(target_os = "none")]
mod same;
#[cfg(target_os = "none")]
mod site;
#[cfg(target_os = "none")]
mod table;
#[cfg(target_os = "none")]
mod text;
mod world;
#[cfg(target_os = "none")]
mod xenolith;

#[cfg(not(target_os = "none"))]
pub(crate) use on_host::{
    flush_tlb_one, irq_disable, irq_enable, make_pte, pte_val, read_cr3, restore_fl, safe_halt,
    save_fl, set_pte,
};
pub use op::Op;
#[cfg(target_os = "none")]
pub use ops::{
    cpuid, flush_tlb, flush_tlb_one, io_delay, irq_disable, irq_enable, load_gdt, load_idt,
    load_tr, make_pte, pte_val, read_cr2, read_cr3, read_msr, restore_fl, safe_halt, save_fl,
    set_pte, swapgs, wbinvd, write_cr3, write_msr,
};
pub use patch::{PatchError, Patcher, Sources, Text};
pub use record::{Alternative, Fixup, Function, Site};
pub use registers::Registers;
#[cfg(target_os = "none")]
pub(crate) use site::site_lines;
#[cfg(target_os = "none")]
pub(crate) use table::TABLE;
#[cfg(all(target_os = "none", feature = "probe"))]
pub(crate) use text::alternatives;
#[cfg(target_os = "none")]
pub(crate) use text::set_space;
#[cfg(target_os = "none")]
pub use text::sites;
pub use world::World;

#[cfg(target_os = "none")]
mod boot;
#[cfg(target_os = "none")]
pub(crate) use boot::record_has_moved;
#[cfg(target_os = "none")]
pub use boot::{Patched, init, init_unpatched, patch_sites, patched, world};
