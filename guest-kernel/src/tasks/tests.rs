//! The scheduler under random loads: everyone has a turn, nobody runs who waits, time adds up.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use proptest::prelude::*;

use super::scheduler::IDLE;
use super::*;
use crate::time::SystemTime;

const fn at(ms: u64) -> SystemTime {
    SystemTime::from_ns(ms * 1_000_000)
}

fn started(tasks: usize) -> (Scheduler, Vec<TaskId>) {
    let mut scheduler = Scheduler::new();
    let mut ids = vec![scheduler.start(at(0))];
    for index in 1..tasks {
        ids.push(scheduler.add(Name::new(&format!("task {index}"))).unwrap());
    }
    (scheduler, ids)
}

#[test]
fn a_task_alone_keeps_the_vcpu() {
    let (mut scheduler, _) = started(1);
    assert!(!scheduler.tick(at(100)), "nobody else");
    assert_eq!(scheduler.next_event(), None, "no timer without need");
    assert_eq!(scheduler.switch(at(100), Why::Voluntary), None);
}

#[test]
fn slices_end_and_turns_go_round() {
    let (mut scheduler, ids) = started(3);
    assert_eq!(scheduler.next_event(), Some(at(10)));
    assert!(!scheduler.tick(at(9)));
    for turn in 1..=6 {
        assert!(scheduler.tick(at(10 * turn)));
        scheduler.switch(at(10 * turn), Why::Preempted).unwrap();
        assert_eq!(scheduler.current().id, ids[usize::try_from(turn).unwrap() % 3]);
    }
    let account = scheduler.current().account;
    assert_eq!((account.ran, account.turns, account.preempted), (Duration::from_millis(20), 3, 2));
}

#[test]
fn nobody_ready_means_idle() {
    let (mut scheduler, ids) = started(1);
    scheduler.block(None, Some(at(5)));
    let switch = scheduler.switch(at(1), Why::Voluntary).unwrap();
    assert_eq!((switch.to, scheduler.next_event()), (IDLE, Some(at(5))));
    assert!(!scheduler.tick(at(4)));
    assert!(scheduler.tick(at(5)), "the idle task gives way at once");
    scheduler.switch(at(5), Why::Voluntary).unwrap();
    assert!(scheduler.current().id == ids[0] && scheduler.has_timed_out());
}

#[test]
fn who_waits_first_is_woken_first() {
    let (mut scheduler, ids) = started(4);
    let queue = Channel::Queue(1);
    for _ in 0..3 {
        scheduler.block(Some(queue), None);
        scheduler.switch(at(0), Why::Voluntary);
    }
    assert_eq!(scheduler.wake(Channel::Queue(2), 9), 0);
    assert_eq!(scheduler.wake(queue, 1), 1);
    assert_eq!(scheduler.wake(queue, usize::MAX), 2);
    let mut order = Vec::new();
    for _ in 0..3 {
        scheduler.switch(at(0), Why::Voluntary);
        order.push(scheduler.current().id);
    }
    assert_eq!(order, ids[..3]);
    assert!(!scheduler.has_timed_out());
}

#[test]
fn a_task_woken_before_it_is_gone_stays() {
    let (mut scheduler, ids) = started(1);
    scheduler.block(Some(Channel::Queue(1)), None);
    scheduler.wake(Channel::Queue(1), 1);
    assert_eq!(scheduler.switch(at(0), Why::Voluntary), None);
    assert!(scheduler.current().id == ids[0] && scheduler.current().state == State::Running);
}

#[test]
fn the_end_of_a_task_wakes_who_joins_it() {
    let (mut scheduler, ids) = started(2);
    assert_eq!(scheduler.reap(ids[1]), Ok(None));
    scheduler.block(Some(Channel::End(ids[1])), None);
    scheduler.switch(at(0), Why::Voluntary).unwrap();
    scheduler.finish(42);
    scheduler.switch(at(1), Why::Voluntary).unwrap();
    assert_eq!(scheduler.current().id, ids[0]);
    assert_eq!(scheduler.reap(ids[1]), Ok(Some(42)));
    assert_eq!(scheduler.reap(ids[1]), Err(NoSuchTask), "once");
    let next = scheduler.add(Name::new("next")).unwrap();
    assert!(next.place == ids[1].place && next != ids[1], "a place is used again, a number never");
}

#[test]
fn there_is_a_most() {
    let (mut scheduler, ids) = started(PLACES - 1);
    assert_eq!(scheduler.add(Name::new("x")), Err(Full));
    scheduler.withdraw(ids[7]);
    assert!(scheduler.add(Name::new("x")).is_ok());
}

