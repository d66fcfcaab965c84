use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Tables in host memory, with a limit on their number.
struct Tables {
    all: Vec<[u64; 512]>,
    returned: Vec<Hpa>,
    limit: usize,
}

impl Tables {
    fn new(limit: usize) -> Self {
        Self { all: Vec::new(), returned: Vec::new(), limit }
    }

    fn position(table: Hpa) -> usize {
        usize::try_from(table.0 / PAGE_SIZE - 1).unwrap()
    }
}

impl TableFrames for Tables {
    fn allocate_table(&mut self) -> Option<Hpa> {
        if let Some(table) = self.returned.pop() {
            self.all[Self::position(table)] = [0; 512];
            return Some(table);
        }
        if self.all.len() == self.limit {
            return None;
        }
        self.all.push([0; 512]);
        Some(Hpa(self.all.len() as u64 * PAGE_SIZE))
    }

    fn entry(&self, table: Hpa, index: usize) -> u64 {
        self.all[Self::position(table)][index]
    }

    fn set_entry(&mut self, table: Hpa, index: usize, value: u64) {
        self.all[Self::position(table)][index] = value;
    }
}

impl TablesReturned for Tables {
    fn return_table(&mut self, table: Hpa) {
        assert!(!self.returned.contains(&table), "{table:?} is given back twice");
        // What is still used shows.
        self.all[Self::position(table)] = [u64::MAX; 512];
        self.returned.push(table);
    }
}

const PAGING: Format = Format { present: 1, table: 3, max_leaf_level: 3 };
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

#[test]
fn the_largest_fitting_pages_are_used() {
    let mut tables = Tables::new(100);
    let map = PageMap::new(PAGING, &mut tables).unwrap();
    let (from, to) = (GIB - 2 * MIB - PAGE_SIZE, 3 * GIB - 2 * MIB - PAGE_SIZE);
    map.map(&mut tables, from, Hpa(to), GIB + 4 * MIB + 2 * PAGE_SIZE, 3).unwrap();
    let mut leaves = BTreeMap::new();
    map.for_each_leaf(&tables, &mut |_, _, level| *leaves.entry(level).or_insert(0) += 1);
    assert_eq!(leaves, BTreeMap::from([(1, 2), (2, 2), (3, 1)]));
}

#[test]
fn a_format_without_large_pages_has_none() {
    let mut tables = Tables::new(100);
    let format = Format { max_leaf_level: 1, ..PAGING };
    let map = PageMap::new(format, &mut tables).unwrap();
    map.map(&mut tables, 0, Hpa(0), 4 * MIB, 3).unwrap();
    map.for_each_leaf(&tables, &mut |_, entry, level| {
        assert_eq!((level, entry & LARGE), (1, 0));
    });
    assert_eq!(map.translate(&tables, 4 * MIB - 1).unwrap().target, Hpa(4 * MIB - 1));
}

#[test]
fn errors() {
    let mut tables = Tables::new(4);
    let map = PageMap::new(PAGING, &mut tables).unwrap();
    assert_eq!(map.map(&mut tables, 1, Hpa(0), PAGE_SIZE, 3), Err(MapError::Misaligned));
    assert_eq!(map.map(&mut tables, 0, Hpa(0), 1, 3), Err(MapError::Misaligned));
    assert_eq!(map.map(&mut tables, !0xfff, Hpa(0), 2 * PAGE_SIZE, 3), Err(MapError::Misaligned));
    map.map(&mut tables, 0, Hpa(0), PAGE_SIZE, 3).unwrap();
    assert_eq!(
        map.map(&mut tables, 0, Hpa(0), 2 * MIB, 3),
        Err(MapError::AlreadyMapped(0)),
        "a large page over a table"
    );
    map.map(&mut tables, 2 * MIB, Hpa(0), 2 * MIB, 3).unwrap();
    assert_eq!(
        map.map(&mut tables, 3 * MIB, Hpa(0), PAGE_SIZE, 3),
        Err(MapError::AlreadyMapped(3 * MIB)),
        "a small page under a large one"
    );
    assert_eq!(map.map(&mut tables, 512 * GIB, Hpa(0), PAGE_SIZE, 3), Err(MapError::OutOfMemory));
}

proptest! {
    /// Every mapped byte translates to its target, every other to nothing.
    #[test]
    fn translation_is_what_was_mapped(
        from in 0u64..2048, to in 0u64..2048, pages in 1u64..2048, probe in 0u64..4096,
    ) {
        let mut tables = Tables::new(100);
        let map = PageMap::new(PAGING, &mut tables).unwrap();
        map.map(&mut tables, from * PAGE_SIZE, Hpa(to * PAGE_SIZE), pages * PAGE_SIZE, 3).unwrap();
        let found = map.translate(&tables, probe * PAGE_SIZE + 7).map(|t| t.target);
        let want = (from..from + pages)
            .contains(&probe)
            .then(|| Hpa((probe - from + to) * PAGE_SIZE + 7));
        prop_assert_eq!(found, want);
    }
}

