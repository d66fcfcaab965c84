//! The status port, which is the debug console: lines of text, and between them records.

use std::io::BufRead;
use std::mem;

use anyhow::{Context, Result};
use xenolith_core::debug_console::{HEADER_BYTES, Header, Record, START};
use zerocopy::FromBytes;

/// Hands each line to `line`, until it returns false, and each record to `record`. An emulator that
/// cannot be read any more has ended; a record that it did not finish never was.
///
/// # Errors
/// `record` fails, or what begins like a record is none.
pub(super) fn split(
    mut output: impl BufRead,
    mut record: impl FnMut(Record<'_>) -> Result<()>,
    mut line: impl FnMut(String) -> bool,
) -> Result<()> {
    let mut text = Vec::new();
    let mut open = OpenRecord::default();
    while let Ok(bytes) = output.fill_buf() {
        let [first, ..] = *bytes else { break };
        let mut used = 1;
        if open.has_begun() || first == START {
            used = open.take(bytes, &mut record)?;
        } else if first != b'\n' {
            text.push(first);
        } else if !line(String::from_utf8_lossy(&mem::take(&mut text)).into_owned()) {
            return Ok(());
        }
        output.consume(used);
    }
    if !text.is_empty() {
        line(String::from_utf8_lossy(&text).into_owned());
    }
    Ok(())
}

/// As much of a record as has come.
#[derive(Debug, Default)]
struct OpenRecord {
    bytes: Vec<u8>,
}

impl OpenRecord {
    fn has_begun(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// Takes what belongs to the record off the front of `bytes`, and tells how much that is; hands
    /// the record on if it is whole.
    fn take(
        &mut self,
        bytes: &[u8],
        record: &mut impl FnMut(Record<'_>) -> Result<()>,
    ) -> Result<usize> {
        let needed = self.length()?.unwrap_or(HEADER_BYTES) - self.bytes.len();
        let used = needed.min(bytes.len());
        self.bytes.extend(&bytes[..used]);
        if self.length()? == Some(self.bytes.len()) {
            let (header, content) = Header::read_from_prefix(&self.bytes).ok().context(NONSENSE)?;
            record(Record::new(&header, content).context(NONSENSE)?)?;
            self.bytes.clear();
        }
        Ok(used)
    }

    /// The length of the whole record, once its header has come.
    fn length(&self) -> Result<Option<usize>> {
        let Ok((header, _)) = Header::read_from_prefix(&self.bytes) else { return Ok(None) };
        let content = header.content_bytes().context(NONSENSE)?;
        Ok(Some(HEADER_BYTES + content))
    }
}

/// Said of bytes that no hypervisor of this version writes.
const NONSENSE: &str = "the debug console has a record that is none of this version's";

#[cfg(test)]
mod tests;
