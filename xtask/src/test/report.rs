//! What is printed of a test run: a line per test, and the sums as the last line.

use std::fmt;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;

use super::host::HostTests;

/// What became of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It did not apply here.
    Skipped,
}

/// A test that was run.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) name: String,
    /// What became of it.
    pub(crate) status: Status,
    /// Why, and what else is worth knowing.
    pub(crate) remarks: Vec<String>,
    /// How long it took.
    pub(crate) time: Duration,
}

impl Row {
    /// A failed test.
    pub(crate) fn failed(name: String, remarks: Vec<String>, time: Duration) -> Self {
        Self { name, status: Status::Failed, remarks, time }
    }

    /// A test that cannot be run here, and why.
    pub(crate) fn skipped(name: String, why: &anyhow::Error) -> Self {
        let remarks = vec![format!("{why:#}")];
        Self { name, status: Status::Skipped, remarks, time: Duration::ZERO }
    }

    /// A test that is a single step: its success with a remark that may be empty, or its error.
    pub(crate) fn of_result(name: String, result: Result<String>, time: Duration) -> Self {
        match result {
            Err(error) => Self::failed(name, vec![format!("{error:#}")], time),
            Ok(remark) => {
                let remarks =
                    Some(remark).filter(|remark| !remark.is_empty()).into_iter().collect();
                Self { name, status: Status::Passed, remarks, time }
            }
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.status {
            Status::Passed => "ok  ",
            Status::Failed => "FAIL",
            Status::Skipped => "skip",
        };
        write!(formatter, "{word} {:<50} {:6.1} s", self.name, self.time.as_secs_f64())?;
        for line in self.remarks.iter().flat_map(|remark| remark.lines()) {
            write!(formatter, "\n     {line}")?;
        }
        Ok(())
    }
}

/// The sums of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that passed.
    pub(crate) passed: u32,
    /// Tests that failed.
    pub(crate) failed: u32,
    /// Tests that did not apply.
    pub(crate) skipped: u32,
}

impl Tally {
    /// Counts a test.
    fn count(&mut self, status: Status) {
        match status {
            Status::Passed => self.passed += 1,
            Status::Failed => self.failed += 1,
            Status::Skipped => self.skipped += 1,
        }
    }

    /// Whether this is success when at least `minimum` tests must pass.
    const fn is_success(self, minimum: u32) -> bool {
        self.failed == 0 && self.passed >= minimum
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// A run's results as they come in from any thread, each printed at once.
#[derive(Debug, Default)]
pub(crate) struct Report(Mutex<Results>);

/// What has come in.
#[derive(Debug, Default)]
struct Results {
    tally: Tally,
    failures: Vec<String>,
}

impl Report {
    /// Takes a test's result.
    pub(crate) fn add(&self, row: &Row) {
        let mut tally = Tally::default();
        tally.count(row.status);
        self.results().take(row, tally);
    }

    /// Takes what became of a package's tests, which are one line but count each.
    pub(crate) fn add_package(&self, name: String, result: Result<HostTests>, time: Duration) {
        match result {
            Ok(tests) => self.results().take(&tests.row(name, time), tests.tally),
            Err(error) => self.add(&Row::of_result(name, Err(error), time)),
        }
    }

    /// Prints the end of the report and tells the exit status.
    pub(crate) fn close(self, minimum: u32) -> ExitCode {
        let tally = self.results().tally;
        if tally.failed == 0 && !tally.is_success(minimum) {
            let remark = format!("{} tests passed, and at least {minimum} must", tally.passed);
            self.add(&Row::failed("minimum".to_owned(), vec![remark], Duration::ZERO));
        }
        let Results { tally, failures } = &*self.results();
        if !failures.is_empty() {
            println!("failed: {}", failures.join(" "));
        }
        println!("{tally}");
        if tally.is_success(minimum) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn results(&self) -> MutexGuard<'_, Results> {
        // A thread that panics while it adds a result has printed it, at the least.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Results {
    fn take(&mut self, row: &Row, tally: Tally) {
        println!("{row}");
        self.tally.passed += tally.passed;
        self.tally.failed += tally.failed;
        self.tally.skipped += tally.skipped;
        if row.status == Status::Failed {
            self.failures.push(row.name.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_has_its_fixed_form() {
        let tally = Tally { passed: 12, failed: 1, skipped: 3 };
        assert_eq!(tally.to_string(), "12 passed, 1 failed, 3 skipped");
    }

    #[test]
    fn success_needs_enough_passes_and_no_failure() {
        let tally = Tally { passed: 5, failed: 0, skipped: 9 };
        assert!(tally.is_success(5) && !tally.is_success(6));
        assert!(!Tally { failed: 1, ..tally }.is_success(1));
        assert!(!Tally::default().is_success(1));
    }

    #[test]
    fn each_status_counts_on_its_own() {
        let mut tally = Tally::default();
        for status in [Status::Passed, Status::Failed, Status::Skipped, Status::Skipped] {
            tally.count(status);
        }
        assert_eq!(tally, Tally { passed: 1, failed: 1, skipped: 2 });
    }

    #[test]
    fn a_row_shows_name_time_and_remarks() {
        let row =
            Row::failed("scenario/x".into(), vec!["one\ntwo".into()], Duration::from_millis(1230));
        let text = row.to_string();
        assert!(text.starts_with("FAIL scenario/x ") && text.contains("1.2 s\n     one\n     two"));
        let row = Row::of_result("x".into(), Ok(String::new()), Duration::ZERO);
        assert!(row.status == Status::Passed && row.remarks.is_empty());
        let row = Row::of_result("x".into(), Err(anyhow::anyhow!("why")), Duration::ZERO);
        assert!(row.status == Status::Failed && row.remarks == ["why"]);
    }
}
