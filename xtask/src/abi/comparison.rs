//! The answers of the two probes: each question's number and what was answered, line by line.

use anyhow::{Context, Result, bail, ensure};

use super::question::Question;

/// Sorts a probe's output by question; every one of `count` must be answered exactly once.
///
/// # Errors
/// A line that is no answer, an answer too many, an answer missing.
pub(super) fn parse(output: &str, count: usize) -> Result<Vec<String>> {
    let mut answers = vec![None; count];
    for line in output.lines() {
        let (number, answer) = line.split_once(' ').context("a line without an answer")?;
        let number: usize = number.parse().with_context(|| format!("no number: {line}"))?;
        ensure!(number < count, "an answer to question {number} of {count}");
        if answers[number].replace(answer.to_owned()).is_some() {
            bail!("two answers to question {number}");
        }
    }
    let missing = answers.iter().filter(|answer| answer.is_none()).count();
    ensure!(missing == 0, "{missing} of {count} questions without an answer");
    Ok(answers.into_iter().flatten().collect())
}

/// Names every question to which the two sides answer differently.
pub(super) fn differences(
    questions: &[Question],
    package: &[String],
    headers: &[String],
) -> Vec<String> {
    questions
        .iter()
        .zip(package.iter().zip(headers))
        .filter(|(_, (package, headers))| package != headers)
        .map(|(question, (package, headers))| question.disagreement(package, headers))
        .collect()
}
