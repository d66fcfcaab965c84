//! What is known of a run so far, and what each event makes of it.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::{Event, Finish, Listener};
use crate::end::{End, parse_verdict};
use crate::machine::link::Abandon;
use crate::machine::process::Process;

/// Time for the machine to end after its verdict, and for the last output after its end.
const GRACE: Duration = Duration::from_millis(if cfg!(test) { 300 } else { 5000 });

/// How long to wait for events when there is no time limit: any long time will do.
const LONG: Duration = Duration::from_hours(1);

/// The state of a run.
#[derive(Debug)]
pub(super) struct State {
    process: Process,
    abandon: Abandon,
    deadline: Option<Instant>,
    /// Whether the status port and the console can still say something.
    open: (bool, bool),
    verdict: Option<End>,
    /// Why we ended it, if it did not end by itself.
    cause: Option<Finish>,
}

impl State {
    /// A run that has just begun.
    pub(super) fn new(process: Process, abandon: Abandon, limit: Option<Duration>) -> Self {
        let deadline = limit.map(|limit| Instant::now() + limit);
        Self { process, abandon, deadline, open: (true, true), verdict: None, cause: None }
    }

    /// Whether nothing more can happen.
    pub(super) fn is_over(&self) -> bool {
        self.open == (false, false)
    }

    /// How long to wait for the next event.
    pub(super) fn patience(&self) -> Duration {
        self.deadline.map_or(LONG, |deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Takes one event.
    pub(super) fn take(&mut self, event: Event, listener: &mut impl Listener) -> Result<()> {
        match event {
            Event::Connected(console) => listener.connected(console),
            Event::Console(bytes) => listener.console(&bytes),
            Event::ConsoleClosed => self.open.1 = false,
            Event::Status(line) => self.status(&line)?,
            Event::StatusFailed(error) => return Err(error),
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
    pub(super) fn expire(&mut self) {
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
    pub(super) fn finish(mut self) -> Finish {
        if self.cause.is_none() && !self.open.0 {
            self.process.note_signal();
        }
        match (self.verdict, self.cause) {
            (_, Some(Finish::Interrupted(signal))) => Finish::Interrupted(signal),
            (Some(end), None) => Finish::Ended(end),
            (Some(end), Some(_)) => Finish::Stuck(end),
            (None, Some(cause)) => cause,
            (None, None) => Finish::Ended(End::NoVerdict),
        }
    }
}
