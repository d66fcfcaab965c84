use super::*;
use proptest::prelude::*;

#[test]
fn at_the_start_the_domain_has_all() {
    for frames in [1, 511, 512, 513, 40_000] {
        let set = FrameSet::example(frames);
        assert_eq!(set.owned(), frames);
        assert_eq!(set.owned_from(Gfn(0), frames + 5), frames);
        assert!(!set.owns(Gfn(frames)) && !set.owns(Gfn(u64::MAX)));
        assert!((0..=MAX_ORDER + 1).all(|order| set.find(order).is_none()));
        assert_eq!(set.dirty(), None);
    }
}

#[test]
fn a_whole_block_fits_the_largest_extent() {
    let mut set = FrameSet::example(3 * 512);
    set.give(Gfn(500), 524);
    assert_eq!(set.find(9), Some(Gfn(512)));
    assert_eq!(set.find(3), Some(Gfn(504)));
    assert_eq!(set.find(10), None);
    set.take(Gfn(700), 1);
    assert_eq!((set.find(9), set.find(8), set.find(7)), (None, Some(Gfn(768)), Some(Gfn(512))));
    assert_eq!(set.owned(), 3 * 512 - 523);
}

#[test]
fn extents_are_owned_each_if_none_is_missing_or_there_twice() {
    let mut set = FrameSet::example(700);
    set.give(Gfn(40), 3);
    for (starts, count, want) in [
        (&[1, 2, 3][..], 1, true),
        (&[], 1, true),
        (&[1, 2, 1], 1, false),
        (&[39, 43], 1, true),
        (&[39, 42], 1, false),
        (&[60, 64, 68], 4, true),
        (&[60, 64, 67], 4, false),
        (&[44, 188, 556], 144, true),
        (&[44, 188, 557], 144, false),
        (&[43, 107, 171], 64, true),
        (&[64, 128, 192], 64, true),
        (&[636], 64, true),
        (&[637], 64, false),
        (&[63, 65, 127], 2, true),
        (&[63, 64], 2, false),
        (&[u64::MAX], 2, false),
        (&[700], 1, false),
        (&[u64::MAX], 1, false),
    ] {
        assert_eq!(set.owns_each(starts, count), want, "{starts:?}");
        assert_eq!(set.owned_from(Gfn(43), 1000), 657, "nothing has changed");
        assert_eq!((set.find(0), set.count(0), set.owned()), (Some(Gfn(40)), 3, 697));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Against a list of frames: what is owned, the lowest extent of each order, what is dirty.
    #[test]
    fn extents_are_those_that_a_search_finds(
        frames in 1_u64..1500,
        steps in proptest::collection::vec(
            (0_u64..1500, prop_oneof![1_u64..600, (0_u32..10).prop_map(|order| 1 << order)],
             any::<bool>()),
            1..24,
        ),
    ) {
        let mut set = FrameSet::example(frames);
        let mut free = vec![false; to_usize(frames)];
        let mut dirty = std::collections::BTreeSet::new();
        for (start, count, giving) in steps {
            // Aligned where the size allows it: that goes another way.
            let aligned = if count.is_power_of_two() { start & !(count - 1) } else { start };
            let start = aligned % frames;
            let end = frames.min(start + count);
            let mut at = start;
            while at < end {
                // As much as possible in one go.
                let state = free[to_usize(at)];
                let run = (at..end).take_while(|gfn| free[to_usize(*gfn)] == state).count();
                let run = to_u64(run);
                if state != giving {
                    free[to_usize(at)..to_usize(at + run)].fill(giving);
                    if giving {
                        prop_assert_eq!(set.owned_from(Gfn(at), run), run);
                        set.give(Gfn(at), run);
                        set.soil(Gfn(at), run);
                        dirty.extend(at..at + run);
                    } else {
                        set.take(Gfn(at), run);
                        (at..at + run).filter(|gfn| dirty.remove(gfn)).for_each(|gfn| set.clean(Gfn(gfn)));
                    }
                }
                at += run;
            }
            let owned = free[to_usize(start)..].iter().take_while(|free| !**free).count();
            prop_assert_eq!(set.owned_from(Gfn(start), u64::MAX), to_u64(owned));
            prop_assert_eq!(set.dirty().map(|gfn| gfn.0), dirty.first().copied());
            prop_assert_eq!(set.owned(), to_u64(free.iter().filter(|free| !**free).count()));
            for order in 0..=MAX_ORDER {
                let size = 1 << order;
                let found = free.chunks_exact(size).position(|run| run.iter().all(|free| *free));
                prop_assert_eq!(set.find(order), found.map(|run| Gfn(to_u64(run * size))));
                let all = free.chunks_exact(size).filter(|run| run.iter().all(|free| *free));
                prop_assert_eq!(set.count(order), to_u64(all.count()));
            }
        }
    }
}
