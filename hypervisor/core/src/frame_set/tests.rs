use super::*;
use proptest::prelude::*;

pub(crate) fn set(frames: u64) -> FrameSet {
    let words = vec![0; to_usize(FrameSet::words(frames))].leak();
    FrameSet::new(frames, words)
}

#[test]
fn at_the_start_the_domain_has_all() {
    for frames in [1, 511, 512, 513, 40_000] {
        let set = set(frames);
        assert_eq!(set.owned(), frames);
        assert_eq!(set.owned_from(Gfn(0), frames + 5), frames);
        assert!(!set.owns(Gfn(frames)) && !set.owns(Gfn(u64::MAX)));
        assert!((0..=MAX_ORDER + 1).all(|order| set.find(order).is_none()));
        assert_eq!(set.dirty(), None);
    }
}

#[test]
fn a_whole_block_fits_the_largest_extent() {
    let mut set = set(3 * 512);
    set.give(Gfn(500), 524);
    assert_eq!(set.find(9), Some(Gfn(512)));
    assert_eq!(set.find(3), Some(Gfn(504)));
    assert_eq!(set.find(10), None);
    set.take(Gfn(700), 1);
    assert_eq!((set.find(9), set.find(8), set.find(7)), (None, Some(Gfn(768)), Some(Gfn(512))));
    assert_eq!(set.owned(), 3 * 512 - 523);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Against a list of frames: what is owned, the lowest extent of each order, what is dirty.
    #[test]
    fn extents_are_those_that_a_search_finds(
        frames in 1_u64..1500,
        steps in proptest::collection::vec((0_u64..1500, 1_u64..600, any::<bool>()), 1..24),
    ) {
        let mut set = set(frames);
        let mut free = vec![false; to_usize(frames)];
        let mut dirty = std::collections::BTreeSet::new();
        for (start, count, giving) in steps {
            let start = start % frames;
            let count = count.min(frames - start);
            for gfn in start..start + count {
                if free[to_usize(gfn)] == giving {
                    continue;
                }
                free[to_usize(gfn)] = giving;
                if giving {
                    set.give(Gfn(gfn), 1);
                    set.soil(Gfn(gfn), 1);
                    dirty.insert(gfn);
                } else {
                    set.take(Gfn(gfn), 1);
                    if dirty.remove(&gfn) {
                        set.clean(Gfn(gfn));
                    }
                }
            }
            prop_assert_eq!(set.dirty().map(|gfn| gfn.0), dirty.first().copied());
            prop_assert_eq!(set.owned(), to_u64(free.iter().filter(|free| !**free).count()));
            for order in 0..=MAX_ORDER {
                let size = 1 << order;
                let found = free.chunks_exact(size).position(|run| run.iter().all(|free| *free));
                prop_assert_eq!(set.find(order), found.map(|run| Gfn(to_u64(run * size))));
            }
        }
    }
}
