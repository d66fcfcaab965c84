//! Where the records of the status port go.

use std::fs::File;
use std::io::{BufWriter, Write};

use anyhow::{Context, Result, bail};
use xenolith_core::debug_console::Record;

use crate::disk::DiskFile;

/// Said of a trace.
const TRACE: &str = "cannot write the trace";

/// What is kept of the records; nothing unless told.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// The file of the trace.
    trace: Option<BufWriter<File>>,
    /// The file of the disk.
    disk: Option<DiskFile>,
}

impl Records {
    /// Keeps the trace in `file`.
    pub(super) fn trace_to(&mut self, file: File) {
        self.trace = Some(BufWriter::new(file));
    }

    /// Writes what changes on the disk to its file.
    pub(super) fn disk_to(&mut self, file: DiskFile) {
        self.disk = Some(file);
    }

    /// Takes one record.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn take(&mut self, record: Record<'_>) -> Result<()> {
        match record {
            Record::Trace(bytes) => match &mut self.trace {
                Some(trace) => trace.write_all(bytes).context(TRACE),
                None => Ok(()),
            },
            Record::DiskWrite { disk: 0, sector, data } => match &self.disk {
                Some(file) => file.write(sector, data),
                None => Ok(()),
            },
            Record::DiskWrite { disk, .. } => bail!("there is no disk {disk}, and it was written"),
        }
    }

    /// No more will come.
    ///
    /// # Errors
    /// What is left cannot be written.
    pub(super) fn finish(&mut self) -> Result<()> {
        let trace = self.trace.as_mut().map_or(Ok(()), |trace| trace.flush().context(TRACE));
        let disk = self.disk.as_ref().map_or(Ok(()), DiskFile::finish);
        trace.and(disk)
    }
}
