//! The store, as a kernel uses it.
//!
//! What the tools of Xen put there must be found, in the domain's own part and by absolute paths;
//! the rest must not be seen. Watches are told by upcalls.
//! Expected: values, errors by name, and events, in the order of the requests; at last the node
//! `control/shutdown`, which who sits at the machine's console writes.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::{format, string::String, vec::Vec};
use xenolith_guest::{
    StartInfo,
    abi::xenstore as abi,
    check, check_eq, events,
    hypercall::sched,
    irq, println,
    scenario::Checks,
    store::{Error, Event, Store, Transaction},
    traps,
};

xenolith_guest::scenario!(run);

const NONE: Transaction = Transaction::NONE;

/// How often an upcall is waited for.
const PATIENCE: u32 = 10_000_000;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    check_eq!(checks, traps::install(), Ok(()));
    check_eq!(checks, events::install(), Ok(()));
    let Some(mut store) = Store::connect(start) else {
        return checks.fail(format_args!("there is no store"));
    };
    check_tree(checks, &mut store, start);
    check_writes(checks, &mut store);
    check_long_messages(checks, &mut store);
    check_transactions(checks, &mut store);
    check_watches(checks, &mut store);
    check_shutdown(checks, &mut store);
}

/// A value, or the name of an error.
fn text(result: Result<Vec<u8>, Error>) -> Result<String, String> {
    match result {
        Ok(value) => Ok(String::from_utf8_lossy(&value).into_owned()),
        Err(error) => Err(format!("{error}")),
    }
}

fn read(store: &mut Store, path: &str) -> Result<String, String> {
    text(store.read(NONE, path))
}

fn ask(store: &mut Store, type_: u32, payload: &str) -> Result<String, String> {
    text(store.request(NONE, type_, &[payload.as_bytes()]))
}

fn ok(text: &str) -> Result<String, String> {
    owned(Ok(text))
}

fn err(name: &str) -> Result<String, String> {
    owned(Err(name))
}

fn owned(result: Result<&str, &str>) -> Result<String, String> {
    result.map(String::from).map_err(String::from)
}

fn check_tree(checks: &mut Checks, store: &mut Store, start: &StartInfo) {
    check_eq!(checks, store.port(), events::Port(1), "store_evtchn");
    check_eq!(checks, read(store, "domid"), ok("1"));
    check_eq!(checks, read(store, "/local/domain/1/domid"), ok("1"));
    check_eq!(checks, read(store, "memory/target"), Ok(format!("{}", start.pages() * 4)));
    check_eq!(checks, read(store, "store/ring-ref"), Ok(format!("{}", start.raw().store_mfn)));
    check_eq!(checks, read(store, "console/port"), ok("2"));
    check_eq!(checks, ask(store, abi::GET_DOMAIN_PATH, "1\0"), ok("/local/domain/1\0"));
    check_eq!(checks, ask(store, abi::IS_DOMAIN_INTRODUCED, "2\0"), ok("F\0"));
    check_eq!(checks, ask(store, abi::DIRECTORY, "device/vbd\0"), err("ENOENT"));
    for path in ["/", "/tool", "/local/domain/0", "/local/domain/2/name"] {
        check_eq!(checks, read(store, path), err("EACCES"), "{path}");
    }
    check_eq!(checks, read(store, "a//b"), err("EINVAL"));
    check_eq!(checks, ask(store, abi::INTRODUCE, "1\0"), err("EACCES"));
    check_eq!(checks, ask(store, 77, ""), err("ENOSYS"));
}

fn check_writes(checks: &mut Checks, store: &mut Store) {
    check_eq!(checks, store.write(NONE, "data/a/b", b"value"), Ok(()));
    check_eq!(checks, read(store, "/local/domain/1/data/a/b"), ok("value"));
    check_eq!(checks, ask(store, abi::MKDIR, "data/c\0"), ok("OK\0"));
    check_eq!(checks, store.directory("data"), Ok(["a", "c"].map(String::from).into()));
    check_eq!(checks, ask(store, abi::GET_PERMS, "data/a\0"), ok("n1\0"));
    check_eq!(checks, ask(store, abi::SET_PERMS, "data/a\0n1\0r2\0"), ok("OK\0"));
    check_eq!(checks, ask(store, abi::GET_PERMS, "data/a\0"), ok("n1\0r2\0"));
    check_eq!(checks, ask(store, abi::RM, "data/a\0"), ok("OK\0"));
    check_eq!(checks, read(store, "data/a/b"), err("ENOENT"));
    check_eq!(checks, text(store.write(NONE, "name", b"x").map(|()| Vec::new())), err("EACCES"));
}

