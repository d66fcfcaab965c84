//! The commands about tasks.

use core::{fmt, time::Duration};

use xenolith_guest::{
    StartInfo, println, rcu,
    tasks::{self, State, Task},
    time,
};

/// Prints what each task is doing and has used.
pub(crate) fn show(_: &StartInfo, _: &str) {
    if !tasks::is_started() {
        println!("  there are no tasks");
        return;
    }
    println!("  preemption {:?}, {} grace periods", tasks::preemption(), rcu::grace_periods());
    let [number, name, state] = ["task", "name", "state"];
    let [ran, turns, preempted, in_call] = ["ran", "turns", "preempted", "in calls"];
    println!("  {number:>6}  {name:<16}{state:<10}{ran:>12}{turns:>8}{preempted:>11}{in_call:>10}");
    for Task { id, name, state, account, .. } in tasks::list() {
        let ran = account.ran.as_secs_f64();
        let (turns, preempted) = (account.turns, account.preempted);
        let state = Shown(state);
        let in_call = account.preempted_in_call;
        println!(
            "  {id:>6}  {name:<16}{state:<10}{ran:>10.6} s{turns:>8}{preempted:>11}{in_call:>10}"
        );
    }
}

/// Spawns a task that keeps the vCPU busy for so many milliseconds.
pub(crate) fn spin(_: &StartInfo, milliseconds: &str) {
    let duration = Duration::from_millis(milliseconds.parse().unwrap_or(1000));
    let task = tasks::spawn("spin", move || {
        let end = time::now() + duration;
        while time::now() < end {
            tasks::cond_resched();
        }
        0
    });
    match task {
        Ok(id) => {
            // It is there until it has ended, and nobody waits for that.
            let _ = tasks::detach(id);
            println!("  task {id} spins for {duration:?}");
        }
        Err(_) => println!("  there is no room for another task"),
    }
}

/// A state in a word.
struct Shown(State);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self.0 {
            State::Running => "running",
            State::Ready => "ready",
            State::Blocked { on: None, .. } => "sleeping",
            State::Blocked { .. } => "waiting",
            State::Done(_) => "done",
        })
    }
}