#[test]
fn a_page_is_replaced_and_what_is_around_it_stays() {
    let mut tables = Tables::new(16);
    let map = PageMap::new(PAGING, &mut tables).unwrap();
    map.map(&mut tables, 0, Hpa(1 << 30), 2 << 30, 0x63).unwrap();
    let pages = |i: u64| i * PAGE_SIZE;
    let hole = pages(3 * 512 + 7);
    map.replace_pages(&mut tables, hole, 1, |_| 0).unwrap();
    let used = tables.all.len();
    for at in (0..2 << 30).step_by(to_usize(PAGE_SIZE)) {
        let found = map.translate(&tables, at).map(|found| (found.target, found.entry & 0xf7f));
        assert_eq!(found, (at != hole).then_some((Hpa((1 << 30) + at), 0x63)), "{at:#x}");
    }
    assert_eq!(map.translate(&tables, hole + PAGE_SIZE).unwrap().level, 1);
    assert_eq!(map.translate(&tables, hole + (2 << 20)).unwrap().level, 2);
    assert_eq!(map.translate(&tables, 1 << 30).unwrap().level, 3);
    map.replace_pages(&mut tables, hole, 1, |_| 0x7000 | 0x63).unwrap();
    assert_eq!(map.translate(&tables, hole).unwrap().target, Hpa(0x7000));
    assert_eq!(tables.all.len(), used, "it is split once");
    assert_eq!(map.replace_pages(&mut tables, 3 << 30, 1, |_| 0), Err(MapError::Misaligned));
    // Across a table's end, and into a large page.
    let run = pages(4 * 512 - 3);
    map.replace_pages(&mut tables, run, 7, |number| pages(number) | 0x63).unwrap();
    for number in 0..7 {
        let found = map.translate(&tables, run + pages(number)).unwrap();
        assert_eq!(found.target, Hpa(pages(number)), "{number}");
    }
    for outside in [run - PAGE_SIZE, run + pages(7)] {
        assert_eq!(map.translate(&tables, outside).unwrap().target, Hpa((1 << 30) + outside));
    }
    tables.limit = tables.all.len();
    let full = map.replace_pages(&mut tables, 1 << 30, 1, |_| 0);
    assert_eq!(full, Err(MapError::OutOfMemory));
}

#[test]
fn a_large_page_is_replaced_as_a_whole_and_in_parts() {
    let mut tables = Tables::new(8);
    let map = PageMap::new(PAGING, &mut tables).unwrap();
    map.map(&mut tables, 0, Hpa(GIB), GIB, 3).unwrap();
    let at = 5 * LARGE_PAGES * PAGE_SIZE;
    // Out of a page of 1 GiB, which is split; twice; then a page of it comes back alone.
    assert_eq!(map.replace_large(&mut tables, at, 0), Ok(false));
    assert_eq!(map.replace_large(&mut tables, at, 0), Ok(false));
    assert_eq!(map.translate(&tables, at - 1).unwrap().target, Hpa(GIB + at - 1));
    assert_eq!(map.translate(&tables, at + PAGE_SIZE), None);
    map.replace_pages(&mut tables, at + PAGE_SIZE, 1, |_| 0x7000 | 3).unwrap();
    assert_eq!(map.translate(&tables, at + PAGE_SIZE).unwrap().target, Hpa(0x7000));
    assert_eq!([at, at + 2 * PAGE_SIZE].map(|at| map.translate(&tables, at)), [None, None]);
    let used = tables.all.len();
    // All of it again: its table is given back, and serves for the next.
    assert_eq!(map.replace_large(&mut tables, at, (GIB + at) | 3), Ok(true));
    let found = map.translate(&tables, at + 77).unwrap();
    assert_eq!((found.target, found.level), (Hpa(GIB + at + 77), 2));
    map.replace_pages(&mut tables, at + 2 * MIB, 1, |_| 0).unwrap();
    assert_eq!(tables.all.len(), used);
    for (at, entry) in [(at + PAGE_SIZE, 0), (at, PAGE_SIZE | 3), (2 * GIB, 0)] {
        let refused = map.replace_large(&mut tables, at, entry);
        assert_eq!(refused, Err(MapError::Misaligned), "{at:#x} {entry:#x}");
    }
}

proptest! {
    /// Pages and large pages go and come: each address translates as the last change says.
    #[test]
    fn changes_of_any_size_are_the_last_ones(
        steps in proptest::collection::vec((0u64..4, 0u64..512, any::<bool>(), any::<bool>()), 1..40),
    ) {
        let mut tables = Tables::new(2 + 1 + 4 + 1);
        let map = PageMap::new(PAGING, &mut tables).unwrap();
        map.map(&mut tables, 0, Hpa(0), GIB, 3).unwrap();
        let mut mapped = [[true; 512]; 4];
        for (block, page, is_large, is_there) in steps {
            let at = (block * LARGE_PAGES + if is_large { 0 } else { page }) * PAGE_SIZE;
            let entry = if is_there { at | 3 } else { 0 };
            let pages = &mut mapped[to_usize(block)];
            if is_large {
                map.replace_large(&mut tables, at, entry).unwrap();
                pages.fill(is_there);
            } else {
                map.replace_pages(&mut tables, at, 1, |_| entry).unwrap();
                pages[to_usize(page)] = is_there;
            }
        }
        for (number, is_there) in (0..).zip(mapped.as_flattened()) {
            let at = number * PAGE_SIZE;
            let found = map.translate(&tables, at).map(|found| found.target);
            prop_assert_eq!(found, is_there.then_some(Hpa(at)), "{:#x}", at);
        }
    }
}
