//! The selection of a world, once, at boot.

use core::sync::atomic::Ordering::Relaxed;

use super::{TABLE, World, table, text};
use crate::{clock, command_line, cpuid, irq, shared_info, vcpu};

/// What [`patch_sites`] has done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Patched {
    /// Sites that were patched.
    pub sites: usize,
    /// Ticks of the time-stamp counter that it took.
    pub ticks: u64,
}

/// Selects the operations of a world and patches every site, while text is writable.
///
/// # Panics
///
/// As [`init_unpatched`] and [`patch_sites`].
pub fn init(world: World) {
    init_unpatched(world);
    patch_sites("");
}

/// Selects the operations of a world and leaves sites as they are: each calls through the table.
///
/// # Panics
///
/// If interrupts or events are enabled: a handler could find a table that is half changed.
pub fn init_unpatched(world: World) {
    assert_undisturbed(world);
    table::select(world);
}

/// Patches every site for the world that is selected, while text is writable. The option
/// `pvops=unpatched` on a command line leaves them as they are.
///
/// # Panics
///
/// If interrupts or events are enabled: a handler could execute a site that is half written. There
/// must be one CPU for the same reason, which is so as long as kernels start no other, and nobody may
/// send a non-maskable interrupt. Also if the kernel was linked wrong.
pub fn patch_sites(command_line: &str) {
    if command_line::value(command_line, "pvops") == Some("unpatched") {
        return;
    }
    let world = world();
    assert_undisturbed(world);
    let before = clock::ticks();
    text::patch_all(world).unwrap_or_else(|error| panic!("patching: {error}"));
    serialize();
    TABLE.set_patched(Patched { sites: text::sites().len(), ticks: clock::ticks() - before });
}

/// Returns the world whose operations are used: Xenolith's before [`init`].
pub fn world() -> World {
    TABLE.world()
}

/// Returns what was patched at boot, if sites were.
pub fn patched() -> Option<Patched> {
    TABLE.patched()
}

/// Patches sites again, if they are patched: the record of the vCPU has moved, with events held off.
pub(crate) fn record_has_moved() {
    if patched().is_some() {
        assert_eq!(vcpu::current(), vcpu::VcpuId::BOOT, "sites are patched by the only CPU");
        text::patch_again(world()).unwrap_or_else(|error| panic!("patching: {error}"));
        serialize();
    }
}

/// Checks that nothing can come in between.
fn assert_undisturbed(world: World) {
    assert_eq!(vcpu::current(), vcpu::VcpuId::BOOT, "operations are selected by the only CPU");
    let may_be_interrupted = match world {
        World::Native => irq::Flags::from_bits(irq::native_save_flags()).is_enabled(),
        World::Xenolith => shared_info::of_vcpu(vcpu::current()).upcall_mask().load(Relaxed) == 0,
    };
    assert!(!may_be_interrupted, "operations are selected with interrupts disabled");
}

/// Has the processor fetch anew what it may have fetched before it was written (SDM 3A, "Handling
/// Self- and Cross-Modifying Code"): CPUID is serializing.
fn serialize() {
    let _ = cpuid::native(0, 0);
}
