//! What comes of a Linux that measures: its own lines, the hypervisor's count of exits, and the time at
//! which the emulator stopped.

use anyhow::{Context, Result, ensure};

use crate::machine::bochs::BRISK_IPS;

/// What starts a line of the measuring program.
const PREFIX: &str = "bench: ";

/// What an operation costs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    /// The operation.
    pub(super) op: String,
    /// Instructions of Linux, its processes and the hypervisor.
    pub(super) instructions: u64,
    /// VM exits, if they were counted.
    pub(super) vm_exits: Option<f64>,
}

/// Reads all lines of the form `bench: OP | INSTRUCTIONS` or `bench: OP | INSTRUCTIONS | EXITS`.
///
/// # Errors
/// A line that starts like one is none, or there is none at all.
pub(super) fn read(text: &str) -> Result<Vec<Figure>> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix(PREFIX));
    let figure = |line| parse(line).with_context(|| format!("no measurement: `{line}`"));
    let figures = lines.map(figure).collect::<Result<Vec<_>>>()?;
    ensure!(!figures.is_empty(), "Linux printed no measurement");
    Ok(figures)
}

/// Reads what is behind the prefix.
fn parse(line: &str) -> Option<Figure> {
    let mut parts = line.split('|').map(str::trim);
    let (op, instructions) = (parts.next()?.to_owned(), parts.next()?.parse().ok()?);
    let vm_exits = match parts.next() {
        Some(exits) => Some(exits.parse().ok().filter(|exits: &f64| exits.is_finite())?),
        None => None,
    };
    parts.next().is_none().then_some(Figure { op, instructions, vm_exits })
}

/// Exits by reason, as the hypervisor logs them at the end.
pub(super) fn exits(text: &str) -> Vec<(String, u64)> {
    let entries = text.lines().filter_map(|line| line.trim().strip_prefix("(XL) debug: "));
    let counts = entries.filter_map(|entry| entry.split_once(" exits by "));
    counts.filter_map(|(count, reason)| Some((reason.to_owned(), count.parse().ok()?))).collect()
}

/// Instructions in Linux until it starts the first program, by the time before that message.
pub(super) fn until_first_program(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.contains(" as init process"))?;
    let (seconds, _) = line.trim_start().strip_prefix('[')?.split_once(']')?;
    let (seconds, microseconds) = seconds.trim().split_once('.')?;
    let microseconds =
        seconds.parse::<u64>().ok()? * 1_000_000 + microseconds.parse::<u64>().ok()?;
    Some(microseconds * u64::from(BRISK_IPS / 1_000_000))
}

/// Instructions until the emulator's last message: its log begins each line with their number.
pub(super) fn last_instruction(log: &str) -> Option<u64> {
    const DIGITS: usize = 11;
    log.lines().filter_map(|line| line.get(..DIGITS)?.parse().ok()).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_and_without_exits_are_read() {
        let figures = read("x\r\nbench: getpid | 84 | 0.02\r\nbench: boot: all | 7\r\n").unwrap();
        let [counted, other] = &figures[..] else { panic!("{figures:?}") };
        assert_eq!((counted.op.as_str(), counted.vm_exits), ("getpid", Some(0.02)));
        assert_eq!((other.op.as_str(), other.instructions, other.vm_exits), ("boot: all", 7, None));
    }

    #[test]
    fn what_is_no_measurement_is_an_error() {
        for line in ["", "bench: x", "bench: x | y", "bench: x | 1 | y", "bench: x | 1 | 2 | 3"] {
            assert!(read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn exits_are_read_from_the_log() {
        let text =
            "(XL) debug: 12 exits by CPUID\r\n3 exits by HLT\n(XL) debug: so many exits at TSC 1\n";
        assert_eq!(exits(text), [("CPUID".to_owned(), 12)]);
    }

    #[test]
    fn linux_tells_when_it_starts_the_first_program() {
        let text = "[    1.000000] x\r\n[   21.638889] Run /init as init process\r\n";
        assert_eq!(until_first_program(text), Some(2_163_888_900));
        for text in ["", "Run /init as init process", "[ x.1] Run /init as init process"] {
            assert_eq!(until_first_program(text), None, "{text}");
        }
    }

    #[test]
    fn the_last_instruction_is_that_of_the_last_message() {
        let log = "Bochs x86 Emulator\n00000000000i[      ] a\n00002345678i[ACPI  ] b\n| EIP\n";
        assert_eq!(last_instruction(log), Some(2_345_678));
        assert_eq!(last_instruction("nothing"), None);
    }
}
