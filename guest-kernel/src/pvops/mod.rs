//! Operations that differ between bare hardware and Xenolith, so that one kernel runs on both.
//!
//! An operation is called at a *site*, a stretch of instructions that the macro `site!` emits and
//! records. As linked, a site calls its function through a table ([`Op`] has the contract), which
//! works at once. [`init`] selects the functions of a world; it is called at boot, before anything
//! depends on the world.

#[cfg(target_os = "none")]
mod alternative;
#[cfg(target_os = "none")]
mod calls;
#[cfg(target_os = "none")]
mod native;
#[cfg(not(target_os = "none"))]
mod on_host;
mod op;
#[cfg(target_os = "none")]
mod ops;
mod record;
mod registers;
#[cfg(target_os = "none")]
mod same;
#[cfg(target_os = "none")]
mod site;
#[cfg(target_os = "none")]
mod table;
mod world;
#[cfg(target_os = "none")]
mod xenolith;

#[cfg(not(target_os = "none"))]
pub(crate) use on_host::{
    flush_tlb_one, irq_disable, irq_enable, read_cr3, restore_fl, safe_halt, save_fl,
};
pub use op::Op;
#[cfg(target_os = "none")]
pub use ops::{
    cpuid, flush_tlb, flush_tlb_one, io_delay, irq_disable, irq_enable, load_gdt, load_idt,
    load_tr, make_pte, pte_val, read_cr2, read_cr3, read_msr, restore_fl, safe_halt, save_fl,
    set_pte, swapgs, wbinvd, write_cr3, write_msr,
};
pub use record::{Function, Site};
pub use registers::Registers;
#[cfg(target_os = "none")]
pub(crate) use site::site_lines;
#[cfg(target_os = "none")]
pub(crate) use table::TABLE;
pub use world::World;

/// Selects the operations of a world.
///
/// # Panics
///
/// If interrupts are enabled: a handler could meet a table that is half changed. There must be one
/// CPU for the same reason, which is so as long as kernels start no other.
#[cfg(target_os = "none")]
pub fn init(world: World) {
    use core::sync::atomic::Ordering::Relaxed;

    use crate::{irq, shared_info, vcpu};
    assert_eq!(vcpu::current(), vcpu::VcpuId::BOOT, "operations are selected at boot");
    let may_be_interrupted = match world {
        World::Native => irq::Flags::from_bits(irq::native_save_flags()).is_enabled(),
        World::Xenolith => shared_info::of_vcpu(vcpu::current()).upcall_mask().load(Relaxed) == 0,
    };
    assert!(!may_be_interrupted, "operations are selected with interrupts disabled");
    table::select(world);
}

/// Returns the world whose operations are used: Xenolith's before [`init`].
#[cfg(target_os = "none")]
pub fn world() -> World {
    TABLE.world()
}
