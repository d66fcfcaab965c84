//! The lines in which the measuring guest tells its samples.
//!
//! ```text
//! call: NAME | INSTRUCTIONS
//! samples: MOMENT:LATENCY MOMENT:LATENCY ...
//! ```

use anyhow::{Context, Result, ensure};

const CALL: &str = "call: ";
const SAMPLES: &str = "samples:";

/// What was found under one call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Samples {
    /// The call.
    pub(super) call: String,
    /// Instructions that it took, events and all.
    pub(super) instructions: u64,
    /// Moments in it, and how long an event that was due then waited; in instructions.
    pub(super) events: Vec<(u64, u64)>,
}

impl Samples {
    /// The latencies, ascending.
    pub(super) fn latencies(&self) -> Vec<u64> {
        let mut latencies: Vec<_> = self.events.iter().map(|(_, latency)| *latency).collect();
        latencies.sort_unstable();
        latencies
    }
}

/// Reads the lines about calls in `text`; other lines are none.
///
/// # Errors
/// A line is broken, samples belong to no call, or a call has none.
pub(super) fn read(text: &str) -> Result<Vec<Samples>> {
    let mut calls: Vec<Samples> = Vec::new();
    for line in text.lines().map(str::trim) {
        let broken = || format!("in the line `{line}`");
        if let Some(rest) = line.strip_prefix(CALL) {
            let (call, instructions) = rest.split_once('|').with_context(broken)?;
            let instructions = instructions.trim().parse().with_context(broken)?;
            let call = call.trim().to_owned();
            ensure!(calls.iter().all(|it| it.call != call), "`{call}` was measured twice");
            calls.push(Samples { call, instructions, events: Vec::new() });
        } else if let Some(rest) = line.strip_prefix(SAMPLES) {
            let events = &mut calls.last_mut().with_context(broken)?.events;
            for word in rest.split_whitespace() {
                events.push(sample(word).with_context(broken)?);
            }
        }
    }
    for Samples { call, events, .. } in &calls {
        ensure!(!events.is_empty(), "no event came during `{call}`");
    }
    Ok(calls)
}

/// Reads `MOMENT:LATENCY`.
fn sample(word: &str) -> Option<(u64, u64)> {
    let (moment, latency) = word.split_once(':')?;
    Some((moment.parse().ok()?, latency.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_belong_to_the_call_before_them() {
        let text = "boot\r\ncall: one | 50\r\nsamples: 1:2 3:4\r\nsamples: 5:1\ncall: two|7\nsamples: 0:9\n";
        let found = read(text).unwrap();
        assert_eq!((found[0].call.as_str(), found[0].instructions), ("one", 50));
        assert_eq!(found[0].events, [(1, 2), (3, 4), (5, 1)]);
        assert_eq!(found[0].latencies(), [1, 2, 4]);
        assert_eq!((found.len(), found[1].events[0]), (2, (0, 9)));
    }

    #[test]
    fn what_makes_no_sense_is_an_error() {
        for text in [
            "call: one",
            "call: one | x",
            "samples: 1:2",
            "call: one | 5",
            "call: one | 5\nsamples: 1",
            "call: one | 5\nsamples: 1:2:3",
            "call: one | 5\nsamples: 1:2\ncall: one | 5\nsamples: 1:2",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read("nothing: of that kind\n").unwrap().is_empty());
    }
}
