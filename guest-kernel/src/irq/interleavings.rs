//! The guest's half of the protocol, in every interleaving with a hypervisor on another processor.
//!
//! The model (`crate::model`) is loom's: threads, and memory that may be seen late. A thread plays
//! the vCPU and runs the code of this library; others are processors that send events.

use super::{Flags, UpcallFlag, flag};
use crate::model::{Guest, Machine, explore, send};

/// Every mask byte that there is.
#[test]
fn save_fl_is_if_or_nothing() {
    explore(|| {
        let machine = Machine::new();
        let guest = Guest::new(&machine);
        for mask in [0, 1, 2, 0x80, 0xff] {
            guest.set_mask(mask);
            let expected = if mask == 0 { 0x200 } else { 0 };
            assert_eq!(flag::save(&guest).bits(), expected, "mask {mask:#x}");
        }
        guest.set_mask(0);
    });
}

#[test]
fn restore_fl_looks_at_if_only() {
    explore(|| {
        let machine = Machine::new();
        let guest = Guest::new(&machine);
        for bit in (0..64).filter(|&bit| bit != 9) {
            flag::disable(&guest);
            flag::restore(&guest, Flags::from_bits(1 << bit));
            assert_ne!(guest.mask(), 0, "bit {bit} alone must not enable");
            flag::restore(&guest, Flags::from_bits(1 << bit | 0x200));
            assert_eq!(guest.mask(), 0, "bit {bit} beside IF must not matter");
        }
        assert_eq!(flag::save(&guest), Flags::IF);
    });
}

#[test]
fn a_restore_to_disabled_stores_nothing() {
    explore(|| {
        let machine = Machine::new();
        let guest = Guest::new(&machine);
        guest.set_mask(0xa5);
        flag::restore(&guest, Flags::DISABLED);
        assert_eq!(guest.mask(), 0xa5);
        guest.set_mask(0);
    });
}

/// Who disables events relies on their staying disabled: a debug build says if they did not.
#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "behind the back")]
fn a_restore_to_disabled_finds_events_disabled() {
    explore(|| {
        let machine = Machine::new();
        let guest = Guest::new(&machine);
        flag::restore(&guest, Flags::DISABLED);
    });
}

/// Disable, enable, and an event that comes at any point: it is served in the end.
#[test]
fn an_event_around_enabling_is_not_lost() {
    explore(|| {
        let machine = Machine::new();
        let sender = send(&machine, &[3]);
        let guest = Guest::new(&machine);
        flag::disable(&guest);
        flag::enable(&guest);
        guest.finish(sender);
        assert_eq!(guest.served(3), 1);
    });
}

/// The same with nested pairs of save and restore.
#[test]
fn an_event_around_nested_restores_is_not_lost() {
    explore(|| {
        let machine = Machine::new();
        let sender = send(&machine, &[3]);
        let guest = Guest::new(&machine);
        let outer = flag::save(&guest);
        flag::disable(&guest);
        let inner = flag::save(&guest);
        flag::disable(&guest);
        flag::restore(&guest, inner);
        assert_ne!(guest.mask(), 0, "the inner pair must not enable");
        flag::restore(&guest, outer);
        guest.finish(sender);
        assert_eq!(guest.served(3), 1);
    });
}

/// Nothing is delivered between disabling and enabling.
#[test]
fn nothing_is_delivered_while_disabled() {
    explore(|| {
        let machine = Machine::new();
        let sender = send(&machine, &[3]);
        let guest = Guest::new(&machine);
        flag::disable(&guest);
        let before = guest.served(3);
        // Any number of steps: each is a place for an upcall.
        let _ = (guest.mask(), guest.is_pending(), guest.mask());
        assert_eq!(guest.served(3), before);
        flag::enable(&guest);
        guest.finish(sender);
    });
}

/// Look for work, find none, wait: an event between the look and the wait ends the wait.
#[test]
fn a_halt_does_not_sleep_over_an_event() {
    explore(|| {
        let machine = Machine::new();
        let sender = send(&machine, &[3]);
        let guest = Guest::new(&machine);
        loop {
            flag::disable(&guest);
            if guest.served(3) != 0 {
                break;
            }
            guest.block();
        }
        flag::enable(&guest);
        guest.finish(sender);
        assert_eq!(guest.served(3), 1);
    });
}

/// The model finds what it is for: without the check behind the store, events are lost.
#[test]
#[should_panic(expected = "an event was lost")]
fn enabling_without_a_check_loses_events() {
    explore(|| {
        let machine = Machine::new();
        let sender = send(&machine, &[3]);
        let guest = Guest::new(&machine);
        flag::disable(&guest);
        guest.set_mask(0);
        guest.finish(sender);
        assert_eq!(guest.served(3), 1);
    });
}

/// Nor is it enough to check before the store.
#[test]
#[should_panic(expected = "an event was lost")]
fn enabling_with_the_check_first_loses_events() {
    explore(|| {
        let machine = Machine::new();
        let sender = send(&machine, &[3]);
        let guest = Guest::new(&machine);
        flag::disable(&guest);
        let pending = guest.is_pending();
        guest.set_mask(0);
        if pending {
            guest.force_upcall();
        }
        guest.finish(sender);
        assert_eq!(guest.served(3), 1);
    });
}
