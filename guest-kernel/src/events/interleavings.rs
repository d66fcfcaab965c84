//! Draining and unmasking in every interleaving with senders (loom).

use super::{Bitmaps, Port, drain::unmask};
use crate::{
    irq::UpcallFlag,
    model::{Guest, Machine, explore, explore_with, send},
};

#[test]
fn events_of_two_senders_are_served_once_each() {
    // Three threads: fewer changes, or it takes minutes.
    explore_with(2, || {
        let machine = Machine::new();
        let first = send(&machine, &[3]);
        let second = send(&machine, &[64]);
        let guest = Guest::new(&machine);
        guest.set_mask(1);
        guest.set_mask(0);
        guest.force_upcall();
        first.join().unwrap();
        guest.finish(second);
        assert_eq!((guest.served(3), guest.served(64)), (1, 1));
    });
}

/// Events of the same port may merge, but the last is never lost.
#[test]
fn a_port_raised_again_is_served_behind_the_last_event() {
    explore(|| {
        let machine = Machine::new();
        let sender = send(&machine, &[3, 3]);
        let guest = Guest::new(&machine);
        guest.force_upcall();
        guest.finish(sender);
        assert!((1..=2).contains(&guest.served(3)));
    });
}

#[test]
fn an_event_around_unmasking_a_port_is_not_lost() {
    explore(|| {
        let machine = Machine::new();
        let guest = Guest::new(&machine);
        guest.set_mask(1);
        assert!(guest.mask_port(Port(3)));
        let sender = send(&machine, &[3, 4]);
        unmask(&guest, Port(3));
        guest.set_mask(0);
        if guest.is_pending() {
            guest.force_upcall();
        }
        guest.finish(sender);
        assert_eq!((guest.served(3), guest.served(4)), (1, 1));
    });
}

/// A port is masked and unmasked while upcalls may come at each step.
#[test]
fn masking_a_port_for_a_while_loses_nothing() {
    explore(|| {
        let machine = Machine::new();
        let sender = send(&machine, &[3]);
        let guest = Guest::new(&machine);
        guest.mask_port(Port(3));
        guest.set_mask(1);
        unmask(&guest, Port(3));
        guest.set_mask(0);
        if guest.is_pending() {
            guest.force_upcall();
        }
        guest.finish(sender);
        assert_eq!(guest.served(3), 1);
    });
}

/// The model finds what it is for: who only takes the mask off loses what waited.
#[test]
#[should_panic(expected = "an event was lost")]
fn unmasking_a_port_without_a_look_loses_events() {
    explore(|| {
        let machine = Machine::new();
        let guest = Guest::new(&machine);
        guest.mask_port(Port(3));
        let sender = send(&machine, &[3]);
        guest.unmask_port(Port(3));
        guest.finish(sender);
    });
}
