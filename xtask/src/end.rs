//! How a run ended: the word on the trusted status port, and the exit status that tells it.
//!
//! The words are the hypervisor's; `timeout` and `no-verdict` are added by this side, which alone
//! can see them.

use serde::Deserialize;

/// What precedes the word on the status port's line.
const MARKER: &str = "xenolith-verdict:";

/// How a run ended.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum End {
    /// The domain powered off.
    Poweroff,
    /// The domain asked for a reboot.
    Reboot,
    /// The domain suspended itself.
    Suspend,
    /// The domain crashed, by its own word or by what it did.
    Crash,
    /// The domain's watchdog ran out.
    Watchdog,
    /// The domain asked for a soft reset.
    SoftReset,
    /// The hypervisor itself failed.
    Panic,
    /// The hypervisor found the image or the machine unfit.
    BootError,
    /// Nothing ended the run before its time was over.
    Timeout,
    /// The emulator ended, and the hypervisor had said nothing.
    NoVerdict,
}

impl End {
    /// Every end that has a word, the hypervisor's first.
    const ALL: [Self; 10] = [
        Self::Poweroff,
        Self::Reboot,
        Self::Suspend,
        Self::Crash,
        Self::Watchdog,
        Self::SoftReset,
        Self::Panic,
        Self::BootError,
        Self::Timeout,
        Self::NoVerdict,
    ];

    /// The word for it, on the status port and in a scenario's description.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Poweroff => "poweroff",
            Self::Reboot => "reboot",
            Self::Suspend => "suspend",
            Self::Crash => "crash",
            Self::Watchdog => "watchdog",
            Self::SoftReset => "soft-reset",
            Self::Panic => "panic",
            Self::BootError => "boot-error",
            Self::Timeout => "timeout",
            Self::NoVerdict => "no-verdict",
        }
    }

    /// The exit status of `xtask run`; 1 is its own failure and 2 wrong usage.
    pub(crate) const fn exit_status(self) -> u8 {
        match self {
            Self::Poweroff => 0,
            Self::Reboot => 10,
            Self::Crash => 11,
            Self::Panic => 12,
            Self::Timeout => 13,
            Self::BootError => 14,
            Self::Suspend => 15,
            Self::Watchdog => 16,
            Self::SoftReset => 17,
            Self::NoVerdict => 18,
        }
    }

    /// The end in words for the user.
    pub(crate) const fn sentence(self) -> &'static str {
        match self {
            Self::Poweroff => "the domain powered off",
            Self::Reboot => "the domain asked for a reboot",
            Self::Suspend => "the domain suspended itself",
            Self::Crash => "the domain crashed",
            Self::Watchdog => "the domain's watchdog ran out",
            Self::SoftReset => "the domain asked for a soft reset",
            Self::Panic => "the hypervisor panicked",
            Self::BootError => "the image or the machine is unfit: see the log above",
            Self::Timeout => "the time limit is over",
            Self::NoVerdict => "the emulator ended without a verdict of the hypervisor",
        }
    }

    /// Whether only this side can tell such an end.
    const fn is_observed(self) -> bool {
        matches!(self, Self::Timeout | Self::NoVerdict)
    }

    /// The end that a word of the hypervisor means.
    fn from_verdict(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| !end.is_observed() && end.word() == word)
    }
}

/// What a line of the status port says: `None` if it is no verdict, the unknown word as an error.
///
/// The emulator writes text of its own to the same stream, so the marker may stand anywhere.
pub(crate) fn parse_verdict(line: &str) -> Option<Result<End, String>> {
    let (_, rest) = line.split_once(MARKER)?;
    let word = rest.trim();
    Some(End::from_verdict(word).ok_or_else(|| word.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_of_the_hypervisor_is_understood() {
        for end in End::ALL {
            let parsed = parse_verdict(&format!("xenolith-verdict: {}\r", end.word()));
            let expected = if end.is_observed() { Err(end.word().to_owned()) } else { Ok(end) };
            assert_eq!(parsed, Some(expected));
        }
    }

    #[test]
    fn text_of_the_emulator_is_no_verdict_but_may_precede_one() {
        assert_eq!(parse_verdict("(0) [0x0000fffffff0] f000:fff0: jmpf 0xf000:e05b"), None);
        assert_eq!(parse_verdict("<bochs:1> xenolith-verdict: crash"), Some(Ok(End::Crash)));
    }

    #[test]
    fn an_unknown_or_missing_word_is_an_error_not_an_end() {
        assert_eq!(parse_verdict("xenolith-verdict: fine"), Some(Err("fine".to_owned())));
        assert_eq!(parse_verdict("xenolith-verdict:"), Some(Err(String::new())));
        assert_eq!(parse_verdict("xenolith-verdict: crash now"), Some(Err("crash now".to_owned())));
    }

    #[test]
    fn exit_statuses_differ_and_leave_1_and_2_alone() {
        let mut seen: Vec<u8> = End::ALL.into_iter().map(End::exit_status).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), End::ALL.len());
        assert!(!seen.contains(&1) && !seen.contains(&2));
    }

    #[test]
    fn a_scenario_names_an_end_by_the_same_word() {
        #[derive(Deserialize)]
        struct Row {
            end: End,
        }
        for end in End::ALL {
            let row: Row = toml::from_str(&format!("end = \"{}\"", end.word())).unwrap();
            assert_eq!(row.end, end);
        }
    }
}
