//! Checks, a verdict, and an orderly end: what every scenario kernel has in common.
//!
//! A failed check prints `check failed: ...` and the scenario goes on; the last line is
//! `scenario: VERDICT N`, with N the number of checks made. The runner (`cargo xtask test`) reads
//! these lines.

use core::{fmt, panic::Location};

use crate::{StartInfo, hypercall::sched::ShutdownReason, platform, println};

/// What a scenario came to; a verdict only ever gets worse.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Verdict {
    /// Every check held.
    Pass,
    /// What is needed for the scenario is not there.
    Skip,
    /// The scenario itself is broken.
    Error,
    /// A check did not hold.
    Fail,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Skip => "skip",
            Self::Error => "error",
            Self::Fail => "fail",
        })
    }
}

/// The checks a scenario has made so far.
#[derive(Debug)]
pub struct Checks {
    verdict: Verdict,
    count: u32,
}

impl Checks {
    const fn new() -> Self {
        Self { verdict: Verdict::Pass, count: 0 }
    }

    fn worsen(&mut self, verdict: Verdict) {
        self.verdict = self.verdict.max(verdict);
    }

    /// Counts a check that held.
    pub fn pass(&mut self) {
        self.count += 1;
    }

    /// Counts a check that did not hold, and says which.
    #[track_caller]
    pub fn fail(&mut self, what: fmt::Arguments<'_>) {
        self.count += 1;
        self.worsen(Verdict::Fail);
        let place = Location::caller();
        println!("check failed: {}:{}: {what}", place.file(), place.line());
    }

    /// Says that this machine lacks what (the rest of) the scenario needs.
    pub fn skip(&mut self, why: &str) {
        self.worsen(Verdict::Skip);
        println!("skipped: {why}");
    }

    /// Says that the scenario cannot do what it meant to.
    pub fn error(&mut self, why: fmt::Arguments<'_>) {
        self.worsen(Verdict::Error);
        println!("scenario error: {why}");
    }

    /// Prints the verdict and ends the run.
    pub fn end(mut self, reason: ShutdownReason) -> ! {
        if self.count == 0 && self.verdict == Verdict::Pass {
            self.error(format_args!("no check was made"));
        }
        println!("scenario: {} {}", self.verdict, self.count);
        platform::shutdown(reason)
    }
}

/// Runs a scenario; [`scenario!`](crate::scenario!) calls it.
pub fn run(body: fn(&mut Checks, &'static StartInfo), start: &'static StartInfo) -> ! {
    let mut checks = Checks::new();
    body(&mut checks, start);
    checks.end(ShutdownReason::POWEROFF)
}

/// Runs a scenario that ends in its own way; [`scenario!`](crate::scenario!) calls it.
pub fn run_to_end(body: fn(Checks, &'static StartInfo) -> !, start: &'static StartInfo) -> ! {
    body(Checks::new(), start)
}

/// Names the function a scenario kernel consists of, and its ELF notes where they matter.
///
/// ```ignore
/// xenolith_guest::scenario!(run);                          // fn(&mut Checks, &'static StartInfo)
/// xenolith_guest::scenario!(run to end);                   // fn(Checks, &'static StartInfo) -> !
/// xenolith_guest::scenario!(run, notes = [standard, mod_start_pfn]);
/// ```
#[macro_export]
macro_rules! scenario {
    ($body:ident) => { $crate::scenario!($body, notes = [standard]); };
    ($body:ident to end) => { $crate::scenario!(@main run_to_end, $body, [standard]); };
    ($body:ident, notes = [$($notes:tt)*]) => { $crate::scenario!(@main run, $body, [$($notes)*]); };
    (@main $run:ident, $body:ident, [$($notes:tt)*]) => {
        $crate::entry!(scenario_main, notes = [$($notes)*]);

        fn scenario_main(start: &'static $crate::StartInfo) -> ! {
            $crate::scenario::$run($body, start)
        }
    };
}

/// Checks that a condition holds: `check!(checks, condition)`, with a message if you like.
#[macro_export]
macro_rules! check {
    ($checks:expr, $condition:expr $(,)?) => {
        $crate::check!($checks, $condition, "{}", ::core::stringify!($condition))
    };
    ($checks:expr, $condition:expr, $($message:tt)+) => {
        if $condition {
            $checks.pass();
        } else {
            $checks.fail(::core::format_args!($($message)+));
        }
    };
}

/// Checks that a value is the expected one: `check_eq!(checks, actual, expected)`, with a message
/// if you like. Numbers are shown in hexadecimal.
#[macro_export]
macro_rules! check_eq {
    ($checks:expr, $actual:expr, $expected:expr $(,)?) => {
        $crate::check_eq!($checks, $actual, $expected, "{}", ::core::stringify!($actual))
    };
    ($checks:expr, $actual:expr, $expected:expr, $($message:tt)+) => {
        match (&$actual, &$expected) {
            (actual, expected) if *actual == *expected => $checks.pass(),
            (actual, expected) => $checks.fail(::core::format_args!(
                "{}: {:x?} instead of {:x?} (hexadecimal)",
                ::core::format_args!($($message)+), actual, expected,
            )),
        }
    };
}
