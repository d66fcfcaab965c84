//! The comparison of what had to happen in a scenario with what did: a function of plain values.

use crate::end::End;
use crate::machine::watch::Finish;

use super::spec::{Expected, Spec};
use super::transcript::{Transcript, Verdict, is_report};

/// What becomes of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All that had to happen did.
    Passed,
    /// The guest found that the machine lacks what the scenario needs.
    Skipped,
    /// Something else happened: what, a line for each.
    Failed(Vec<String>),
}

impl Outcome {
    /// The same, failed for one more reason.
    pub(crate) fn with_problem(self, problem: String) -> Self {
        match self {
            Self::Failed(mut problems) => {
                problems.push(problem);
                Self::Failed(problems)
            }
            Self::Passed | Self::Skipped => Self::Failed(vec![problem]),
        }
    }
}

/// Compares `spec` with how the run came to its end and with what it printed.
pub(crate) fn judge(spec: &Spec, finish: Finish, transcript: &Transcript) -> Outcome {
    let mut problems = Vec::new();
    let skipped = judge_report(spec, transcript, &mut problems);
    if skipped && finish == Finish::Ended(End::Poweroff) {
        return Outcome::Skipped;
    }
    if skipped {
        problems.push("the guest skipped its checks and then did not power off".to_owned());
    }
    judge_end(spec, finish, &mut problems);
    judge_lines("console", &spec.console, &transcript.console, &mut problems);
    judge_lines("log", &spec.log, &transcript.log, &mut problems);
    judge_lines("trace", &spec.trace, &transcript.trace, &mut problems);
    judge_absent(&spec.absent, transcript, &mut problems);
    if problems.is_empty() { Outcome::Passed } else { Outcome::Failed(problems) }
}

/// Judges the guest's report; tells whether the guest skipped what it was to check.
fn judge_report(spec: &Spec, transcript: &Transcript, problems: &mut Vec<String>) -> bool {
    let reports = match transcript.reports() {
        Ok(reports) => reports,
        Err(text) => {
            problems.push(format!("the guest's report cannot be understood: `{text}`"));
            return false;
        }
    };
    let worst = reports.iter().map(|report| report.verdict).max();
    if reports.len() > 1 {
        problems.push(format!("the guest reported {} times", reports.len()));
    }
    // The program that reports is not the kernel that says last words.
    let is_last = spec.is_linux() || transcript.last_line().is_some_and(is_report);
    if worst.is_some() && !is_last {
        problems.push("the guest went on after its report".to_owned());
    }
    let failed = transcript.failed_checks().count();
    if failed > 0 && worst != Some(Verdict::Fail) && spec.verdict != Expected::None {
        problems.push(format!("{failed} checks failed, which the guest's report does not tell"));
    }
    let wanted = wanted(spec.verdict);
    if worst == Some(Verdict::Skip) && wanted == Some(Verdict::Pass) && failed == 0 {
        return true;
    }
    if worst != wanted {
        problems.push(format!("the guest reported {}, not {}", name(worst), name(wanted)));
    }
    let checks: u32 = reports.iter().map(|report| report.checks).fold(0, u32::saturating_add);
    if worst == Some(Verdict::Pass) && checks < spec.min_checks {
        problems.push(format!("the guest ran {checks} checks, not {} or more", spec.min_checks));
    }
    false
}

/// The verdict that is wanted, if any is.
const fn wanted(expected: Expected) -> Option<Verdict> {
    match expected {
        Expected::Pass => Some(Verdict::Pass),
        Expected::Fail => Some(Verdict::Fail),
        Expected::Error => Some(Verdict::Error),
        Expected::Skip => Some(Verdict::Skip),
        Expected::None => None,
    }
}

/// A verdict, or its absence, in words.
fn name(verdict: Option<Verdict>) -> &'static str {
    verdict.map_or("nothing", Verdict::word)
}

/// Judges how the run came to its end.
fn judge_end(spec: &Spec, finish: Finish, problems: &mut Vec<String>) {
    match finish {
        Finish::Ended(end) if end == spec.end || spec.or_end.contains(&end) => {}
        Finish::Ended(end) => {
            problems.push(format!("the run ended by {}, not by {}", end.word(), spec.end.word()));
        }
        Finish::Stuck(end) => {
            problems.push(format!("the machine stayed after the verdict {}", end.word()));
        }
        Finish::Interrupted(signal) => problems.push(format!("signal {signal} ended the run")),
    }
}

/// Judges whether `wanted` appear in this order.
fn judge_lines(stream: &str, wanted: &[String], lines: &[String], problems: &mut Vec<String>) {
    let mut rest = lines.iter();
    for text in wanted {
        if !rest.any(|line| line.contains(text)) {
            let hint =
                if lines.iter().any(|line| line.contains(text)) { " in its place" } else { "" };
            problems.push(format!("the {stream} never said{hint}: {text}"));
            return;
        }
    }
}

/// Judges whether something appears that must not.
fn judge_absent(absent: &[String], transcript: &Transcript, problems: &mut Vec<String>) {
    for text in absent {
        let mut lines = transcript.console.iter().chain(&transcript.log);
        if let Some(line) = lines.find(|line| line.contains(text)) {
            problems.push(format!("`{text}` must not appear, but did: {line}"));
        }
    }
}

#[cfg(test)]
mod tests;
