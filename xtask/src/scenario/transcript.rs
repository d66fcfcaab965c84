//! What a run printed, sorted: the guest's lines, the hypervisor's log, the guest's report.
//!
//! A guest can print what looks like a line of the log. That costs nothing: these guests are ours,
//! and how the run ended is not taken from here.

/// What a line of the hypervisor's log starts with.
const LOG_PREFIX: &str = "(XL) ";

/// What a guest's report starts with.
const REPORT_PREFIX: &str = "scenario: ";

/// What a failed check's line starts with.
const FAILED_CHECK_PREFIX: &str = "check failed: ";

/// What a guest reports of its checks; each one is worse than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// Every check held.
    Pass,
    /// The machine lacks what the scenario needs.
    Skip,
    /// The scenario could not run its checks.
    Error,
    /// A check failed.
    Fail,
}

impl Verdict {
    /// Its word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Skip => "skip",
            Self::Error => "error",
            Self::Fail => "fail",
        }
    }

    /// The verdict of this word.
    fn from_word(word: &str) -> Option<Self> {
        [Self::Pass, Self::Skip, Self::Error, Self::Fail].into_iter().find(|it| it.word() == word)
    }
}

/// A guest's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// Its verdict.
    pub(crate) verdict: Verdict,
    /// How many checks it ran.
    pub(crate) checks: u32,
}

/// What a run printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Transcript {
    /// Lines of the guest.
    pub(crate) console: Vec<String>,
    /// Lines of the hypervisor's log, without what marks them.
    pub(crate) log: Vec<String>,
    /// Lines of the list of its trace.
    pub(crate) trace: Vec<String>,
}

impl Transcript {
    /// Sorts the bytes of the serial line.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut transcript = Self::default();
        for line in String::from_utf8_lossy(bytes).lines() {
            let line = line.trim_matches('\r');
            match line.strip_prefix(LOG_PREFIX) {
                Some(entry) => transcript.log.push(entry.to_owned()),
                None => transcript.console.push(line.to_owned()),
            }
        }
        transcript
    }

    /// Every report; a sound scenario makes one at most.
    ///
    /// # Errors
    /// The text of a report that cannot be understood.
    pub(crate) fn reports(&self) -> Result<Vec<Report>, String> {
        let lines = self.console.iter().filter_map(|line| line.strip_prefix(REPORT_PREFIX));
        lines.map(|text| parse_report(text).ok_or_else(|| text.to_owned())).collect()
    }

    /// The last line of the guest that is not empty.
    pub(crate) fn last_line(&self) -> Option<&str> {
        self.console.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty())
    }

    /// The checks that failed.
    pub(crate) fn failed_checks(&self) -> impl Iterator<Item = &str> {
        self.console.iter().filter_map(|line| line.strip_prefix(FAILED_CHECK_PREFIX))
    }
}

/// Reads `VERDICT NUMBER`.
fn parse_report(text: &str) -> Option<Report> {
    let (word, number) = text.trim_end().split_once(' ')?;
    Some(Report { verdict: Verdict::from_word(word)?, checks: number.parse().ok()? })
}

/// Whether `text` is a guest's report that can be understood.
pub(crate) fn is_report(text: &str) -> bool {
    text.strip_prefix(REPORT_PREFIX).and_then(parse_report).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_sorted_by_who_wrote_them() {
        let transcript =
            Transcript::read(b"(XL) info: up\r\nhello\r\n(XL) error: x\n (XL) not\xff\nend");
        assert_eq!(transcript.log, ["info: up", "error: x"]);
        assert_eq!(transcript.console, ["hello", " (XL) not\u{fffd}", "end"]);
    }

    #[test]
    fn a_report_is_a_word_and_a_number() {
        let transcript = Transcript::read(b"scenario: pass 12\r\n\r\n");
        let report = Report { verdict: Verdict::Pass, checks: 12 };
        assert_eq!(transcript.reports(), Ok(vec![report]));
        assert_eq!(transcript.last_line(), Some("scenario: pass 12"));
        for text in ["pass", "passed 1", "pass -1", "pass 1 2", "pass x", ""] {
            let transcript = Transcript::read(format!("scenario: {text}").as_bytes());
            assert!(transcript.reports().is_err(), "{text}");
        }
    }

    #[test]
    fn verdicts_only_get_worse() {
        assert!(Verdict::Pass < Verdict::Skip && Verdict::Skip < Verdict::Error);
        assert!(Verdict::Error < Verdict::Fail);
    }

    #[test]
    fn failed_checks_are_found() {
        let transcript = Transcript::read(b"check failed: a\nchecks failed: b\ncheck failed: c\n");
        assert_eq!(transcript.failed_checks().collect::<Vec<_>>(), ["a", "c"]);
    }
}
