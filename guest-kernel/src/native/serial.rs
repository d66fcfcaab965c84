//! The console: the first serial port.

use spin::Once;
use uart_16550::{
    BaudRate, Config, Uart16550,
    backend::PioBackend,
    spec::registers::{IER, LSR},
};

use crate::{abi::errno::EPERM, hypercall::Errno, irq::EventsOffLock};

const COM1: u16 = 0x3f8;

/// Polls of the line status after which a transmitter counts as dead: some seconds at 115,200 baud.
const STUCK_POLLS: u32 = 10_000_000;

static UART: Once<EventsOffLock<Uart16550<PioBackend>>> = Once::new();

/// Starts the port at 115,200 baud, if there is one; it interrupts when something was typed.
pub(super) fn init() {
    // SAFETY: the port is used here only, and by no hypervisor.
    let Ok(mut uart) = (unsafe { Uart16550::new_port(COM1) }) else { return };
    let interrupts = IER::DATA_READY;
    let config = Config { baud_rate: BaudRate::Baud115200, interrupts, ..Config::DEFAULT };
    if uart.init(config).is_ok() {
        UART.call_once(|| EventsOffLock::new(uart));
    }
}

/// Sends all bytes; a line end becomes carriage return and line feed, as the hypervisor makes it.
///
/// # Errors
///
/// `EPERM` without a port, or if it takes nothing.
pub(super) fn write(bytes: &[u8]) -> Result<(), Errno> {
    let uart = UART.get().ok_or(Errno(EPERM))?;
    let mut uart = uart.lock();
    for &byte in bytes {
        if byte == b'\n' {
            send(&mut uart, b'\r')?;
        }
        send(&mut uart, byte)?;
    }
    Ok(())
}

fn send(uart: &mut Uart16550<PioBackend>, byte: u8) -> Result<(), Errno> {
    let sent = (0..STUCK_POLLS).any(|_| uart.send_bytes(&[byte]) == 1);
    if sent { Ok(()) } else { Err(Errno(EPERM)) }
}

/// Takes what was typed, as much as fits; returns how much.
///
/// # Errors
///
/// `EPERM` without a port.
pub(super) fn read(buffer: &mut [u8]) -> Result<usize, Errno> {
    let uart = UART.get().ok_or(Errno(EPERM))?;
    let mut uart = uart.lock();
    let mut count = 0;
    for place in buffer {
        let Ok(byte) = uart.try_receive_byte() else { break };
        *place = byte;
        count += 1;
    }
    Ok(count)
}

/// Waits until everything has left the port.
pub(super) fn flush() {
    let Some(uart) = UART.get() else { return };
    // Whoever holds the lock may have been interrupted for good.
    let Some(mut uart) = uart.try_lock() else { return };
    let _ = (0..STUCK_POLLS).find(|_| uart.lsr().contains(LSR::TRANSMITTER_EMPTY));
}
