//! Requests at random, beside a model that does them at once.

use super::*;
use crate::address::to_usize;
use proptest::prelude::*;

/// A request: operation, sector, segments, whether they are in a page of their own.
type Wanted = (u8, u64, Vec<(u64, u8, u8)>, bool);

fn wanted() -> impl Strategy<Value = Wanted> {
    let operation = prop_oneof![4 => Just(OP_READ), 4 => Just(OP_WRITE), 1 => Just(3_u8)];
    let sector = prop_oneof![8 => 0..SECTORS, 1 => SECTORS - 20..SECTORS + 5, 1 => any::<u64>()];
    let frame = prop_oneof![20 => DATA..GRANTED, 1 => 0..GRANTED + 2];
    let part = prop_oneof![20 => (0..8_u8, 0..8_u8).prop_map(|(a, b)| (a.min(b), a.max(b))),
        1 => (0..10_u8, 0..10_u8)];
    let part = (frame, part).prop_map(|(frame, (first, last))| (frame, first, last));
    let lists = prop_oneof![4 => prop::collection::vec(part.clone(), 1..=11),
        1 => prop::collection::vec(part, 0..=80)];
    (operation, sector, lists, any::<bool>())
}

/// The pages for data and the disk, as they should be.
struct Model {
    pages: Vec<Vec<u8>>,
    disk: Vec<u8>,
}

impl Model {
    /// Does a request; returns its status.
    fn run(&mut self, (operation, sector, segments, indirect): &Wanted) -> i16 {
        let most = if *indirect { 256 } else { 11 };
        let is_empty_flush = *operation == OP_FLUSH_DISKCACHE && segments.is_empty();
        let no_flush = *indirect && *operation == OP_FLUSH_DISKCACHE;
        let is_whole = segments.iter().all(|(_, first, last)| first <= last && *last <= 7);
        if no_flush || !is_whole || !(is_empty_flush || (1..=most).contains(&segments.len())) {
            return RSP_ERROR;
        }
        let count: u64 = segments.iter().map(|(_, first, last)| u64::from(last - first) + 1).sum();
        if count != 0 && sector.checked_add(count).is_none_or(|end| end > SECTORS) {
            return RSP_ERROR;
        }
        let mut at = to_usize(*sector).wrapping_mul(512);
        for (frame, first, last) in segments {
            // The model does not have the others, and requests for them are left out.
            let page = &mut self.pages[to_usize(frame - DATA)];
            let page = &mut page[usize::from(*first) * 512..(usize::from(*last) + 1) * 512];
            let disk = &mut self.disk[at..][..page.len()];
            if *operation == OP_READ {
                page.copy_from_slice(disk);
            } else {
                disk.copy_from_slice(page);
            }
            at += page.len();
        }
        RSP_OKAY
    }
}

fn check(steps: Vec<Wanted>) {
    let mut guest = Guest::connected();
    let pages = (DATA..GRANTED).map(|frame| {
        let fill = frame.to_le_bytes()[0] ^ 0xa5;
        guest.memory.write(Gpa(frame << 12), &[fill; 4096]);
        vec![fill; 4096]
    });
    let mut model = Model { pages: pages.collect(), disk: guest.disk.bytes.clone() };
    for wanted in steps {
        let (operation, sector, list, is_indirect) = &wanted;
        if list.iter().any(|(frame, ..)| !(DATA..GRANTED).contains(frame)) {
            continue;
        }
        let segments: Vec<_> = list.iter().map(|&(frame, a, b)| segment(frame, a, b)).collect();
        if segments.len() > 11 && !is_indirect {
            continue;
        }
        let (status, expected) = if *is_indirect {
            let request = guest.indirect(*operation, *sector, &segments);
            (guest.status(request.as_bytes()), model.run(&wanted))
        } else {
            let request = request(*operation, *sector, &segments);
            (guest.status(request.as_bytes()), model.run(&wanted))
        };
        assert_eq!(status, expected, "{wanted:?}: {:?}", guest.logged.last());
    }
    assert!(guest.disk.bytes == model.disk, "the disk");
    for (frame, page) in (DATA..).zip(&model.pages) {
        assert!(guest.page(frame) == *page, "frame {frame}");
    }
    let table = guest.page(TABLE);
    let in_use = table.chunks(8).enumerate().filter(|(_, entry)| entry[0] & 0x18 != 0);
    assert_eq!(in_use.map(|(n, _)| to_u64(n)).collect::<Vec<_>>(), [RING]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes under Miri")]
    fn requests_do_what_the_model_does(steps in prop::collection::vec(wanted(), 1..30)) {
        check(steps);
    }
}