#[test]
fn names_are_cut_at_characters() {
    assert_eq!(Name::new("a").to_string(), "a");
    assert_eq!(Name::new("fourteen bytes\u{e9}x").to_string(), "fourteen bytes");
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Add,
    Yield,
    Tick,
    Sleep(u64),
    Wait(usize, Option<u64>),
    Wake(usize, usize),
    Finish,
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let step = prop_oneof![
        2 => Just(Step::Add),
        2 => Just(Step::Yield),
        4 => Just(Step::Tick),
        1 => (0..40_u64).prop_map(Step::Sleep),
        2 => (0..3_usize, proptest::option::of(0..40_u64)).prop_map(|(on, ms)| Step::Wait(on, ms)),
        2 => (0..3_usize, 1..4_usize).prop_map(|(on, most)| Step::Wake(on, most)),
        1 => Just(Step::Finish),
    ];
    proptest::collection::vec((0..15_u64, step), 1..120)
}

/// What must be true of a scheduler at any time.
fn check(scheduler: &Scheduler, now: u64, deadlines: &BTreeMap<u64, u64>) {
    let running: Vec<_> = scheduler.iter().filter(|task| task.state == State::Running).collect();
    assert_eq!(running.len(), 1);
    assert_eq!(running[0].id, scheduler.current().id);
    let ran: Duration = scheduler.iter().map(|task| task.account.ran).sum();
    assert!(ran <= Duration::from_millis(now));
    for task in scheduler.iter() {
        if let (State::Ready | State::Running, Some(until)) =
            (task.state, deadlines.get(&task.id.generation))
        {
            assert!(!task.timed_out || *until <= now, "{task:?} is early at {now}");
        }
    }
}

fn switch(scheduler: &mut Scheduler, now: u64, why: Why, turns: &mut VecDeque<u64>) {
    let waiting = scheduler.iter().filter(|task| task.state == State::Ready).count();
    scheduler.switch(at(now), why);
    let current = scheduler.current().id;
    assert!(waiting <= 1 || current.place != IDLE, "idle while {waiting} could run");
    turns.push_back(current.generation);
}

proptest! {
    #[test]
    fn under_any_load(steps in steps()) {
        let (mut scheduler, _) = started(1);
        let (mut now, mut deadlines, mut turns) = (0, BTreeMap::new(), VecDeque::new());
        let mut gone = Duration::ZERO;
        for (ms, step) in steps {
            now += ms;
            let idle = scheduler.current().id.place == IDLE;
            match step {
                Step::Add => drop(scheduler.add(Name::new("x"))),
                Step::Wake(on, most) => drop(scheduler.wake(Channel::Queue(on), most)),
                Step::Tick => {
                    let due = scheduler.tick(at(now));
                    // A timer set for the past would come again at once, for ever.
                    prop_assert!(scheduler.next_event().is_none_or(|next| next > at(now)));
                    if due && ms % 2 == 0 {
                        switch(&mut scheduler, now, Why::Preempted, &mut turns);
                    }
                }
                Step::Yield => switch(&mut scheduler, now, Why::Voluntary, &mut turns),
                _ if idle => {}
                Step::Sleep(ms) => {
                    deadlines.insert(scheduler.current().id.generation, now + ms);
                    scheduler.block(None, Some(at(now + ms)));
                    switch(&mut scheduler, now, Why::Voluntary, &mut turns);
                }
                Step::Wait(on, ms) => {
                    let until = ms.map(|ms| now + ms);
                    deadlines.insert(scheduler.current().id.generation, until.unwrap_or(0));
                    scheduler.block(Some(Channel::Queue(on)), until.map(at));
                    switch(&mut scheduler, now, Why::Voluntary, &mut turns);
                }
                Step::Finish => {
                    let id = scheduler.current().id;
                    scheduler.finish(1);
                    switch(&mut scheduler, now, Why::Voluntary, &mut turns);
                    gone += scheduler.iter().find(|task| task.id == id).unwrap().account.ran;
                    prop_assert_eq!(scheduler.reap(id), Ok(Some(1)));
                }
            }
            check(&scheduler, now, &deadlines);
        }
        // Every nanosecond belongs to one task.
        scheduler.charge(at(now));
        let ran: Duration = scheduler.iter().map(|task| task.account.ran).sum();
        prop_assert_eq!(ran + gone, Duration::from_millis(now));
        // Nobody is forgotten: whoever waits for a time runs once it has come.
        let end = now + 100;
        scheduler.tick(at(end));
        for _ in 0..PLACES {
            switch(&mut scheduler, end, Why::Voluntary, &mut turns);
        }
        let late = |task: &&Task| matches!(task.state, State::Blocked { until: Some(_), .. });
        prop_assert!(!scheduler.iter().any(|task| late(&task)));
        let ready: Vec<_> = scheduler.iter()
            .filter(|task| task.state == State::Ready && task.id.place != IDLE).collect();
        let last: Vec<_> = turns.iter().rev().take(PLACES).collect();
        prop_assert!(ready.iter().all(|task| last.contains(&&task.id.generation)), "a turn for all");
    }
}
