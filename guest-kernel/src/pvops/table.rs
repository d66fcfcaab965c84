//! The functions that sites call as long as they are not patched.
//!
//! The table has pages of its own, which become read-only when boot is over (`entry/image.rs`).

use core::sync::atomic::{
    AtomicPtr, AtomicU8, AtomicU64, AtomicUsize,
    Ordering::{Relaxed, Release},
};

use super::{Op, Patched, World, interrupts::BackEnd, native, xenolith};

/// What implements an operation in a world: [`record::Function`](super::record::Function), with a
/// pointer in the place of an address.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Entry {
    /// Keeps to the operation's contract, called from anywhere; ends in a return.
    function: *const (),
    op: u8,
    worlds: u8,
    zero: [u8; 6],
}

const _: () = assert!(size_of::<Entry>() == size_of::<super::record::Function>());

/// The implementations of a world, in the order of operations.
#[derive(Debug)]
pub(super) struct Entries(pub(super) [Entry; Op::COUNT]);

// SAFETY: the pointers are functions' addresses, and nothing else is there.
unsafe impl Sync for Entries {}

impl Entry {
    pub(super) const fn new(world: World, op: Op, function: *const ()) -> Self {
        Self { function, op: op.number(), worlds: 1 << world.number(), zero: [0; 6] }
    }
}

impl Entries {
    /// Puts those on interrupts, which come first, and the others together.
    pub(super) const fn new(
        interrupts: [Entry; BackEnd::OPERATIONS],
        others: &[Entry; Op::COUNT - BackEnd::OPERATIONS],
    ) -> Self {
        let mut all = [interrupts[0]; Op::COUNT];
        let mut index = 1;
        while index < Op::COUNT {
            all[index] = if index < BackEnd::OPERATIONS {
                interrupts[index]
            } else {
                others[index - BackEnd::OPERATIONS]
            };
            index += 1;
        }
        Self(all)
    }

    /// Checks that the entries are in the order of operations.
    pub(super) const fn is_in_order(&self) -> bool {
        let mut index = 0;
        while index < Op::COUNT {
            if self.0[index].op != Op::ALL[index].number() {
                return false;
            }
            index += 1;
        }
        true
    }
}

/// The table. Sites know the layout: slots by the operation's number come first.
#[derive(Debug)]
#[repr(C, align(4096))]
pub(crate) struct Table {
    slots: [AtomicPtr<()>; Op::COUNT],
    world: AtomicU8,
    /// What [`Patched`] says, without sites if nothing was patched.
    sites: AtomicUsize,
    ticks: AtomicU64,
}

/// Xenolith's functions at first: whoever is bare says so before it uses any.
#[unsafe(link_section = ".ro_after_boot")]
pub(crate) static TABLE: Table = Table::of(&xenolith::ENTRIES);

impl Table {
    const fn of(entries: &Entries) -> Self {
        let mut slots = [const { AtomicPtr::new(core::ptr::null_mut()) }; Op::COUNT];
        let mut index = 0;
        while index < Op::COUNT {
            slots[index] = AtomicPtr::new(entries.0[index].function.cast_mut());
            index += 1;
        }
        let world = AtomicU8::new(World::Xenolith.number());
        Self { slots, world, sites: AtomicUsize::new(0), ticks: AtomicU64::new(0) }
    }

    /// Returns the world whose functions these are.
    pub(super) fn world(&self) -> World {
        World::of_number(self.world.load(Relaxed)).expect("only `select` writes it")
    }

    /// Returns what was patched.
    pub(super) fn patched(&self) -> Option<Patched> {
        let sites = self.sites.load(Relaxed);
        (sites > 0).then(|| Patched { sites, ticks: self.ticks.load(Relaxed) })
    }

    /// Notes what was patched, at boot.
    pub(super) fn set_patched(&self, Patched { sites, ticks }: Patched) {
        self.ticks.store(ticks, Relaxed);
        self.sites.store(sites, Relaxed);
    }
}

/// Puts the functions of a world into the table.
pub(super) fn select(world: World) {
    let entries = match world {
        World::Native => &native::ENTRIES,
        World::Xenolith => &xenolith::ENTRIES,
    };
    for (slot, entry) in TABLE.slots.iter().zip(&entries.0) {
        slot.store(entry.function.cast_mut(), Release);
    }
    TABLE.world.store(world.number(), Release);
}
