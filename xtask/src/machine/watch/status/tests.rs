use super::*;
use proptest::prelude::*;
use std::io::BufReader;
use xenolith_core::trace::RECORD_BYTES;
use zerocopy::IntoBytes;

/// What comes on the port, of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Line(String),
    Trace(Vec<u8>),
    Disk(u16, u64, Vec<u8>),
}

impl Part {
    fn of(record: Record<'_>) -> Self {
        match record {
            Record::Trace(bytes) => Self::Trace(bytes.to_owned()),
            Record::DiskWrite { disk, sector, data } => Self::Disk(disk, sector, data.to_owned()),
        }
    }

    /// What is written for it.
    fn bytes(&self) -> Vec<u8> {
        let record = match self {
            Self::Line(line) => return format!("{line}\n").into_bytes(),
            Self::Trace(bytes) => Record::Trace(bytes),
            Self::Disk(disk, sector, data) => {
                Record::DiskWrite { disk: *disk, sector: *sector, data }
            }
        };
        let (header, content) = record.parts();
        [header.as_bytes(), content].concat()
    }
}

/// Splits `bytes`, which come in pieces of `piece`.
fn run(bytes: &[u8], piece: usize) -> Result<Vec<Part>> {
    let parts = std::cell::RefCell::new(Vec::new());
    let output = BufReader::with_capacity(piece, bytes);
    let record = |record: Record<'_>| {
        parts.borrow_mut().push(Part::of(record));
        Ok(())
    };
    let line = |line| {
        parts.borrow_mut().push(Part::Line(line));
        true
    };
    split(output, record, line)?;
    Ok(parts.into_inner())
}

fn part() -> impl Strategy<Value = Part> {
    let data = prop::collection::vec(any::<u8>(), 0..1500);
    prop_oneof![
        "[ -~]{0,30}".prop_map(Part::Line),
        prop::collection::vec(any::<u8>(), RECORD_BYTES).prop_map(Part::Trace),
        (any::<u16>(), any::<u64>(), data).prop_map(|(disk, at, data)| Part::Disk(disk, at, data)),
    ]
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        parts in prop::collection::vec(part(), 0..12),
        piece in 1..3000_usize,
    ) {
        let bytes: Vec<_> = parts.iter().flat_map(Part::bytes).collect();
        prop_assert_eq!(run(&bytes, piece).unwrap(), parts);
    }

    #[test]
    fn an_end_in_the_midst_leaves_what_came_before(
        parts in prop::collection::vec(part(), 1..6),
        cut: prop::sample::Index,
    ) {
        let bytes: Vec<_> = parts.iter().flat_map(Part::bytes).collect();
        let cut = cut.index(bytes.len());
        let found = run(&bytes[..cut], 512).unwrap();
        let ends = parts.iter().scan(0, |end, part| {
            *end += part.bytes().len();
            Some(*end)
        });
        let whole = ends.filter(|&end| end <= cut).count();
        prop_assert_eq!(&found[..whole], &parts[..whole]);
        // Of text that has no end there is what has come.
        let is_text = |part: &Part| matches!(part, Part::Line(_));
        prop_assert!(found[whole..].len() <= 1 && found[whole..].iter().all(is_text));
    }

    #[test]
    fn any_bytes_are_split_or_refused(
        bytes in prop::collection::vec(prop_oneof![Just(START), Just(1), Just(0), any::<u8>()], 0..200),
        piece in 1..50_usize,
    ) {
        let whole = run(&bytes, 4096).map_err(|error| error.to_string());
        prop_assert_eq!(run(&bytes, piece).map_err(|error| error.to_string()), whole);
    }
}

#[test]
fn a_record_may_stand_within_a_line() {
    let record = Part::Disk(0, 7, vec![b'\n', START]);
    let bytes = [&b"Boc"[..], &record.bytes(), b"hs\nend"].concat();
    let expected = [record, Part::Line("Bochs".into()), Part::Line("end".into())];
    assert_eq!(run(&bytes, 5).unwrap(), expected);
}

#[test]
fn what_is_no_record_is_refused() {
    let (header, _) = Record::Trace(&[0; RECORD_BYTES]).parts();
    let mut unknown = header.as_bytes().to_owned();
    unknown[1] = 9;
    unknown.extend([0; RECORD_BYTES]);
    let mut long = header.as_bytes().to_owned();
    long[4..8].fill(0xff);
    for bytes in [unknown, long] {
        assert_eq!(run(&bytes, 100).unwrap_err().to_string(), NONSENSE);
    }
}

#[test]
fn whoever_hears_no_more_is_told_no_more() {
    let mut heard = 0;
    let line = |_| {
        heard += 1;
        false
    };
    split(&b"a\nb\n"[..], |_| Ok(()), line).unwrap();
    assert_eq!(heard, 1);
}

#[test]
fn a_record_that_cannot_be_kept_ends_it() {
    let bytes = Part::Disk(0, 0, vec![1]).bytes();
    let error = split(&bytes[..], |_| anyhow::bail!("full"), |_| true).unwrap_err();
    assert_eq!(error.to_string(), "full");
}
