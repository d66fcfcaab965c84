//! The status port: lines of text, and between them the records of a trace.

use std::io::{self, BufRead, Write};

use xenolith_core::trace::{RECORD_BYTES, START};

/// Hands each line to `line`, until it returns false, and each record to `trace`. Without a trace all
/// is text. An emulator that cannot be read any more has ended.
///
/// # Errors
/// A record cannot be written.
pub(super) fn split(
    mut output: impl BufRead,
    mut trace: Option<&mut impl Write>,
    mut line: impl FnMut(String) -> bool,
) -> io::Result<()> {
    let mut text = Vec::new();
    let mut left = 0;
    while let Ok(bytes) = output.fill_buf() {
        let [first, ..] = *bytes else { break };
        let mut used = 1;
        match &mut trace {
            Some(trace) if left > 0 => {
                used = bytes.len().min(left);
                trace.write_all(&bytes[..used])?;
                left -= used;
            }
            Some(_) if first == START => left = RECORD_BYTES,
            _ if first == b'\n' => {
                if !line(String::from_utf8_lossy(&std::mem::take(&mut text)).into_owned()) {
                    return Ok(());
                }
            }
            _ => text.push(first),
        }
        output.consume(used);
    }
    if !text.is_empty() {
        line(String::from_utf8_lossy(&text).into_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    /// Splits `bytes`, which come in pieces of `piece`.
    fn run(bytes: &[u8], piece: usize, trace: bool) -> (Vec<u8>, Vec<String>) {
        let (mut records, mut lines) = (Vec::new(), Vec::new());
        let output = BufReader::with_capacity(piece, bytes);
        let line = |line| {
            lines.push(line);
            true
        };
        split(output, trace.then_some(&mut records), line).unwrap();
        (records, lines)
    }

    #[test]
    fn records_are_taken_out_of_the_text() {
        // A record may hold any byte.
        let record = [b'\n', START].repeat(RECORD_BYTES / 2);
        let started = [&[START][..], &record].concat();
        let bytes = [b"Boc", &started[..], b"hs\n", &started, &started, b"\nend"].concat();
        for piece in [1, 7, 4096] {
            let (records, lines) = run(&bytes, piece, true);
            assert_eq!(records, record.repeat(3));
            assert_eq!(lines, ["Bochs", "", "end"]);
        }
    }

    #[test]
    fn without_a_trace_all_is_text() {
        let (records, lines) = run(b"a\x1eb\n", 3, false);
        assert_eq!((records.len(), lines), (0, vec!["a\x1eb".to_owned()]));
    }

    #[test]
    fn a_record_that_is_cut_off_is_what_there_is() {
        let (records, lines) = run(b"x\n\x1eabc", 2, true);
        assert_eq!((records, lines), (b"abc".to_vec(), vec!["x".to_owned()]));
    }

    #[test]
    fn whoever_hears_no_more_is_told_no_more() {
        let mut heard = 0;
        let line = |_| {
            heard += 1;
            false
        };
        split(&b"a\nb\n"[..], None::<&mut Vec<u8>>, line).unwrap();
        assert_eq!(heard, 1);
    }
}
