//! The user's terminal as the guest's console.
//!
//! `terminal` takes it out of its line mode and puts it back, `input` carries what is typed,
//! `screen` shows what the guest says, `signals` turns Ctrl-C into an event.

pub(crate) mod input;
pub(crate) mod screen;
pub(crate) mod signals;
pub(crate) mod terminal;
