use super::*;
use proptest::prelude::*;

const MS: u64 = MIN_PERIOD_NS;

#[test]
fn the_earliest_deadline_is_that_which_is_there() {
    for (one, other, first) in [
        (None, None, None),
        (Some(2), None, Some(2)),
        (None, Some(0), Some(0)),
        (Some(2), Some(1), Some(1)),
        (Some(1), Some(2), Some(1)),
    ] {
        assert_eq!(earliest(one, other), first);
    }
}

#[test]
fn timers_begin_stopped() {
    let mut timers = Timers::new();
    assert_eq!(timers.next_deadline(), None);
    assert!(!timers.expire(u64::MAX));
}

#[test]
fn a_single_shot_comes_once_and_not_early() {
    let mut timers = Timers::new();
    timers.set_single(100);
    assert_eq!(timers.next_deadline(), Some(100));
    assert!(!timers.expire(99));
    assert!(timers.expire(100));
    assert_eq!(timers.next_deadline(), None);
    assert!(!timers.expire(200));
}

#[test]
fn a_single_shot_can_be_moved_and_stopped() {
    let mut timers = Timers::new();
    timers.set_single(100);
    timers.set_single(50);
    assert!(timers.expire(50));
    timers.set_single(0);
    assert!(timers.expire(60), "one in the past comes at once");
    timers.set_single(70);
    timers.stop_single();
    assert!(!timers.expire(80));
}

#[test]
fn periods_are_checked() {
    for (period, result) in [
        (0, Err(BadPeriod)),
        (MS - 1, Err(BadPeriod)),
        (MS, Ok(())),
        (MAX_PERIOD_NS, Ok(())),
        (MAX_PERIOD_NS + 1, Err(BadPeriod)),
    ] {
        let mut timers = Timers::new();
        assert_eq!(timers.set_periodic(period, 5), result, "{period}");
        assert_eq!(timers.next_deadline(), result.ok().map(|()| 5 + period));
    }
}

#[test]
fn a_refused_period_leaves_the_timer() {
    let mut timers = Timers::new();
    timers.set_periodic(MS, 0).unwrap();
    assert_eq!(timers.set_periodic(1, 0), Err(BadPeriod));
    assert_eq!(timers.next_deadline(), Some(MS));
}

#[test]
fn missed_periods_count_once() {
    let mut timers = Timers::new();
    timers.set_periodic(MS, 0).unwrap();
    assert!(timers.expire(MS));
    assert_eq!(timers.next_deadline(), Some(2 * MS));
    assert!(timers.expire(1_000_000 * MS + 1));
    assert_eq!(timers.next_deadline(), Some(1_000_001 * MS));
    assert!(!timers.expire(1_000_001 * MS - 1));
    assert!(timers.expire(u64::MAX));
}

#[test]
fn both_at_once_are_one_event() {
    let mut timers = Timers::new();
    timers.set_periodic(MS, 0).unwrap();
    timers.set_single(MS / 2);
    assert_eq!(timers.next_deadline(), Some(MS / 2));
    assert!(timers.expire(MS));
    assert_eq!(timers.next_deadline(), Some(2 * MS));
    timers.stop_periodic();
    assert_eq!(timers.next_deadline(), None);
}

proptest! {
    /// The next tick is a whole number of periods after the start, and the first after now.
    #[test]
    fn ticks_stay_in_step(
        start in 0u64..1 << 40,
        period in MS..1 << 34,
        steps in prop::collection::vec(0u64..1 << 36, 1..20),
    ) {
        let mut timers = Timers::new();
        timers.set_periodic(period, start).unwrap();
        let mut now = start;
        for step in steps {
            let due = timers.next_deadline().unwrap();
            now += step;
            prop_assert_eq!(timers.expire(now), due <= now);
            let next = timers.next_deadline().unwrap();
            prop_assert!(now < next && next <= now + period);
            prop_assert_eq!((next - start) % period, 0);
            prop_assert!(!timers.expire(now));
        }
    }
}
