//! Results and checks, and the report on them, in the form that scenarios have.

use std::fmt::Display;
use std::process::ExitCode;

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    made: u32,
    failed: u32,
}

impl Checks {
    /// Prints a result that has to be the same on every machine.
    pub(crate) fn result(&mut self, name: &str, value: impl Display) {
        self.made += 1;
        println!("result: {name} {value}");
    }

    /// Checks something whose value may differ.
    pub(crate) fn check(&mut self, holds: bool, what: &str) {
        self.made += 1;
        if !holds {
            self.failed += 1;
            println!("check failed: {what}");
        }
    }

    /// Prints the report.
    pub(crate) fn report(self) -> ExitCode {
        let verdict = if self.failed == 0 { "pass" } else { "fail" };
        println!("scenario: {verdict} {}", self.made);
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
