use super::*;
use proptest::prelude::*;

#[test]
fn names_are_told_apart() {
    let mut names = TARGETS.map(|target| target.name);
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn what_targets_start_from_is_small_and_survived() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{}", target.name);
        for seed in seeds {
            assert!((1..16 << 10).contains(&seed.len()), "{}: {}", target.name, seed.len());
            (target.run)(&seed);
            // Cut and damaged, too.
            (target.run)(&seed[..seed.len() / 2]);
            let flipped: Vec<u8> = seed.iter().map(|byte| !byte).collect();
            (target.run)(&flipped);
        }
        (target.run)(&[]);
    }
}

proptest! {
    #[test]
    #[cfg_attr(miri, ignore = "takes hours")]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        for target in TARGETS {
            (target.run)(&bytes);
        }
    }
}
