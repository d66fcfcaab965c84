//! The timers of a vCPU: a one-shot and a periodic one, both of which raise `VIRQ_TIMER`.
//!
//! Times are system time in nanoseconds. Nothing here runs: who owns the hardware timer asks for
//! [`Timers::next_deadline`] and calls [`Timers::expire`] when it has come.

/// Returns the earlier of two deadlines of which either may not be there.
pub const fn earliest(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(a), Some(b)) => Some(if a < b { a } else { b }),
        (Some(deadline), None) | (None, Some(deadline)) => Some(deadline),
        (None, None) => None,
    }
}

/// The timers of a vCPU.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Timers {
    single_ns: Option<u64>,
    periodic: Option<Periodic>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Periodic {
    /// More than 0.
    period_ns: u64,
    next_ns: u64,
}

/// The shortest period that may be asked for (`common/domain.c`, `VCPUOP_set_periodic_timer`).
pub const MIN_PERIOD_NS: u64 = 1_000_000;
/// The longest one: a later time is then still a signed number, for 146 years.
#[doc(alias = "STIME_DELTA_MAX")]
pub const MAX_PERIOD_NS: u64 = u64::MAX >> 2;

/// The period is none that a timer can have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BadPeriod;

impl Timers {
    /// Makes timers that are off.
    pub const fn new() -> Self {
        Self { single_ns: None, periodic: None }
    }

    /// Makes the one-shot timer due at `deadline_ns`, which may have passed.
    pub const fn set_single(&mut self, deadline_ns: u64) {
        self.single_ns = Some(deadline_ns);
    }

    /// Stops the one-shot timer.
    pub const fn stop_single(&mut self) {
        self.single_ns = None;
    }

    /// Starts the periodic timer, first due a period after `now_ns`.
    ///
    /// # Errors
    ///
    /// When the period is shorter than [`MIN_PERIOD_NS`] or longer than [`MAX_PERIOD_NS`].
    pub fn set_periodic(&mut self, period_ns: u64, now_ns: u64) -> Result<(), BadPeriod> {
        if !(MIN_PERIOD_NS..=MAX_PERIOD_NS).contains(&period_ns) {
            return Err(BadPeriod);
        }
        let next_ns = now_ns.saturating_add(period_ns);
        self.periodic = Some(Periodic { period_ns, next_ns });
        Ok(())
    }

    /// Stops the periodic timer.
    pub const fn stop_periodic(&mut self) {
        self.periodic = None;
    }

    /// Returns when [`Self::expire`] has something to do next.
    pub fn next_deadline(&self) -> Option<u64> {
        let periodic = self.periodic.map(|timer| timer.next_ns);
        earliest(self.single_ns, periodic)
    }

    /// Moves on what is due at `now_ns`, and returns whether anything was: `VIRQ_TIMER` is to be
    /// raised, once. Periods that were missed are not made up for, and the ticks stay in step.
    #[must_use]
    pub fn expire(&mut self, now_ns: u64) -> bool {
        let single_due = self.single_ns.take_if(|deadline| *deadline <= now_ns).is_some();
        let periodic_due = self.periodic.as_mut().is_some_and(|timer| timer.expire(now_ns));
        single_due || periodic_due
    }
}

impl Periodic {
    fn expire(&mut self, now_ns: u64) -> bool {
        let Some(late) = now_ns.checked_sub(self.next_ns) else { return false };
        let until_next = self.period_ns - late % self.period_ns;
        self.next_ns = now_ns.saturating_add(until_next);
        true
    }
}

#[cfg(test)]
mod tests;
