//! A request to the store, through its rings.

use super::{Cost, ROUNDS, exits};
use xenolith_guest::{
    StartInfo,
    clock::ticks,
    store::{Store, Transaction},
};

/// Reads a node of the domain's many times, each timed on its own: the client's work and the store's.
pub(super) fn measure(start: &'static StartInfo) -> Cost {
    let mut store = Store::connect(start).expect("there is a store");
    let mut cost = Cost::default();
    // The first round is not like the others and does not count.
    for round in 0..=ROUNDS {
        let exits_before = exits();
        let before = ticks();
        let value = store.read(Transaction::NONE, "domid");
        let after = ticks();
        if round > 0 {
            cost.exits += exits() - exits_before;
            cost.instructions += after - before;
        }
        assert!(value.is_ok_and(|value| !value.is_empty()), "the store answers");
    }
    cost
}
