//! One run of a machine, from its start to the word on how it ended.
//!
//! Two threads turn the console and the status port into events; this loop takes them in one place
//! and has the only clock. Whatever happens, the emulator is gone when it returns.

mod records;
mod state;
mod status;

use std::fs::File;
use std::io::BufReader;
use std::net::TcpStream;
use std::path::Path;
use std::process::{ChildStdout, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::link::Link;
use super::process::Process;
use crate::disk::DiskFile;
use crate::end::End;
use records::Records;
use state::State;

/// Something that happened to a running machine.
#[derive(Debug)]
pub(crate) enum Event {
    /// The console is there; this end of it can be written to.
    Connected(TcpStream),
    /// The console said something.
    Console(Vec<u8>),
    /// The console will say no more.
    ConsoleClosed,
    /// A line of the status port.
    Status(String),
    /// What the status port says cannot be taken.
    StatusFailed(anyhow::Error),
    /// The emulator has ended.
    StatusClosed,
    /// A signal asks us to stop.
    Signal(i32),
}

/// Who hears what the console says.
pub(crate) trait Listener {
    /// The console can be written to from now on.
    fn connected(&mut self, console: TcpStream);
    /// The console said this.
    fn console(&mut self, bytes: &[u8]);
}

/// How a watched run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// By itself or by the time limit.
    Ended(End),
    /// The hypervisor said how it ended, but the machine did not leave.
    Stuck(End),
    /// By a signal to us.
    Interrupted(i32),
}

/// A machine about to be watched.
#[derive(Debug)]
pub(crate) struct Watch {
    link: Link,
    records: Records,
    events: (Sender<Event>, Receiver<Event>),
}

impl Watch {
    /// Prepares the console.
    ///
    /// # Errors
    /// No port is free.
    pub(crate) fn prepare() -> Result<Self> {
        Ok(Self { link: Link::open()?, records: Records::default(), events: channel() })
    }

    /// Writes the records of a trace to `file`.
    pub(crate) fn trace_to(&mut self, file: File) {
        self.records.trace_to(file);
    }

    /// Writes what changes on the guest's disk to `file`.
    pub(crate) fn disk_to(&mut self, file: DiskFile) {
        self.records.disk_to(file);
    }

    /// The port at which the emulator must dial in.
    ///
    /// # Errors
    /// The system does not tell.
    pub(crate) fn port(&self) -> Result<u16> {
        self.link.port()
    }

    /// Where signals are reported.
    pub(crate) fn sender(&self) -> Sender<Event> {
        self.events.0.clone()
    }

    /// Starts `command` and watches it until it ends or `limit` is over.
    ///
    /// # Errors
    /// The command cannot be started, or the status port says what it never should.
    pub(crate) fn run(
        self,
        command: Command,
        directory: &Path,
        limit: Option<Duration>,
        listener: &mut impl Listener,
    ) -> Result<Finish> {
        let (process, output) = Process::start(command, directory)?;
        let (sender, receiver) = self.events;
        let abandon = self.link.serve(sender.clone());
        report_status(output, self.records, sender);
        let mut state = State::new(process, abandon, limit);
        while !state.is_over() {
            match receiver.recv_timeout(state.patience()) {
                Ok(event) => state.take(event, listener)?,
                Err(RecvTimeoutError::Timeout) => state.expire(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(state.finish())
    }
}

/// Reports each line of the emulator's output, then its end; keeps its records.
fn report_status(output: ChildStdout, mut records: Records, events: Sender<Event>) {
    thread::spawn(move || {
        let line = |line: String| events.send(Event::Status(line)).is_ok();
        let split = status::split(BufReader::new(output), |record| records.take(record), line);
        // All records are kept before the run counts as over.
        if let Err(error) = split.and(records.finish()) {
            let _ = events.send(Event::StatusFailed(error));
        }
        let _ = events.send(Event::StatusClosed);
    });
}

#[cfg(test)]
mod tests;
