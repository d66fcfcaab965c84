//! Where the records of the status port go.

use std::fs::File;
use std::io::{BufWriter, Write};

use anyhow::{Context, Result};
use xenolith_core::debug_console::Record;

/// Said of a trace.
const TRACE: &str = "cannot write the trace";

/// What is kept of the records; nothing unless told.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// The file of the trace.
    trace: Option<BufWriter<File>>,
}

impl Records {
    /// Keeps the trace in `file`.
    pub(super) fn trace_to(&mut self, file: File) {
        self.trace = Some(BufWriter::new(file));
    }

    /// Takes one record.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn take(&mut self, record: Record<'_>) -> Result<()> {
        match (record, &mut self.trace) {
            (Record::Trace(bytes), Some(trace)) => trace.write_all(bytes).context(TRACE),
            _ => Ok(()),
        }
    }

    /// No more will come.
    ///
    /// # Errors
    /// What is left cannot be written.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.trace.as_mut().map_or(Ok(()), |trace| trace.flush().context(TRACE))
    }
}
