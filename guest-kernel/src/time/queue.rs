//! What shall happen when, in a fixed number of places.

use core::time::Duration;

use super::SystemTime;

/// What an alarm calls, from the timer's upcall.
pub type Handler = fn(SystemTime);

/// Something that shall happen.
#[derive(Clone, Copy, Debug)]
pub struct Alarm {
    /// When, or when next.
    pub deadline: SystemTime,
    /// How long after that again, if at all.
    pub period: Option<Duration>,
    /// What is called, with the deadline.
    pub handler: Handler,
}

/// An alarm that was set; no other has the same number, ever.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AlarmId(u64);

/// Every place is taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Full;

/// At most `N` alarms.
#[derive(Debug)]
pub struct Queue<const N: usize> {
    places: [Option<(AlarmId, Alarm)>; N],
    next_id: u64,
}

impl<const N: usize> Queue<N> {
    /// Returns a queue without alarms.
    #[expect(clippy::new_without_default, reason = "only ever a static's initializer")]
    pub const fn new() -> Self {
        Self { places: [None; N], next_id: 0 }
    }

    /// Adds an alarm.
    ///
    /// # Errors
    ///
    /// If every place is taken.
    pub fn add(&mut self, alarm: Alarm) -> Result<AlarmId, Full> {
        let place = self.places.iter_mut().find(|place| place.is_none()).ok_or(Full)?;
        let id = AlarmId(self.next_id);
        self.next_id += 1;
        *place = Some((id, alarm));
        Ok(id)
    }

    /// Takes an alarm away; returns it unless it has been called for the last time.
    pub fn cancel(&mut self, id: AlarmId) -> Option<Alarm> {
        let place =
            self.places.iter_mut().find(|place| matches!(place, Some((is, _)) if *is == id));
        place?.take().map(|(_, alarm)| alarm)
    }

    /// Returns when the next alarm is due.
    pub fn next_deadline(&self) -> Option<SystemTime> {
        self.iter().map(|alarm| alarm.deadline).min()
    }

    /// Returns the alarms.
    pub fn iter(&self) -> impl Iterator<Item = &Alarm> {
        self.places.iter().flatten().map(|(_, alarm)| alarm)
    }

    /// Returns the earliest alarm that is due, as it was, and takes it away or sets it again.
    ///
    /// A periodic alarm that is late keeps its rhythm and leaves out what it has missed.
    pub fn take_due(&mut self, now: SystemTime) -> Option<Alarm> {
        let place = self
            .places
            .iter_mut()
            .filter(|place| matches!(place, Some((_, alarm)) if alarm.deadline <= now))
            .min_by_key(|place| place.map(|(_, alarm)| alarm.deadline))?;
        let (id, due) = place.take()?;
        *place = due.following(now).map(|next| (id, next));
        Some(due)
    }
}

impl Alarm {
    /// Returns the alarm set for its first deadline after `now`, if it has another.
    fn following(self, now: SystemTime) -> Option<Self> {
        let period = u64::try_from(self.period?.as_nanos()).ok().filter(|&ns| ns != 0)?;
        let missed = now.ns().saturating_sub(self.deadline.ns()) / period;
        let ahead = Duration::from_nanos(period.saturating_mul(missed + 1));
        Some(Self { deadline: self.deadline + ahead, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ns: u64) -> SystemTime {
        SystemTime::from_ns(ns)
    }

    fn once(ns: u64) -> Alarm {
        Alarm { deadline: at(ns), period: None, handler: |_| {} }
    }

    fn every(ns: u64, period: u64) -> Alarm {
        Alarm { period: Some(Duration::from_nanos(period)), ..once(ns) }
    }

    fn due(queue: &mut Queue<4>, now: u64) -> Vec<u64> {
        core::iter::from_fn(|| queue.take_due(at(now))).map(|alarm| alarm.deadline.ns()).collect()
    }

    #[test]
    fn alarms_are_due_in_order_and_once() {
        let mut queue = Queue::<4>::new();
        for ns in [30, 10, 20] {
            queue.add(once(ns)).unwrap();
        }
        assert_eq!(queue.next_deadline(), Some(at(10)));
        assert_eq!(due(&mut queue, 9), []);
        assert_eq!(due(&mut queue, 20), [10, 20]);
        assert_eq!(queue.next_deadline(), Some(at(30)));
        assert_eq!(due(&mut queue, 1000), [30]);
        assert_eq!(queue.next_deadline(), None);
    }

    #[test]
    fn a_periodic_alarm_keeps_its_rhythm() {
        let mut queue = Queue::<4>::new();
        queue.add(every(10, 10)).unwrap();
        assert_eq!(due(&mut queue, 10), [10]);
        assert_eq!(queue.next_deadline(), Some(at(20)));
        assert_eq!(due(&mut queue, 57), [20]);
        assert_eq!(queue.next_deadline(), Some(at(60)));
    }

    #[test]
    fn a_cancelled_alarm_is_gone_and_its_number_is_not_used_again() {
        let mut queue = Queue::<4>::new();
        let first = queue.add(every(10, 10)).unwrap();
        assert_eq!(queue.cancel(first).map(|alarm| alarm.deadline), Some(at(10)));
        let second = queue.add(once(20)).unwrap();
        assert_ne!(first, second);
        assert!(queue.cancel(first).is_none());
        assert_eq!(queue.next_deadline(), Some(at(20)));
    }

    #[test]
    fn a_full_queue_says_so() {
        let mut queue = Queue::<4>::new();
        for ns in 0..4 {
            queue.add(once(ns)).unwrap();
        }
        assert_eq!(queue.add(once(5)), Err(Full));
        assert_eq!(due(&mut queue, 0), [0]);
        assert!(queue.add(once(5)).is_ok());
    }

    #[test]
    fn a_period_of_nothing_is_no_period() {
        let mut queue = Queue::<4>::new();
        queue.add(every(1, 0)).unwrap();
        assert_eq!(due(&mut queue, 5), [1]);
    }
}
