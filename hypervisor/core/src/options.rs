//! The hypervisor's own command line.

use core::fmt;
use core::str::FromStr;

/// How much the log says.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What ended a domain or the machine.
    Error,
    /// What is likely not meant.
    Warn,
    /// The course of the boot.
    Info,
    /// What was found and decided.
    Debug,
    /// Everything.
    Trace,
}

/// Smallest memory of a domain, in bytes.
pub const MIN_MEMORY_BYTES: u64 = 1 << 20;
/// Largest memory of a domain, in bytes: what its p2m and the hole's tables are sized for.
pub const MAX_MEMORY_BYTES: u64 = 64 << 30;

/// What the command line asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Options {
    /// `log=`: how much the log says.
    pub log: LogLevel,
    /// `memory=`: memory of the domain, in bytes, a multiple of the page size.
    pub memory_bytes: u64,
    /// `step=`: whether domains may have their instructions counted.
    pub step: bool,
    /// `trace=`: whether records of what domains do are written to the debug console.
    pub trace: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { log: LogLevel::Info, memory_bytes: 128 << 20, step: false, trace: false }
    }
}

/// What is wrong with the command line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OptionError<'a> {
    /// No such option.
    Unknown(&'a str),
    /// Not a log level.
    LogLevel(&'a str),
    /// Not a size.
    Size(&'a str),
    /// A size out of bounds.
    Bounds(&'a str),
    /// Neither on nor off.
    Switch(&'a str),
}

impl fmt::Display for OptionError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(word) => {
                write!(
                    f,
                    "unknown option \"{word}\"; there are log=LEVEL, memory=SIZE, step=on, trace=on"
                )
            }
            Self::LogLevel(word) => {
                write!(f, "log=\"{word}\" is not one of off, error, warn, info, debug, trace")
            }
            Self::Size(word) => {
                write!(f, "memory=\"{word}\" is not a size such as 64M, 1G or 262144K")
            }
            Self::Bounds(word) => write!(
                f,
                "memory={word} is out of bounds: it must be at least {}M and at most {}G",
                MIN_MEMORY_BYTES >> 20,
                MAX_MEMORY_BYTES >> 30
            ),
            Self::Switch(word) => write!(f, "\"{word}\" is neither on nor off"),
        }
    }
}

impl Options {
    /// Reads `line`, words separated by blanks; a later word overrides an earlier one.
    ///
    /// # Errors
    ///
    /// Names the first word that it does not understand.
    pub fn parse(line: &str) -> Result<Self, OptionError<'_>> {
        let mut options = Self::default();
        for word in line.split_ascii_whitespace() {
            match word.split_once('=') {
                Some(("log", level)) => {
                    options.log = level.parse().map_err(|()| OptionError::LogLevel(level))?;
                }
                Some(("memory", size)) => options.memory_bytes = parse_memory(size)?,
                Some(("step", word)) => options.step = parse_switch(word)?,
                Some(("trace", word)) => options.trace = parse_switch(word)?,
                _ => return Err(OptionError::Unknown(word)),
            }
        }
        Ok(options)
    }
}

impl FromStr for LogLevel {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Ok(match word {
            "off" => Self::Off,
            "error" => Self::Error,
            "warn" => Self::Warn,
            "info" => Self::Info,
            "debug" => Self::Debug,
            "trace" => Self::Trace,
            _ => return Err(()),
        })
    }
}

fn parse_memory(word: &str) -> Result<u64, OptionError<'_>> {
    let bytes = parse_size(word).ok_or(OptionError::Size(word))?;
    if !(MIN_MEMORY_BYTES..=MAX_MEMORY_BYTES).contains(&bytes) {
        return Err(OptionError::Bounds(word));
    }
    Ok(bytes & !(crate::address::PAGE_SIZE - 1))
}

fn parse_switch(word: &str) -> Result<bool, OptionError<'_>> {
    match word {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(OptionError::Switch(word)),
    }
}

/// Returns the number of bytes that `word` names: digits with an optional K, M or G.
fn parse_size(word: &str) -> Option<u64> {
    let (digits, shift) = match word.as_bytes().last()?.to_ascii_uppercase() {
        b'K' => (&word[..word.len() - 1], 10),
        b'M' => (&word[..word.len() - 1], 20),
        b'G' => (&word[..word.len() - 1], 30),
        _ => (word, 0),
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_lines() {
        for (line, log, memory_bytes) in [
            ("", LogLevel::Info, 128 << 20),
            ("  log=trace\tmemory=64M ", LogLevel::Trace, 64 << 20),
            ("memory=1g memory=2097152", LogLevel::Info, 2 << 20),
            ("memory=1025k", LogLevel::Info, 1 << 20),
        ] {
            let options = Options { log, memory_bytes, ..Options::default() };
            assert_eq!(Options::parse(line), Ok(options), "{line}");
        }
    }

    #[test]
    fn counting_is_switched_on_by_a_word() {
        for (line, step) in [("step=on", true), ("step=off", false), ("step=on step=off", false)] {
            assert_eq!(Options::parse(line).map(|options| options.step), Ok(step), "{line}");
        }
    }

    #[test]
    fn tracing_is_switched_on_by_a_word() {
        assert_eq!(Options::parse("trace=on").map(|options| options.trace), Ok(true));
        assert_eq!(Options::parse("trace=yes"), Err(OptionError::Switch("yes")));
    }

    #[test]
    fn bad_lines_name_the_word() {
        for (line, error) in [
            ("log=info quiet", OptionError::Unknown("quiet")),
            ("log=", OptionError::LogLevel("")),
            ("log=loud", OptionError::LogLevel("loud")),
            ("memory=", OptionError::Size("")),
            ("memory=12X", OptionError::Size("12X")),
            ("memory=-1", OptionError::Size("-1")),
            ("memory=M", OptionError::Size("M")),
            ("memory=99999999999999999999", OptionError::Size("99999999999999999999")),
            ("memory=18446744073709551615G", OptionError::Size("18446744073709551615G")),
            ("memory=1K", OptionError::Bounds("1K")),
            ("step=", OptionError::Switch("")),
            ("step=1", OptionError::Switch("1")),
            ("memory=65G", OptionError::Bounds("65G")),
        ] {
            assert_eq!(Options::parse(line), Err(error), "{line}");
        }
    }
}
