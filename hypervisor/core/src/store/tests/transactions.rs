//! Transactions are all or nothing.

use super::*;

fn start(guest: &mut Guest) -> u32 {
    let id = guest.ask(abi::TRANSACTION_START, "\0").unwrap();
    id.strip_suffix('\0').unwrap().parse().unwrap()
}

#[test]
fn what_it_changes_is_its_own_until_the_end() {
    let mut guest = Guest::new();
    let id = start(&mut guest);
    assert_ne!(id, 0);
    assert_eq!(guest.ask_in(id, abi::WRITE, "data/x\0new"), ok("OK\0"));
    assert_eq!(guest.ask_in(id, abi::READ, "data/x\0"), ok("new"));
    assert_eq!(guest.ask(abi::READ, "data/x\0"), err("ENOENT"));
    assert_eq!(guest.ask_in(id, abi::TRANSACTION_END, "T\0"), ok("OK\0"));
    assert_eq!(guest.ask(abi::READ, "data/x\0"), ok("new"));
    assert_eq!(guest.ask_in(id, abi::READ, "data/x\0"), err("ENOENT"), "it is over");
}

#[test]
fn one_that_is_dropped_has_no_effect() {
    let mut guest = Guest::new();
    let id = start(&mut guest);
    assert_eq!(guest.ask_in(id, abi::RM, "data\0"), ok("OK\0"));
    assert_eq!(guest.ask_in(id, abi::TRANSACTION_END, "F\0"), ok("OK\0"));
    assert_eq!(guest.ask(abi::DIRECTORY, "data\0"), ok(""));
}

#[test]
fn a_conflict_lets_it_be_tried_again() {
    let mut guest = Guest::new();
    let id = start(&mut guest);
    assert_eq!(guest.ask_in(id, abi::WRITE, "data/x\0mine"), ok("OK\0"));
    assert_eq!(guest.ask(abi::WRITE, "data/x\0others"), ok("OK\0"));
    assert_eq!(guest.ask_in(id, abi::TRANSACTION_END, "T\0"), err("EAGAIN"));
    assert_eq!(guest.ask(abi::READ, "data/x\0"), ok("others"));
    let id = start(&mut guest);
    assert_eq!(guest.ask_in(id, abi::WRITE, "data/x\0mine"), ok("OK\0"));
    guest.store.ask_shutdown(ONE, "poweroff").unwrap();
    assert_eq!(guest.ask_in(id, abi::TRANSACTION_END, "T\0"), err("EAGAIN"));
    let id = start(&mut guest);
    assert_eq!(guest.ask_in(id, abi::READ, "data/x\0"), ok("others"));
    assert_eq!(guest.ask(abi::WRITE, "data/x\0again"), ok("OK\0"));
    assert_eq!(guest.ask_in(id, abi::READ, "data/x\0"), ok("others"), "as it was");
    assert_eq!(guest.ask_in(id, abi::TRANSACTION_END, "T\0"), ok("OK\0"), "it changed nothing");
    assert_eq!(guest.ask(abi::READ, "data/x\0"), ok("again"));
}

#[test]
fn there_are_so_many_and_no_more() {
    let mut guest = Guest::new();
    let ids: Vec<u32> = (0..MAX_TRANSACTIONS).map(|_| start(&mut guest)).collect();
    assert_eq!(guest.ask(abi::TRANSACTION_START, "\0"), err("ENOSPC"));
    assert_eq!(guest.ask_in(ids[0], abi::TRANSACTION_START, "\0"), err("EBUSY"));
    assert_eq!(guest.ask_in(ids[3], abi::TRANSACTION_END, "x\0"), err("EINVAL"));
    assert_eq!(guest.ask_in(ids[3], abi::TRANSACTION_END, "F\0"), ok("OK\0"));
    assert!(!ids.contains(&start(&mut guest)), "numbers are not used again soon");
    assert_eq!(guest.ask(abi::RESET_WATCHES, "\0"), ok("OK\0"));
    assert_eq!(guest.ask_in(ids[0], abi::READ, "domid\0"), err("ENOENT"));
    start(&mut guest);
}

#[test]
fn what_it_changed_is_told_at_the_end() {
    let mut guest = Guest::new();
    assert_eq!(guest.ask(abi::WATCH, "data\0t\0"), ok("OK\0"));
    assert_eq!(guest.take_events(), [event("data", "t")]);
    let id = start(&mut guest);
    for _ in 0..2 {
        assert_eq!(guest.ask_in(id, abi::WRITE, "data/x\0y"), ok("OK\0"));
    }
    assert_eq!(guest.ask_in(id, abi::RM, "data/x\0"), ok("OK\0"));
    assert_eq!(guest.ask_in(id, abi::WRITE, "data/y\0z"), ok("OK\0"));
    assert_eq!(guest.take_events(), []);
    assert_eq!(guest.ask_in(id, abi::TRANSACTION_END, "T\0"), ok("OK\0"));
    let told = ["data/x", "data/x", "data/y"].map(|path| event(path, "t"));
    assert_eq!(guest.take_events(), told);
}
