use super::*;
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use xenolith_system_calls::{USER_END, USER_START};

/// Tables on the heap, which stay until the end of the test; how many may be had, and are.
#[derive(Default)]
struct Heap {
    tables: RefCell<BTreeMap<u64, &'static [AtomicU64; 512]>>,
    most: Cell<Option<usize>>,
    taken: Cell<u64>,
}

impl Tables for Heap {
    fn allocate(&self) -> Option<PhysAddr> {
        if self.most.get().is_some_and(|most| self.tables.borrow().len() >= most) {
            return None;
        }
        let table = Box::leak(Box::new([const { AtomicU64::new(0) }; 512]));
        self.taken.set(self.taken.get() + 1);
        let address = PhysAddr::new(self.taken.get() * PAGE);
        self.tables.borrow_mut().insert(address.as_u64(), table);
        Some(address)
    }

    fn release(&self, table: PhysAddr) {
        let table = self.tables.borrow_mut().remove(&table.as_u64()).expect("given back once");
        assert!(table.iter().all(|entry| entry.load(Relaxed) == 0), "nothing is left in it");
    }

    fn entry(&self, table: PhysAddr, index: usize) -> &AtomicU64 {
        &self.tables.borrow()[&table.as_u64()][index]
    }
}

/// Everything that a process can have.
const ALL: Range<u64> = USER_START..USER_END.next_multiple_of(1 << 39);

#[test]
#[cfg_attr(miri, ignore = "takes minutes under Miri")]
fn both_ends_of_user_space_have_entries_of_their_own() {
    let heap = Heap::default();
    let root = heap.allocate().unwrap();
    assert!(find(&heap, root, USER_START).is_none());
    make(&heap, root, USER_START).unwrap().store(1, Relaxed);
    make(&heap, root, USER_END - 1).unwrap().store(3, Relaxed);
    assert_eq!(heap.tables.borrow().len(), 7);
    assert_eq!(find(&heap, root, USER_START + PAGE - 1).unwrap().load(Relaxed), 1);
    assert_eq!(find(&heap, root, USER_START + PAGE).unwrap().load(Relaxed), 0);
    let mut taken = Vec::new();
    take(&heap, root, &(0..1 << 47), &mut |entry| taken.push(entry));
    assert_eq!(taken, [1, 3]);
    assert_eq!(heap.tables.borrow().len(), 1, "the top-level table stays");
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes under Miri")]
fn without_memory_there_are_no_tables_and_none_is_lost() {
    let heap = Heap::default();
    let root = heap.allocate().unwrap();
    for most in 1..4 {
        heap.most.set(Some(most));
        assert!(make(&heap, root, USER_START).is_none());
    }
    take(&heap, root, &(0..1 << 47), &mut |_| panic!("nothing is mapped"));
    assert_eq!(heap.tables.borrow().len(), 1);
}

#[derive(Clone, Debug)]
enum Step {
    Map(u64, u64),
    Take(u64, u64),
}

/// Page numbers: near each other, and at the bounds of tables of every level.
fn page() -> impl Strategy<Value = u64> {
    let base = prop_oneof![Just(16_u64), Just(512), Just(1 << 18), Just(1 << 27), Just(1 << 34)];
    (base, 0..6_u64).prop_map(|(base, offset)| base + offset - 3)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (page(), 1..1000_u64).prop_map(|(page, value)| Step::Map(page, value)),
        1 => (page(), page()).prop_map(|(from, to)| Step::Take(from.min(to), from.max(to))),
    ];
    proptest::collection::vec(step, 0..40)
}

proptest! {
    #[test]
    #[cfg_attr(miri, ignore = "takes minutes under Miri")]
    fn entries_are_those_of_a_model(steps in steps()) {
        let heap = Heap::default();
        let root = heap.allocate().unwrap();
        let mut model = BTreeMap::new();
        for step in steps {
            match step {
                Step::Map(page, value) => {
                    let value = value << 12 | 1;
                    make(&heap, root, page * PAGE).unwrap().store(value, Relaxed);
                    model.insert(page, value);
                }
                Step::Take(from, to) => {
                    let mut taken = Vec::new();
                    take(&heap, root, &(from * PAGE..to * PAGE), &mut |it| taken.push(it));
                    let wanted: Vec<_> = model.range(from..to).map(|(_, &value)| value).collect();
                    prop_assert_eq!(taken, wanted);
                    model.retain(|page, _| !(from..to).contains(page));
                }
            }
            for (page, &value) in &model {
                let found = find(&heap, root, page * PAGE).map(|it| it.load(Relaxed));
                prop_assert_eq!(found, Some(value));
            }
        }
        take(&heap, root, &(0..ALL.end), &mut |_| ());
        prop_assert_eq!(heap.tables.borrow().len(), 1);
    }
}
