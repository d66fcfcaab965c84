use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Page `n` of the addresses that these tests use.
fn page(n: u64) -> u64 {
    USER_START + n * PAGE
}

fn region(pages: Range<u64>, segment: usize) -> Region {
    let backing = Backing::Segment(segment);
    Region { pages: page(pages.start)..page(pages.end), access: Access::Write, backing }
}

#[test]
fn an_address_is_in_the_region_around_it() {
    let mut regions = Regions::new();
    regions.insert(region(4..6, 1)).unwrap();
    regions.insert(region(1..2, 0)).unwrap();
    for (address, backing) in [
        (page(1) - 1, None),
        (page(1), Some(0)),
        (page(2) - 1, Some(0)),
        (page(2), None),
        (page(4), Some(1)),
        (page(6) - 1, Some(1)),
        (page(6), None),
        (u64::MAX, None),
    ] {
        let found = regions.find(address).map(|it| it.backing);
        assert_eq!(found, backing.map(Backing::Segment), "{address:#x}");
    }
}

#[test]
fn what_cannot_be_a_region_is_refused() {
    let mut regions = Regions::new();
    for pages in [
        0..PAGE,
        page(0)..page(0),
        page(0) + 1..page(1),
        page(0)..page(1) - 1,
        USER_END - PAGE..USER_END + PAGE,
        0xffff_8000_0000_0000..0xffff_8000_0000_1000,
    ] {
        let region = Region { pages: pages.clone(), access: Access::Read, backing: Backing::Zero };
        assert_eq!(regions.insert(region), Err(RegionError::Outside), "{pages:x?}");
        assert_eq!(regions.remove(&pages), Err(RegionError::Outside), "{pages:x?}");
    }
    assert_eq!(regions.insert(region(1..3, 0)), Ok(()));
    assert_eq!(regions.insert(region(2..4, 0)), Err(RegionError::Taken));
    assert_eq!(regions.insert(region(0..9, 0)), Err(RegionError::Taken));
}

#[test]
fn there_is_a_most_also_when_one_is_cut_in_two() {
    let mut regions = Regions::new();
    for n in 0..REGIONS as u64 {
        regions.insert(region(4 * n..4 * n + 3, 0)).unwrap();
    }
    assert_eq!(regions.insert(region(3..4, 0)), Err(RegionError::TooMany));
    assert_eq!(regions.remove(&(page(1)..page(2))), Err(RegionError::TooMany));
    assert!(regions.find(page(1)).is_some(), "nothing has changed");
    regions.remove(&(page(0)..page(2))).unwrap();
    assert!(regions.find(page(1)).is_none() && regions.find(page(2)).is_some());
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Range<u64>),
    Remove(Range<u64>),
    Room(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let pages = (0..30_u64, 1..6_u64).prop_map(|(start, count)| start..start + count);
    prop_oneof![
        3 => pages.clone().prop_map(Step::Insert),
        2 => pages.prop_map(Step::Remove),
        1 => (1..10_u64).prop_map(Step::Room),
    ]
}

proptest! {
    #[test]
    fn regions_are_those_of_a_model(steps in proptest::collection::vec(step(), 0..80)) {
        let mut regions = Regions::new();
        let mut model = BTreeMap::<u64, usize>::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Insert(pages) => {
                    let taken = pages.clone().any(|page| model.contains_key(&page));
                    let wanted = if taken { Err(RegionError::Taken) } else { Ok(()) };
                    prop_assert_eq!(regions.insert(region(pages.clone(), number)), wanted);
                    if !taken {
                        model.extend(pages.map(|page| (page, number)));
                    }
                }
                Step::Remove(pages) => {
                    prop_assert_eq!(regions.remove(&(page(pages.start)..page(pages.end))), Ok(()));
                    model.retain(|page, _| !pages.contains(page));
                }
                Step::Room(count) => {
                    let wanted = (2..=40 - count)
                        .find(|&first| (first..first + count).all(|it| !model.contains_key(&it)));
                    let found = regions.room(count * PAGE, page(2)..page(40));
                    prop_assert_eq!(found, wanted.map(page));
                }
            }
            for n in 0..40 {
                let found = regions.find(page(n) + n).map(|it| it.backing);
                prop_assert_eq!(found, model.get(&n).map(|&number| Backing::Segment(number)));
            }
            let sorted: Vec<_> = regions.iter().map(|it| it.pages.clone()).collect();
            prop_assert!(sorted.windows(2).all(|pair| pair[0].end <= pair[1].start));
        }
    }
}
