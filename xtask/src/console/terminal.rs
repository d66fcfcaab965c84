//! The terminal's mode: each key goes to the guest at once, without an echo of ours.
//!
//! The mode is put back when the guard is dropped and, because a panic may abort without dropping
//! anything, by a panic hook as well. Ctrl-C stays a signal; Ctrl-Z and Ctrl-\ go to the guest.

use std::io;
use std::panic;

use anyhow::{Context, Result};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr, tcsetattr,
};

/// Value of a special character that no key makes: `_POSIX_VDISABLE` on Linux.
const NO_KEY: u8 = 0;

/// A terminal in raw mode.
pub(crate) struct RawMode {
    before: Termios,
}

impl RawMode {
    /// Takes standard input out of its line mode; nothing happens if it is no terminal.
    ///
    /// # Errors
    /// The terminal refuses.
    pub(crate) fn enter() -> Result<Option<Self>> {
        let stdin = io::stdin();
        if !isatty(&stdin) {
            return Ok(None);
        }
        let before = tcgetattr(&stdin).context("cannot read the terminal's mode")?;
        put_back_on_panic(before.clone());
        // Before the mode changes, so that a failure half way is undone as well.
        let guard = Self { before };
        let raw = raw(&guard.before);
        tcsetattr(&stdin, OptionalActions::Now, &raw)
            .context("cannot change the terminal's mode")?;
        Ok(Some(guard))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        put_back(&self.before);
    }
}

/// The mode in which keys are passed on; output is left as it is.
fn raw(before: &Termios) -> Termios {
    let mut raw = before.clone();
    raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN;
    raw.special_codes[SpecialCodeIndex::VSUSP] = NO_KEY;
    raw.special_codes[SpecialCodeIndex::VQUIT] = NO_KEY;
    raw.special_codes[SpecialCodeIndex::VMIN] = 1;
    raw.special_codes[SpecialCodeIndex::VTIME] = 0;
    raw
}

/// Puts a mode back; the terminal may be gone, and then there is nothing to put back.
fn put_back(mode: &Termios) {
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, mode);
}

/// Puts the mode back before a panic is reported.
fn put_back_on_panic(mode: Termios) {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |information| {
        put_back(&mode);
        report(information);
    }));
}
