//! One run of a machine, from its start to the word on how it ended.
//!
//! Two threads turn the console and the status port into events; this loop takes them in one place
//! and has the only clock. Whatever happens, the emulator is gone when it returns.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{ChildStdout, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::link::{Abandon, Link};
use super::process::Process;
use crate::end::{End, parse_verdict};

/// Time for the machine to end after its verdict, and for the last output after its end.
const GRACE: Duration = Duration::from_millis(if cfg!(test) { 300 } else { 5000 });

/// How long to wait for events when there is no time limit: any long time will do.
const LONG: Duration = Duration::from_hours(1);

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
    events: (Sender<Event>, Receiver<Event>),
}

impl Watch {
    /// Prepares the console.
    ///
    /// # Errors
    /// No port is free.
    pub(crate) fn prepare() -> Result<Self> {
        Ok(Self { link: Link::open()?, events: channel() })
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
        let (process, output) = Process::start(command, &directory.join("emulator.err"))?;
        let (sender, receiver) = self.events;
        let abandon = self.link.serve(sender.clone());
        report_status(output, sender);
        let deadline = limit.map(|limit| Instant::now() + limit);
        let mut run =
            Run { process, abandon, deadline, open: (true, true), verdict: None, cause: None };
        while run.open != (false, false) {
            match receiver.recv_timeout(run.patience()) {
                Ok(event) => run.take(event, listener)?,
                Err(RecvTimeoutError::Timeout) => run.expire(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(run.finish())
    }
}

/// Reports each line of the emulator's output, then its end.
fn report_status(output: ChildStdout, events: Sender<Event>) {
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n') {
            let Ok(line) = line else { break };
            let line = String::from_utf8_lossy(&line).into_owned();
            if events.send(Event::Status(line)).is_err() {
                return;
            }
        }
        let _ = events.send(Event::StatusClosed);
    });
}

/// The state of a run.
struct Run {
    process: Process,
    abandon: Abandon,
    deadline: Option<Instant>,
    /// Whether the status port and the console can still say something.
    open: (bool, bool),
    verdict: Option<End>,
    /// Why we ended it, if it did not end by itself.
    cause: Option<Finish>,
}

impl Run {
    /// How long to wait for the next event.
    fn patience(&self) -> Duration {
        self.deadline.map_or(LONG, |deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Takes one event.
    fn take(&mut self, event: Event, listener: &mut impl Listener) -> Result<()> {
        match event {
            Event::Connected(console) => listener.connected(console),
            Event::Console(bytes) => listener.console(&bytes),
            Event::ConsoleClosed => self.open.1 = false,
            Event::Status(line) => self.status(&line)?,
            Event::StatusClosed => {
                self.open.0 = false;
                self.abandon.abandon();
                self.allow(GRACE);
            }
            Event::Signal(signal) => self.stop(Finish::Interrupted(signal)),
        }
        Ok(())
    }

    /// Takes a line of the status port.
    fn status(&mut self, line: &str) -> Result<()> {
        match (parse_verdict(line), self.verdict) {
            (None, _) => {}
            (Some(Err(word)), _) => bail!("the hypervisor ended with the unknown verdict `{word}`"),
            (Some(Ok(second)), Some(first)) => {
                bail!("the hypervisor gave two verdicts: {}, then {}", first.word(), second.word());
            }
            (Some(Ok(end)), None) => {
                self.verdict = Some(end);
                self.allow(GRACE);
            }
        }
        Ok(())
    }

    /// The time is over: ends the emulator, or stops listening for its last words.
    fn expire(&mut self) {
        match self.deadline {
            Some(deadline) if deadline <= Instant::now() => {}
            _ => return,
        }
        if self.cause.is_some() || !self.open.0 {
            self.open = (false, false);
        } else {
            self.stop(Finish::Ended(End::Timeout));
        }
    }

    /// Ends the emulator.
    fn stop(&mut self, cause: Finish) {
        self.cause.get_or_insert(cause);
        self.process.kill();
        self.allow(GRACE);
    }

    /// Moves the deadline to `time` from now.
    fn allow(&mut self, time: Duration) {
        self.deadline = Some(Instant::now() + time);
    }

    /// How the run came to its end.
    fn finish(&self) -> Finish {
        match (self.verdict, self.cause) {
            (_, Some(Finish::Interrupted(signal))) => Finish::Interrupted(signal),
            (Some(end), None) => Finish::Ended(end),
            (Some(end), Some(_)) => Finish::Stuck(end),
            (None, Some(cause)) => cause,
            (None, None) => Finish::Ended(End::NoVerdict),
        }
    }
}

#[cfg(test)]
mod tests;
