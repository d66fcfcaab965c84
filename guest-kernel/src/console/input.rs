//! Input from the console: fetched when VIRQ_CONSOLE says so, or by asking again and again where
//! there are no events.
//!
//! The event comes when input arrives where none waited, so a handler must fetch all there is, or
//! remember that it has not.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::queue::Queue;
use crate::{
    abi::event_channel::VIRQ_CONSOLE,
    events::{self, Port},
    hypercall::{Errno, event_channel::Virq},
    irq::{self, EventsOffLock},
    platform,
    tasks::{self, WaitQueue},
};

/// Bytes that wait here; more wait in the hypervisor.
static QUEUE: EventsOffLock<Queue<256>> = EventsOffLock::new(Queue::new());

/// Tasks that wait for input.
static ARRIVED: WaitQueue = WaitQueue::new();

/// Whether events tell of input.
static BY_EVENTS: AtomicBool = AtomicBool::new(false);

/// Whether the hypervisor may hold input that no event will tell of.
static MORE: AtomicBool = AtomicBool::new(true);

/// Binds VIRQ_CONSOLE to a port of its own; returns the port. After [`events::install`].
///
/// # Errors
///
/// The hypervisor's: `EEXIST` if VIRQ_CONSOLE has a port already.
pub fn install() -> Result<Port, Errno> {
    let port = (platform::current().bind_virq)(Virq(VIRQ_CONSOLE))?;
    events::set_handler(port, |_| {
        fetch();
        ARRIVED.wake_all();
    });
    events::unmask(port);
    BY_EVENTS.store(true, Relaxed);
    Ok(port)
}

/// Fetches as much input as there is room for.
fn fetch() {
    let mut queue = QUEUE.lock();
    let mut bytes = [0; 64];
    loop {
        let room = queue.room().min(bytes.len());
        MORE.store(room == 0, Relaxed);
        match (platform::current().read)(&mut bytes[..room]) {
            Ok(count @ 1..) => queue.push(&bytes[..count]),
            _ => return,
        }
    }
}

/// Returns the next byte that was typed, if there is one.
pub fn read_byte() -> Option<u8> {
    let byte = QUEUE.lock().pop();
    if byte.is_some() {
        return byte;
    }
    if BY_EVENTS.load(Relaxed) && !MORE.load(Relaxed) {
        return None;
    }
    fetch();
    QUEUE.lock().pop()
}

/// Waits for the next byte that is typed: other tasks run meanwhile, or where there are none, halted
/// where events can wake us.
pub fn wait_for_byte() -> u8 {
    if tasks::is_started() && BY_EVENTS.load(Relaxed) {
        return ARRIVED.wait_for(read_byte);
    }
    loop {
        let before = irq::save_fl();
        irq::irq_disable();
        // Disabled from the look to the wait: input that comes between ends the wait.
        let byte = read_byte();
        if byte.is_none() {
            wait();
        }
        irq::restore_fl(before);
        if let Some(byte) = byte {
            return byte;
        }
    }
}

/// Waits for anything to happen, with events disabled before and afterwards.
fn wait() {
    if BY_EVENTS.load(Relaxed) {
        irq::safe_halt();
        irq::irq_disable();
    } else {
        (platform::current().yield_now)();
    }
}
