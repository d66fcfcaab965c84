//! The guest's words on standard output, and the start of the way back.

use std::io::{self, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::input::{Activity, ask_for_poweroff, carry_stdin};
use crate::machine::watch::Listener;

/// Whether standard input goes to the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyboard {
    /// It does.
    Attached,
    /// It is left alone.
    Detached,
}

/// A console that shows what the guest says.
#[derive(Debug)]
pub(crate) struct Screen {
    keyboard: Keyboard,
    activity: Activity,
    /// When the domain is asked to power off.
    poweroff_after: Option<Duration>,
    /// The last byte shown.
    last: u8,
}

impl Screen {
    /// A screen on which nothing has been shown yet.
    pub(crate) fn new(keyboard: Keyboard, poweroff_after: Option<Duration>) -> Self {
        Self { keyboard, activity: Activity::none_yet(), poweroff_after, last: b'\n' }
    }

    /// Ends a line that the guest left open.
    pub(crate) fn end_line(&self) {
        if self.last != b'\n' {
            show(b"\n");
        }
    }
}

impl Listener for Screen {
    fn connected(&mut self, console: TcpStream) {
        if let Some((after, console)) = self.poweroff_after.zip(console.try_clone().ok()) {
            ask_for_poweroff(console, after);
        }
        if self.keyboard == Keyboard::Attached {
            carry_stdin(console, self.activity.clone());
        }
    }

    fn console(&mut self, bytes: &[u8]) {
        self.activity.note();
        self.last = bytes.last().copied().unwrap_or(self.last);
        show(bytes);
    }
}

/// Writes to standard output at once. Nobody may be reading it any more, which must not end the
/// run before its time.
fn show(bytes: &[u8]) {
    let mut output = io::stdout().lock();
    let _ = output.write_all(bytes).and_then(|()| output.flush());
}
