//! The store of the domains: where it is, and what is logged of it. All else is in `core`.

use crate::boot::BootError;
use crate::domain_memory::DomainMemory;
use crate::memory::{Memory, direct};
use log::{info, warn};
use spin::Mutex;
use xenolith_core::address::{DomId, PAGE_SIZE, to_u64};
use xenolith_core::hypercall::unsupported::Limit;
use xenolith_core::store::{Closed, Introduction, Served, Store};

static STORE: Mutex<Option<&'static mut Store>> = Mutex::new(None);
/// How often connections were closed of late: a domain can have its own opened again at once.
static CLOSED: Mutex<Limit> = Mutex::new(Limit::new());

/// Makes the store, which is too large for a stack.
pub(crate) fn init(memory: &mut Memory) -> Result<(), BootError> {
    const BYTES: u64 = to_u64(size_of::<Store>()).next_multiple_of(PAGE_SIZE);
    let place = memory.allocate_zeroed(BYTES, PAGE_SIZE).ok_or(BootError::OutOfMemory)?;
    // SAFETY: all zeros is a value of the type (`FromZeros`), nothing else refers to the memory,
    // and it is never given back.
    let store = unsafe { &mut *direct::<Store>(place) };
    store.plant().expect("an empty tree has room");
    *STORE.lock() = Some(store);
    Ok(())
}

/// Connects a domain.
pub(crate) fn introduce(memory: &mut DomainMemory, introduction: &Introduction<'_>) {
    with(|store| store.introduce(memory, introduction).expect("there is room for every domain"));
}

/// Serves what a domain has asked for; it is `now_ns` in its system time.
pub(crate) fn serve(memory: &mut DomainMemory, domain: DomId, now_ns: u64) -> Served {
    let served = with(|store| store.serve(memory, domain));
    if let Some(why) = served.closed {
        log_closed(domain, why, now_ns);
    }
    served
}

fn log_closed(domain: DomId, why: Closed, now_ns: u64) {
    let Some(left_out) = CLOSED.lock().count(|| now_ns) else { return };
    if left_out != 0 {
        info!("domain {}: {left_out} lines like this were left out", domain.0);
    }
    warn!("domain {}: its connection to the store is closed: {why}", domain.0);
}

/// Asks a domain to end itself in the way of `command`.
pub(crate) fn ask_shutdown(domain: DomId, command: &str) {
    match with(|store| store.ask_shutdown(domain, command)) {
        Ok(()) => info!("domain {} is asked to end: {command}", domain.0),
        Err(error) => {
            warn!("domain {} cannot be asked to end: {}", domain.0, error.name().escape_ascii());
        }
    }
}

/// Runs `action` on the store.
pub(crate) fn with<R>(action: impl FnOnce(&mut Store) -> R) -> R {
    action(STORE.lock().as_mut().expect("it was made at the start"))
}
