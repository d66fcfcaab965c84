//! Input from the console: fetched when VIRQ_CONSOLE says so, or by asking again and again where
//! there are no events.
//!
//! The event comes when input arrives where none waited, so a handler must fetch all there is, or
//! remember that it has not.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use super::queue::Queue;
use crate::{
    abi::event_channel::VIRQ_CONSOLE,
    atomic_fn::AtomicFn,
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
            Ok(count @ 1..) => take(&mut queue, &bytes[..count]),
            _ => return,
        }
    }
}

/// Keys that end a program that runs: Ctrl-C, and Ctrl-\ where that is the terminal's.
const INTERRUPTS: [u8; 2] = [0x03, 0x1c];

/// Ends what runs; returns whether there was anything.
type Interrupt = fn() -> bool;

static INTERRUPT: AtomicFn<Interrupt> = AtomicFn::empty();

/// Readers that wait for a line: a key that would end a program is theirs then.
static READERS: AtomicU32 = AtomicU32::new(0);

/// Sets what is called when a key ends what runs; events are disabled then.
pub(crate) fn set_interrupt(interrupt: Interrupt) {
    INTERRUPT.store(Some(interrupt));
}

/// While this lives, somebody reads a line.
pub(super) struct Reader(());

impl Reader {
    pub(super) fn begin() -> Self {
        READERS.fetch_add(1, Relaxed);
        Self(())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        READERS.fetch_sub(1, Relaxed);
    }
}

/// Queues bytes, but keys that end what runs; what was typed before is forgotten then.
fn take(queue: &mut Queue<256>, bytes: &[u8]) {
    for &byte in bytes {
        let is_key = INTERRUPTS.contains(&byte) && READERS.load(Relaxed) == 0;
        if is_key && INTERRUPT.load().is_some_and(|interrupt| interrupt()) {
            *queue = Queue::new();
        } else {
            queue.push(&[byte]);
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
