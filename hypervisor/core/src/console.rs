//! Queues between a domain's console and the line.
//!
//! Both are bounded: a writer that finds no [`ConsoleQueues::room`] has to try again later, input
//! that nobody reads is dropped when the queue is full. A domain reaches them by `console_io`, and
//! by the ring of its `start_info`. Input is the ring's from the first event that the domain sends
//! through the ring's port until that port is closed, and `console_io`'s before and afterwards.

mod escape;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
mod queue;
mod ring;
#[cfg(test)]
mod tests;
mod watch;

pub use self::queue::ByteQueue;
pub use self::ring::ConsoleRing;
pub use self::watch::LineWatch;

pub use self::escape::Request;
use self::escape::{Escape, Typed};
use crate::guest_memory::GuestMemory;

/// Bytes that wait for the line.
pub const OUTPUT_BYTES: usize = 8192;
/// Bytes that wait for a reader.
pub const INPUT_BYTES: usize = 1024;

/// The queues of one console.
#[derive(Clone, Debug, Default)]
pub struct ConsoleQueues {
    /// To the line.
    pub output: ByteQueue<OUTPUT_BYTES>,
    /// From the line.
    pub input: ByteQueue<INPUT_BYTES>,
    /// The ring that the domain shares, if it has one.
    pub ring: Option<ConsoleRing>,
    in_line: bool,
    escape: Escape,
    request: Option<Request>,
    shutdown_asked: Option<&'static str>,
}

impl ConsoleQueues {
    /// Makes empty queues.
    pub const fn new() -> Self {
        Self {
            output: ByteQueue::new(),
            input: ByteQueue::new(),
            ring: None,
            in_line: false,
            escape: Escape::new(),
            request: None,
            shutdown_asked: None,
        }
    }

    /// Returns whether the last byte written did not end a line.
    pub const fn in_line(&self) -> bool {
        self.in_line
    }

    /// Returns how many bytes [`Self::write`] takes for certain: a line end needs two places.
    pub const fn room(&self) -> usize {
        self.output.room() / 2
    }

    /// Queues `text`, line ends with a carriage return before them. The caller asked
    /// [`Self::room`]; what does not fit is dropped.
    pub fn write(&mut self, text: &[u8]) {
        for piece in text.split_inclusive(|byte| *byte == b'\n') {
            let line = piece.strip_suffix(b"\n");
            self.output.extend(line.unwrap_or(piece));
            if line.is_some() {
                self.output.extend(b"\r\n");
            }
            self.in_line = line.is_none();
        }
    }

    /// Queues `bytes` as they are, as far as there is room.
    fn write_raw(&mut self, bytes: &[u8]) {
        self.output.extend(bytes);
        if let Some(last) = bytes.last() {
            self.in_line = *last != b'\n';
        }
    }

    /// Returns whether input is for the ring.
    fn is_input_for_ring(&self) -> bool {
        self.ring.is_some_and(|ring| ring.is_attached())
    }

    /// Takes a byte that was typed: input, or a part of what is typed for the hypervisor.
    pub fn receive(&mut self, byte: u8) {
        match self.escape.typed(byte) {
            Typed::Input { escapes } => {
                for _ in 0..escapes {
                    self.input.push(escape::KEY);
                }
                self.input.push(byte);
            }
            Typed::Command(b'p') => self.shutdown_asked = Some("poweroff"),
            Typed::Command(b'r') => self.shutdown_asked = Some("reboot"),
            Typed::Command(key) => self.request = Request::of(key).or(self.request),
            Typed::Held => {}
        }
    }

    /// Returns what the hypervisor was last asked for since the previous call.
    pub const fn take_request(&mut self) -> Option<Request> {
        self.request.take()
    }

    /// Returns how the domain has been asked, since the last call, to end itself: what is written to
    /// its `control/shutdown` in the store.
    pub const fn take_shutdown_request(&mut self) -> Option<&'static str> {
        self.shutdown_asked.take()
    }

    /// Returns how many bytes of input wait for `console_io`.
    pub fn unread(&self) -> usize {
        if self.is_input_for_ring() { 0 } else { INPUT_BYTES - self.input.room() }
    }

    /// Moves bytes between queues and ring, when the domain has sent an event through the ring's
    /// port. Returns whether it is to be told.
    pub fn ring_event<M: GuestMemory>(&mut self, memory: &mut M) -> bool {
        if let Some(ring) = &mut self.ring {
            ring.attach();
        }
        self.serve_ring(memory)
    }

    /// Moves bytes between queues and ring as far as it is in use and there is room. Returns
    /// whether the domain is to be told.
    pub fn serve_ring<M: GuestMemory>(&mut self, memory: &mut M) -> bool {
        let Some(mut ring) = self.ring.filter(ConsoleRing::is_attached) else { return false };
        let taken = ring.take_output(memory, self.output.room(), |bytes| self.write_raw(bytes));
        let given = ring.give_input(memory, &mut self.input);
        self.ring = Some(ring);
        taken || given
    }

    /// Gives input back to `console_io`, when the domain has closed the ring's port.
    pub fn detach_ring(&mut self) {
        if let Some(ring) = &mut self.ring {
            ring.detach();
        }
    }
}
