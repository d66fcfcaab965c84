//! What patching takes, with many sites more than a kernel has.

use xenolith_guest::{println, probe::pvops as probe, pvops};

use super::drain_output;

/// Sites of each of four operations that are only there to be patched.
const EACH: usize = 2500;

/// Prints what patching all sites at boot took, and how many there are.
pub(crate) fn print_patching() {
    let more = probe::many_sites::<EACH>();
    let patched = pvops::patched().expect("sites are patched");
    assert!(patched.sites > more, "sites are missing");
    let (sites, instructions) = (patched.sites, patched.ticks);
    println!("bench: pvops boot: patching {sites} sites | {instructions}.0 | 0.00");
    drain_output();
    println!("bench: pvops boot: one of them | {}.0 | 0.00", instructions / patched.sites as u64);
}
