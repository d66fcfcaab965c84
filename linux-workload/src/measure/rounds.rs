//! An operation measured many times, each time on its own.
//!
//! The median of the instructions counts, less that of doing nothing: a clock tick that falls into a
//! round does not matter. Of the exits the mean counts, over rounds into which none fell, nor the
//! handling of one that came just before; where an operation is longer than a tick, over all, less
//! those of the ticks.

use std::arch::x86_64::_rdtsc;
use std::fmt;

use super::counts::{Counter, Counts};
use crate::checks::Checks;

/// Exits of a clock tick: the interrupt, and the call that sets the timer for the next one. The row of
/// the tick is where that is measured.
pub(super) const EXITS_OF_TICK: u64 = 2;

/// Ticks of the time-stamp counter, fewer than a clock tick takes in Linux, by which a round is longer
/// that has the handling of one in it.
const HANDLING: u64 = 4000;

/// What can be measured, and where results go.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    counter: Option<Counter>,
    checks: &'a mut Checks,
    /// Instructions and exits of doing nothing.
    nothing: (u64, u64),
}

/// What something is called, and how many exits it may take, if that is known.
pub(super) type Row<'a> = (&'a str, Option<u64>);

/// A mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mean {
    /// Of all that were counted together.
    pub(super) sum: u64,
    /// How many there were; not 0.
    pub(super) count: u64,
}

impl Mean {
    /// The mean of some numbers, if there are any.
    pub(super) fn of(numbers: impl Iterator<Item = u64>) -> Option<Self> {
        let (sum, count) = numbers.fold((0, 0), |(sum, count), number| (sum + number, count + 1));
        (count > 0).then_some(Self { sum, count })
    }

    /// Whether it is at most this.
    fn is_at_most(self, most: u64) -> bool {
        self.sum <= most * self.count
    }
}

/// With two decimals, of which the last is rounded up: what is not 0 does not look like it.
impl fmt::Display for Mean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = (100 * self.sum).div_ceil(self.count);
        write!(f, "{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

/// One round.
#[derive(Debug)]
pub(super) struct Round {
    /// Ticks of the time-stamp counter.
    pub(super) ticks: u64,
    /// Likewise, with the reading of exits before and behind.
    whole: u64,
    /// Exits, if they are counted.
    pub(super) exits: Option<Counts>,
}

/// The time-stamp counter.
pub(super) fn ticks() -> u64 {
    // SAFETY: every processor of 64 bits has it.
    unsafe { _rdtsc() }
}

impl<'a> Bench<'a> {
    /// One with this counter.
    pub(super) fn new(counter: Option<Counter>, checks: &'a mut Checks) -> Self {
        let mut bench = Self { counter, checks, nothing: (0, 0) };
        let rounds = bench.rounds(100, |_| (), |()| ());
        bench.nothing =
            (median(&rounds), undisturbed(&rounds).map(Counts::total).max().unwrap_or(0));
        bench
    }

    /// Measures `run` so many times, each time with what `prepare` made for it and after a round that
    /// does not count; prints what it costs, and checks that it takes at most `aim` exits.
    pub(super) fn measure<T>(
        &mut self,
        (name, aim): Row<'_>,
        rounds: u32,
        prepare: impl FnMut(u32) -> T,
        run: impl FnMut(T),
    ) {
        let rounds = self.rounds(rounds, prepare, run);
        let (instructions, exits) = self.nothing;
        let instructions = median(&rounds).saturating_sub(instructions);
        self.print((name, aim), instructions, own_exits(&rounds, exits));
    }

    /// Measures the same so many times and returns all rounds but the first.
    pub(super) fn rounds<T>(
        &self,
        rounds: u32,
        mut prepare: impl FnMut(u32) -> T,
        mut run: impl FnMut(T),
    ) -> Vec<Round> {
        let all = (0..=rounds).map(|round| {
            let prepared = prepare(round);
            let start = ticks();
            let before = self.counter.as_ref().map(Counter::read);
            let begin = ticks();
            run(prepared);
            let end = ticks();
            let after = self.counter.as_ref().map(Counter::read);
            let whole = ticks() - start;
            let exits = after.zip(before).map(|(after, before)| after.since(&before));
            Round { ticks: end - begin, whole, exits }
        });
        all.skip(1).collect()
    }

    /// Exits that reading their number takes.
    pub(super) fn exits_of_reading(&self) -> u64 {
        self.nothing.1
    }

    /// Prints what an operation costs, and checks its aim.
    pub(super) fn print(&mut self, (name, aim): Row<'_>, instructions: u64, exits: Option<Mean>) {
        match exits {
            Some(exits) => println!("bench: {name} | {instructions} | {exits}"),
            None => println!("bench: {name} | {instructions}"),
        }
        if let (Some(exits), Some(aim)) = (exits, aim) {
            self.checks.check(exits.is_at_most(aim), &format!("{name}: {exits} exits, not {aim}"));
        }
    }
}

/// The exits of rounds in which no interrupt came and none was handled: one that comes while exits are
/// read has an exit before, and another one when Linux sets the timer anew.
fn undisturbed(rounds: &[Round]) -> impl Iterator<Item = &Counts> {
    let longest = median_of(rounds, |round| round.whole) + HANDLING;
    let quick = rounds.iter().filter(move |round| round.whole < longest);
    quick.filter_map(|round| round.exits.as_ref()).filter(|it| it.by_interrupts() == 0)
}

/// Exits of the operation itself, where reading their number takes `reading`.
fn own_exits(rounds: &[Round], reading: u64) -> Option<Mean> {
    let all = rounds.iter().filter_map(|round| round.exits.as_ref());
    let beside_ticks = |counts: &Counts| {
        counts.total().saturating_sub(reading + EXITS_OF_TICK * counts.by_interrupts())
    };
    let mean = Mean::of(undisturbed(rounds).map(|counts| counts.total() - reading));
    mean.or_else(|| Mean::of(all.map(beside_ticks)))
}

/// The median of the instructions.
pub(super) fn median(rounds: &[Round]) -> u64 {
    median_of(rounds, |round| round.ticks)
}

fn median_of(rounds: &[Round], ticks: impl Fn(&Round) -> u64) -> u64 {
    let mut ticks: Vec<_> = rounds.iter().map(ticks).collect();
    ticks.sort_unstable();
    ticks.get(ticks.len() / 2).copied().unwrap_or(0)
}
