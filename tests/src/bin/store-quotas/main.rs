//! A kernel that takes of the store what it can get.
//!
//! Whatever a domain asks for, the hypervisor has no more memory for it than it had at the start.
//! Expected: an error by name at each bound, as on Xen; what was there stays, and goes on to work.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use xenolith_guest::{
    StartInfo,
    abi::xenstore as abi,
    check, check_eq,
    scenario::Checks,
    store::{Error, Store, Transaction},
};

xenolith_guest::scenario!(run);

const NONE: Transaction = Transaction::NONE;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let Some(mut store) = Store::connect(start) else {
        return checks.fail(format_args!("there is no store"));
    };
    check_watches(checks, &mut store);
    check_transactions(checks, &mut store);
    check_nodes(checks, &mut store);
    check_bytes(checks, &mut store);
    check_eq!(checks, store.read(NONE, "domid"), Ok(b"1".into()), "at the end");
}

/// Makes requests until one is refused; returns how many were not, and the error.
fn until_refused(mut request: impl FnMut(u32) -> Result<(), Error>) -> (u32, Option<Error>) {
    for number in 0..5000 {
        if let Err(error) = request(number) {
            return (number, Some(error));
        }
    }
    (5000, None)
}

fn refused(name: &str) -> Error {
    Error::Named(name.into())
}

fn check_watches(checks: &mut Checks, store: &mut Store) {
    let (made, error) = until_refused(|number| store.watch("data", &format!("{number}")));
    check_eq!(checks, (made, error), (128, Some(refused("E2BIG"))), "watches");
    let more = (0..3000).filter(|number| store.watch("data", &format!("more {number}")).is_ok());
    check_eq!(checks, more.count(), 0, "watches beyond the bound");
    check_eq!(checks, store.write(NONE, "data/x", b""), Ok(()));
    let mut told = 0;
    while let Ok(Some(_)) = store.take_event() {
        told += 1;
    }
    check_eq!(checks, told, 128 * 2, "each is told at once, and of the write");
    let reset = store.request(NONE, abi::RESET_WATCHES, &[b"\0"]);
    check!(checks, reset.is_ok(), "reset: {reset:?}");
    check_eq!(checks, store.watch("data", "new"), Ok(()));
}

fn check_transactions(checks: &mut Checks, store: &mut Store) {
    let (made, error) = until_refused(|_| store.start().map(drop));
    check_eq!(checks, (made, error), (10, Some(refused("ENOSPC"))), "transactions");
    let reset = store.request(NONE, abi::RESET_WATCHES, &[b"\0"]);
    check!(checks, reset.is_ok(), "reset: {reset:?}");
    check!(checks, store.start().is_ok(), "there are some again");
}

fn check_nodes(checks: &mut Checks, store: &mut Store) {
    let (made, error) = until_refused(|number| store.write(NONE, &format!("data/n/{number}"), b""));
    check!(checks, (900..1000).contains(&made), "{made} nodes");
    check_eq!(checks, error, Some(refused("ENOSPC")), "nodes");
    let removed = store.request(NONE, abi::RM, &[b"data/n\0"]);
    check!(checks, removed.is_ok(), "removed: {removed:?}");
}

fn check_bytes(checks: &mut Checks, store: &mut Store) {
    let value = [b'v'; 2048];
    let (made, error) =
        until_refused(|number| store.write(NONE, &format!("data/n/{number}"), &value));
    check!(checks, (20..32).contains(&made), "{made} nodes of 2 KiB");
    check_eq!(checks, error, Some(refused("ENOSPC")), "bytes");
    let last = store.read(NONE, &format!("data/n/{}", made - 1));
    check!(checks, last.as_deref() == Ok(&value), "the last is whole");
}
