//! `control/shutdown`: how who manages the domain asks it to end.

use core::fmt;

use super::{Error, Store, Transaction};
use crate::{
    StartInfo, events, hypercall::sched::ShutdownReason, irq::EventsOffLock, platform, println,
};

/// Where requests are found.
const NODE: &str = "control/shutdown";

/// The connection that the handler uses.
static STORE: EventsOffLock<Option<Store>> = EventsOffLock::new(None);

/// Why requests are not obeyed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NotObeyed {
    /// There is no store.
    NoStore,
    /// The node cannot be watched.
    Unwatched(Error),
}

impl fmt::Display for NotObeyed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStore => formatter.write_str("there is no store"),
            Self::Unwatched(error) => write!(formatter, "{NODE} cannot be watched: {error}"),
        }
    }
}

/// Powers off or reboots from now on when asked to. After [`events::install`]; takes the only
/// connection to the store.
///
/// # Errors
///
/// When there is no store, or it does not answer.
pub fn obey(start: &'static StartInfo) -> Result<(), NotObeyed> {
    let mut store = Store::connect(start).ok_or(NotObeyed::NoStore)?;
    let port = store.port();
    store.watch(NODE, NODE).map_err(NotObeyed::Unwatched)?;
    *STORE.lock() = Some(store);
    events::set_handler(port, |_| look());
    events::unmask(port);
    Ok(())
}

/// Looks at what has come. In an upcall: the store answers at once, so nobody waits.
fn look() {
    let reason = STORE.lock().as_mut().and_then(|store| asked(store).unwrap_or_default());
    if let Some(reason) = reason {
        platform::shutdown(reason);
    }
}

/// Returns how the domain is asked to end, if it is, and acknowledges it.
fn asked(store: &mut Store) -> Result<Option<ShutdownReason>, Error> {
    let mut reason = None;
    while store.take_event()?.is_some() {
        let command = store.read(Transaction::NONE, NODE)?;
        if command.is_empty() {
            continue;
        }
        store.write(Transaction::NONE, NODE, b"")?;
        println!("asked to end: {}", command.escape_ascii());
        reason = match command.as_slice() {
            b"poweroff" | b"halt" => Some(ShutdownReason::POWEROFF),
            b"reboot" => Some(ShutdownReason::REBOOT),
            _ => reason,
        };
    }
    Ok(reason)
}
