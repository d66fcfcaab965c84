//! Draining and unmasking on plain words: which ports are served, and in which order.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use proptest::{collection, prelude::*};

use super::{Bitmaps, Cursor, PORTS, Port, drain, drain::unmask};
use crate::irq::UpcallFlag;

#[test]
fn a_masked_port_is_left_alone() {
    let words = Words::default();
    words.mask_port(Port(70));
    words.raise_all([69, 70, 71]);
    assert_eq!(words.serve_all(Cursor::default()), [69, 71]);
    assert_ne!(words.pending(1) & Port(70).bit(), 0);
    unmask(&words, Port(70));
    assert!(words.is_pending());
    assert_eq!(words.serve_all(Cursor::default()), [70]);
}

#[test]
fn the_circle_goes_on_behind_the_last_word() {
    let words = Words::default();
    words.raise_all([0, 64, 128, 4095]);
    assert_eq!(words.serve_all(Cursor::from_word(2)), [128, 4095, 0, 64]);
}

#[test]
fn a_spurious_upcall_serves_nothing() {
    let words = Words::default();
    words.set_due();
    // As after `VCPUOP_register_vcpu_info`: every word is to be looked at, none has an event.
    words.selector.set(u64::MAX);
    assert_eq!(words.serve_all(Cursor::default()), [0; 0]);
    assert!(!words.is_pending());
}

proptest! {
    /// Ports that raise themselves again while served do not keep others waiting: whoever is ready
    /// when a port is served has its turn before that port has another.
    #[test]
    #[cfg_attr(miri, ignore = "takes minutes under Miri")]
    fn between_two_turns_of_a_port_all_others_have_theirs(
        ports in collection::btree_map(0..PORTS, 1_u32..5, 1..40),
        start in 0_u32..64,
    ) {
        let words = Words::default();
        words.raise_all(ports.keys().copied());
        let left = RefCell::new(ports.clone());
        // For each port that was served and not served again: who was ready, and has not been.
        let owed: RefCell<BTreeMap<u32, BTreeSet<u32>>> = RefCell::default();
        drain(&words, Cursor::from_word(start), |Port(port)| {
            let mut owed = owed.borrow_mut();
            let unpaid = owed.remove(&port).unwrap_or_default();
            assert!(unpaid.is_empty(), "{port} was served before {unpaid:?}");
            owed.values_mut().for_each(|owed| { owed.remove(&port); });
            owed.insert(port, words.ready());
            let mut left = left.borrow_mut();
            let turns = left.get_mut(&port).expect("only raised ports are served");
            *turns -= 1;
            if *turns > 0 {
                words.raise(Port(port));
            }
        });
        prop_assert!(left.borrow().values().all(|&turns| turns == 0), "{:?}", left.borrow());
        prop_assert!(words.ready().is_empty());
    }
}

/// Words that nobody shares.
struct Words {
    due: Cell<u8>,
    selector: Cell<u64>,
    pending: [Cell<u64>; 64],
    masked: [Cell<u64>; 64],
}

impl Default for Words {
    fn default() -> Self {
        let words = || std::array::from_fn(|_| Cell::new(0));
        Self { due: Cell::new(0), selector: Cell::new(0), pending: words(), masked: words() }
    }
}

impl Words {
    fn raise(&self, port: Port) {
        let word = &self.pending[index(port.word())];
        let news = word.get() & port.bit() == 0;
        word.set(word.get() | port.bit());
        if news && self.masked(port.word()) & port.bit() == 0 && self.select(port.word()) {
            self.set_due();
        }
    }

    fn raise_all(&self, ports: impl IntoIterator<Item = u32>) {
        for port in ports {
            self.raise(Port(port));
        }
    }

    fn ready(&self) -> BTreeSet<u32> {
        let is_ready = |port: &u32| {
            let (word, bit) = (Port(*port).word(), Port(*port).bit());
            self.pending(word) & !self.masked(word) & bit != 0
        };
        (0..PORTS).filter(is_ready).collect()
    }

    fn serve_all(&self, cursor: Cursor) -> Vec<u32> {
        let mut served = Vec::new();
        drain(self, cursor, |port| served.push(port.0));
        served
    }
}

fn index(word: u32) -> usize {
    usize::try_from(word).unwrap()
}

impl UpcallFlag for Words {
    fn mask(&self) -> u8 {
        1
    }

    fn set_mask(&self, _: u8) {}

    fn is_pending(&self) -> bool {
        self.due.get() != 0
    }

    fn force_upcall(&self) {}
}

impl Bitmaps for Words {
    fn clear_due(&self) {
        self.due.set(0);
    }

    fn set_due(&self) {
        self.due.set(1);
    }

    fn take_selector(&self) -> u64 {
        self.selector.take()
    }

    fn select(&self, word: u32) -> bool {
        let before = self.selector.get();
        self.selector.set(before | 1 << word);
        before & (1 << word) == 0
    }

    fn pending(&self, word: u32) -> u64 {
        self.pending[index(word)].get()
    }

    fn masked(&self, word: u32) -> u64 {
        self.masked[index(word)].get()
    }

    fn clear_pending(&self, port: Port) {
        let word = &self.pending[index(port.word())];
        word.set(word.get() & !port.bit());
    }

    fn mask_port(&self, port: Port) -> bool {
        let word = &self.masked[index(port.word())];
        let before = word.get();
        word.set(before | port.bit());
        before & port.bit() == 0
    }

    fn unmask_port(&self, port: Port) -> bool {
        let word = &self.masked[index(port.word())];
        let before = word.get();
        word.set(before & !port.bit());
        before & port.bit() != 0
    }
}
