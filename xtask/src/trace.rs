//! `xtask trace`: what `run --trace` has written, as a list for people or a timeline for a viewer.
//!
//! The file begins with [`MAGIC`]; behind it are the records, one after the other.

mod list;
mod timeline;

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use xenolith_core::trace::{Event, RECORD_BYTES, Record};
use zerocopy::FromBytes;

use crate::cli::TraceOptions;
use crate::progress;
use crate::symbols::Finder;

/// What a file starts with; the last byte changes with the form of records.
const MAGIC: &[u8; 8] = b"XLTRACE1";

/// Makes the file of a trace; records go behind what it holds.
///
/// # Errors
/// It cannot be written.
pub(crate) fn create(path: &Path) -> Result<File> {
    let open = || {
        let mut file = File::create(path)?;
        file.write_all(MAGIC)?;
        Ok::<_, io::Error>(file)
    };
    open().with_context(|| format!("cannot write {}", path.display()))
}

/// `xtask trace`.
///
/// # Errors
/// The file is no trace, or a file cannot be read or written.
pub(crate) fn run(options: &TraceOptions) -> Result<ExitCode> {
    let records = Records::open(&options.trace)?;
    if let Some(path) = &options.timeline {
        let file = File::create(path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        let entries = timeline::write(records, BufWriter::new(file))?;
        progress!("{entries} events in {}; ui.perfetto.dev shows it", path.display());
        return Ok(ExitCode::SUCCESS);
    }
    let mut names = options.guest.as_deref().map(Finder::new).transpose()?;
    let written = list::write(records, names.as_mut(), BufWriter::new(io::stdout().lock()));
    // Whoever reads may have seen enough.
    if !written.as_ref().is_err_and(is_broken_pipe) {
        written?;
    }
    Ok(ExitCode::SUCCESS)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Returns the trace in a file as lines of text.
///
/// # Errors
/// The file is no trace, or cannot be read.
pub(crate) fn text(path: &Path) -> Result<String> {
    let mut text = Vec::new();
    list::write(Records::open(path)?, None, &mut text)?;
    String::from_utf8(text).context("the list is no text")
}

/// The records of a file, in the order in which they were written.
#[derive(Debug)]
struct Records<R> {
    file: R,
}

impl Records<BufReader<File>> {
    fn open(path: &Path) -> Result<Self> {
        let context = || format!("cannot read {}", path.display());
        ensure!(
            !fs::metadata(path).with_context(context)?.is_dir(),
            "{} is no file",
            path.display()
        );
        let file = BufReader::new(File::open(path).with_context(context)?);
        Self::new(file).with_context(context)
    }
}

impl<R: Read> Records<R> {
    fn new(mut file: R) -> Result<Self> {
        let mut magic = [0; MAGIC.len()];
        let read = file.read_exact(&mut magic);
        ensure!(read.is_ok() && magic == *MAGIC, "it is no trace of this version of xtask");
        Ok(Self { file })
    }
}

impl<R: Read> Iterator for Records<R> {
    type Item = Result<(Record, Event)>;

    /// A record that was cut off, because the run was ended, is left out.
    fn next(&mut self) -> Option<Self::Item> {
        let mut bytes = [0; RECORD_BYTES];
        match self.file.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return None,
            Err(error) => return Some(Err(error).context("cannot read the trace")),
        }
        let record = Record::read_from_bytes(&bytes).ok()?;
        let event = record.event().context("the trace holds what is no record");
        Some(event.map(|event| (record, event)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::IntoBytes;

    /// A trace of these events, each a microsecond after the one before.
    pub(super) fn trace(events: &[Event]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for (time_ns, event) in (1000..).step_by(1000).zip(events) {
            let record =
                Record { time_ns, domain: 1, rip: 0xffff_ffff_8100_0000, ..Record::new(event) };
            bytes.extend(record.as_bytes());
        }
        bytes
    }

    #[test]
    fn the_records_of_a_file_come_back() {
        let events = [Event::Result { value: -38 }, Event::SysEnter { number: 1 }];
        let mut bytes = trace(&events);
        bytes.extend(b"cut off");
        let found: Vec<_> = Records::new(&bytes[..]).unwrap().map(|it| it.unwrap().1).collect();
        assert_eq!(found, events);
    }

    #[test]
    fn other_files_are_refused() {
        assert!(Records::new(&b"XLTRACE0"[..]).is_err() && Records::new(&b""[..]).is_err());
        let rubbish = [MAGIC, &[0xff; RECORD_BYTES][..]].concat();
        assert!(Records::new(&rubbish[..]).unwrap().next().unwrap().is_err());
    }
}
