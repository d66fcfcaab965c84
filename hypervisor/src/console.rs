//! The serial console: the log and the console of the domain that has it share the first UART.
//!
//! Bytes from domains are queued and sent as the UART takes them, so that a slow line delays the
//! writer only, and that only when the queue is full. The log waits for the line: it is short, and
//! what it says last matters most.

use crate::cpu::clock::tsc;
use spin::Mutex;
use uart_16550::backend::PioBackend;
use uart_16550::spec::registers::{IER, LSR};
use uart_16550::{BaudRate, Config, Uart16550};
use xenolith_core::address::Gpa;
use xenolith_core::console::{ConsoleQueues, ConsoleRing, LineWatch};

const COM1: u16 = 0x3f8;
/// Polls of the line status after which a transmitter counts as dead: some seconds at 115,200 baud.
const STUCK_POLLS: u32 = 10_000_000;

struct Console {
    uart: Option<Uart16550<PioBackend>>,
    queues: ConsoleQueues,
    watch: LineWatch,
}

static CONSOLE: Mutex<Console> =
    Mutex::new(Console { uart: None, queues: ConsoleQueues::new(), watch: LineWatch::new() });

/// Starts the UART at 115,200 baud, if there is one.
pub(crate) fn init() {
    // SAFETY: COM1 is the hypervisor's alone: guests have no access to I/O ports.
    let Ok(mut uart) = (unsafe { Uart16550::new_port(COM1) }) else { return };
    let interrupts = IER::DATA_READY;
    let config = Config { baud_rate: BaudRate::Baud115200, interrupts, ..Config::DEFAULT };
    if uart.init(config).is_ok() {
        CONSOLE.lock().uart = Some(uart);
    }
}

/// Runs `action` on the queues between the domain and the line.
pub(crate) fn with_queues<R>(action: impl FnOnce(&mut ConsoleQueues) -> R) -> R {
    action(&mut CONSOLE.lock().queues)
}

/// Lets the domain use the ring in `page` of its memory.
pub(crate) fn share_ring(page: Gpa) {
    with_queues(|queues| queues.ring = Some(ConsoleRing::new(page)));
}

/// Moves what can be moved without waiting; returns whether output is still queued.
pub(crate) fn pump() -> bool {
    let mut console = CONSOLE.lock();
    console.pump();
    !console.queues.output.is_empty()
}

/// Sends everything that is queued and waits until the line is idle.
pub(crate) fn flush() {
    let mut console = CONSOLE.lock();
    console.drain();
    if let Some(uart) = &mut console.uart {
        let idle = |uart: &mut Uart16550<PioBackend>| uart.lsr().contains(LSR::TRANSMITTER_EMPTY);
        let _ = (0..STUCK_POLLS).find(|_| idle(uart));
    }
}

/// Sends a piece of the log behind everything that is queued.
pub(crate) fn write_log(text: &[u8]) {
    let mut console = CONSOLE.lock();
    for piece in text.chunks(xenolith_core::console::OUTPUT_BYTES / 2) {
        console.drain();
        console.queues.write(piece);
    }
    console.drain();
}

/// Ends the line that a domain has begun, so that the log starts on its own.
pub(crate) fn start_line() {
    if with_queues(|queues| queues.in_line()) {
        write_log(b"\n");
    }
}

/// Makes the console usable again after a panic in the middle of its use.
///
/// # Safety
///
/// No other CPU may be using the console, and the interrupted user must not go on.
pub(crate) unsafe fn break_lock() {
    // SAFETY: the caller guarantees that no holder of the lock will use it again.
    unsafe { CONSOLE.force_unlock() };
}

impl Console {
    fn pump(&mut self) {
        let Some(uart) = &mut self.uart else {
            self.queues.output.clear();
            return;
        };
        let waits = !self.queues.output.is_empty();
        let mut has_taken = false;
        loop {
            let sent = uart.send_bytes(self.queues.output.front());
            if sent == 0 {
                break;
            }
            has_taken = true;
            self.queues.output.consume(sent);
        }
        if self.watch.look(waits, has_taken, tsc()) {
            self.queues.output.clear();
        }
        while let Ok(byte) = uart.try_receive_byte() {
            self.queues.receive(byte);
        }
    }

    fn drain(&mut self) {
        for _ in 0..STUCK_POLLS {
            if self.queues.output.is_empty() {
                return;
            }
            self.pump();
        }
        self.queues.output.clear();
    }
}
