//! What is said on the debug console (port 0xE9) of an emulator: lines of text, and records.
//!
//! ```text
//! xenolith-verdict: poweroff\n      text, without the byte START
//! Header | content                  a record: 16 bytes, then as many as the header says
//! ```
//! A record may come at any place, also within a line. Its content may be any bytes; its length is
//! in the header, so whoever does not want a record can pass it over.

use crate::trace;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The first byte of each record: ASCII's record separator.
pub const START: u8 = 0x1e;

/// Bytes of a header.
pub const HEADER_BYTES: usize = size_of::<Header>();

/// The most bytes of a record's content: a page of a disk.
pub const MOST_CONTENT_BYTES: usize = 4096;

/// What stands in front of each record's content; all numbers little-endian.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct Header {
    start: u8,
    kind: u8,
    unit: u16,
    bytes: u32,
    place: u64,
}

/// A record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Record<'a> {
    /// Of the trace of a domain, the bytes of a [`trace::Record`].
    Trace(&'a [u8]),
    /// A disk was written.
    DiskWrite {
        /// Which one.
        disk: u16,
        /// From which sector on.
        sector: u64,
        /// With what: whole sectors, at most [`MOST_CONTENT_BYTES`].
        data: &'a [u8],
    },
}

impl<'a> Record<'a> {
    /// Returns what is written for it, one behind the other.
    ///
    /// # Panics
    ///
    /// When the content is too long.
    pub fn parts(&self) -> (Header, &'a [u8]) {
        let (kind, unit, place, content) = match *self {
            Self::Trace(record) => (1, 0, 0, record),
            Self::DiskWrite { disk, sector, data } => (2, disk, sector, data),
        };
        assert!(content.len() <= MOST_CONTENT_BYTES, "a record is too long");
        let bytes = u32::try_from(content.len()).expect("that is not much");
        (Header { start: START, kind, unit, bytes, place }, content)
    }

    /// Returns the record of this header, or `None` if nobody has written it so.
    pub fn new(header: &Header, content: &'a [u8]) -> Option<Self> {
        if header.content_bytes()? != content.len() {
            return None;
        }
        match header.kind {
            1 if content.len() == trace::RECORD_BYTES => Some(Self::Trace(content)),
            2 => Some(Self::DiskWrite { disk: header.unit, sector: header.place, data: content }),
            _ => None,
        }
    }
}

impl Header {
    /// Returns how long the content is, or `None` for what is no header.
    pub fn content_bytes(&self) -> Option<usize> {
        let bytes = usize::try_from(self.bytes).ok()?;
        (self.start == START && bytes <= MOST_CONTENT_BYTES).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn returns(record: Record<'_>) -> bool {
        let (header, content) = record.parts();
        let header = Header::read_from_bytes(header.as_bytes()).unwrap();
        header.content_bytes() == Some(content.len())
            && Record::new(&header, content) == Some(record)
    }

    proptest! {
        #[test]
        fn a_record_comes_back(
            disk: u16,
            sector: u64,
            data in prop::collection::vec(any::<u8>(), 0..=MOST_CONTENT_BYTES),
        ) {
            let record = Record::DiskWrite { disk, sector, data: &data };
            prop_assert!(returns(record));
        }
    }

    #[test]
    fn what_nobody_writes_is_no_record() {
        assert!(returns(Record::Trace(&[7; trace::RECORD_BYTES])));
        let (header, _) = Record::Trace(&[0; trace::RECORD_BYTES]).parts();
        let content = [0; trace::RECORD_BYTES];
        assert!(Record::new(&header, &content).is_some());
        for wrong in [
            Header { start: 0, ..header },
            Header { kind: 0, ..header },
            Header { kind: 3, ..header },
            Header { bytes: header.bytes - 1, ..header },
            Header { bytes: u32::MAX, ..header },
        ] {
            assert_eq!(Record::new(&wrong, &content), None, "{wrong:?}");
        }
        let short = Header { bytes: 8, ..header };
        assert_eq!(Record::new(&short, &content[..8]), None);
        assert_eq!(Header { bytes: 4097, ..header }.content_bytes(), None);
    }
}
