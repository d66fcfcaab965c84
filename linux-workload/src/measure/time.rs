//! What comes by itself: clock ticks; and waiting.

use std::time::Duration;

use super::rounds::{Bench, EXITS_OF_TICK, Mean, median, ticks};

/// How long ticks are waited for, computing: a hundred of them at 250 a second and 100 MHz.
const TICKS: u64 = 40_000_000;

/// What is no clock tick between two instructions that read the time-stamp counter.
const SHORTEST: u64 = 100;

/// The time slept.
const SLEEP: Duration = Duration::from_millis(1);

/// Measures all.
pub(super) fn run(bench: &mut Bench<'_>) {
    clock_ticks(bench);
    sleep(bench);
}

/// The clock tick of a kernel with a process that computes.
fn clock_ticks(bench: &mut Bench<'_>) {
    let mut found = (0, 0);
    let rounds = bench.rounds(1, |_| (), |()| found = interruptions());
    let (count, instructions) = found;
    let exits = rounds.iter().filter_map(|round| round.exits.as_ref());
    let exits = exits.map(|it| it.total() - bench.exits_of_reading()).next();
    bench.print(
        ("clock tick", Some(EXITS_OF_TICK)),
        instructions / count,
        exits.map(|sum| Mean { sum, count }),
    );
}

/// How often this process is interrupted, and instructions of all that.
fn interruptions() -> (u64, u64) {
    let (begin, mut found) = (ticks(), (0, 0));
    let mut last = begin;
    while last - begin < TICKS {
        let now = ticks();
        if now - last > SHORTEST {
            found = (found.0 + 1, found.1 + now - last);
        }
        last = now;
    }
    found
}

/// A sleep: what it takes beyond its time, and all its exits.
fn sleep(bench: &mut Bench<'_>) {
    let rounds = bench.rounds(100, |_| (), |()| std::thread::sleep(SLEEP));
    let counts = rounds.iter().filter_map(|round| round.exits.as_ref());
    let mean = Mean::of(counts.map(|it| it.total() - bench.exits_of_reading()));
    bench.print(("sleep of 1 ms, all of it", None), median(&rounds), mean);
}