/// Longer than the rings.
fn check_long_messages(checks: &mut Checks, store: &mut Store) {
    let value = b"0123456789abcdef".repeat(128);
    check_eq!(checks, store.write(NONE, "data/long", &value), Ok(()));
    check!(checks, store.read(NONE, "data/long").as_ref() == Ok(&value), "2048 bytes come back");
    let long = [&value[..], b"x"].concat();
    let refused = store.write(NONE, "data/long", &long);
    check_eq!(checks, refused, Err(Error::Named("ENOSPC".into())), "2049 bytes");
}

fn check_transactions(checks: &mut Checks, store: &mut Store) {
    let Ok(first) = store.start() else { return checks.fail(format_args!("no transaction")) };
    check_eq!(checks, store.write(first, "data/x", b"in it"), Ok(()));
    check_eq!(checks, read(store, "data/x"), err("ENOENT"), "outside");
    check_eq!(checks, text(store.read(first, "data/x")), ok("in it"));
    check_eq!(checks, store.commit(first), Ok(()));
    check_eq!(checks, read(store, "data/x"), ok("in it"), "after it");
    let Ok(second) = store.start() else { return checks.fail(format_args!("no second")) };
    check_eq!(checks, store.write(second, "data/x", b"mine"), Ok(()));
    check_eq!(checks, store.write(NONE, "data/x", b"another's"), Ok(()));
    check_eq!(checks, store.commit(second), Err(Error::Named("EAGAIN".into())));
    check_eq!(checks, read(store, "data/x"), ok("another's"));
}

fn event(path: &str, token: &str) -> Event {
    Event { path: path.into(), token: token.into() }
}

fn check_watches(checks: &mut Checks, store: &mut Store) {
    check_eq!(checks, store.watch("data/w", "mine"), Ok(()));
    check_eq!(checks, store.take_event(), Ok(Some(event("data/w", "mine"))), "at once");
    check_eq!(checks, store.write(NONE, "data/w/below", b""), Ok(()));
    check_eq!(checks, store.write(NONE, "data/x", b""), Ok(()));
    check_eq!(checks, store.take_event(), Ok(Some(event("data/w/below", "mine"))));
    check_eq!(checks, store.take_event(), Ok(None), "no other");
    check_eq!(checks, store.watch("data/w", "mine"), Err(Error::Named("EEXIST".into())));
    check_eq!(checks, ask(store, abi::UNWATCH, "data/w\0mine\0"), ok("OK\0"));
    check_eq!(checks, ask(store, abi::UNWATCH, "data/w\0mine\0"), err("ENOENT"));
}

/// Waits for an upcall of the store's port.
fn wait(store: &Store, before: u64) -> bool {
    (0..PATIENCE).any(|_| {
        let _ = sched::yield_now();
        events::count(store.port()) != before
    })
}

fn check_shutdown(checks: &mut Checks, store: &mut Store) {
    events::set_handler(store.port(), |_| {});
    events::unmask(store.port());
    irq::irq_enable();
    check_eq!(checks, store.watch("control/shutdown", "end"), Ok(()));
    check_eq!(checks, store.take_event(), Ok(Some(event("control/shutdown", "end"))), "at once");
    check_eq!(checks, read(store, "control/shutdown"), ok(""));
    let before = events::count(store.port());
    println!("ask me to end");
    check!(checks, wait(store, before), "an upcall tells of it");
    check_eq!(checks, store.take_event(), Ok(Some(event("control/shutdown", "end"))));
    check_eq!(checks, read(store, "control/shutdown"), ok("poweroff"));
    check_eq!(checks, store.write(NONE, "control/shutdown", b""), Ok(()), "acknowledged");
    check_eq!(checks, read(store, "control/shutdown"), ok(""));
}
