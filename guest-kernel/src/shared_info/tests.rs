//! Where the words are: at the offsets of the ABI, each inside the page.

use core::{mem::offset_of, sync::atomic::Ordering::Relaxed};

use super::{BITMAP_WORDS, PLACE, SharedInfo};
use xenolith_abi::{
    shared_info::{LEGACY_MAX_VCPUS, SharedInfo as Layout, VcpuInfo},
    time::VcpuTimeInfo,
};

/// The page as if it had been mapped.
const PAGE: SharedInfo = SharedInfo(());

/// Bytes from the start of the page.
fn offset<T>(word: &'static T) -> usize {
    (&raw const *word).addr() - PLACE.as_ptr().addr()
}

#[test]
fn bitmaps_are_where_the_abi_has_them() {
    for word in 0..BITMAP_WORDS {
        assert_eq!(offset(PAGE.pending(word)), offset_of!(Layout, evtchn_pending) + 8 * word);
        assert_eq!(offset(PAGE.mask(word)), offset_of!(Layout, evtchn_mask) + 8 * word);
        assert_eq!(PAGE.pending(word).load(Relaxed) & PAGE.mask(word).load(Relaxed), 0);
    }
}

#[test]
fn records_of_vcpus_are_where_the_abi_has_them() {
    let time = offset_of!(VcpuInfo, time);
    for index in 0..LEGACY_MAX_VCPUS {
        let words = PAGE.vcpu(index);
        let start = offset_of!(Layout, vcpu_info) + index * size_of::<VcpuInfo>();
        for (found, expected) in [
            (offset(words.upcall_pending()), offset_of!(VcpuInfo, evtchn_upcall_pending)),
            (offset(words.upcall_mask()), offset_of!(VcpuInfo, evtchn_upcall_mask)),
            (offset(words.pending_selector()), offset_of!(VcpuInfo, evtchn_pending_sel)),
            (offset(words.time().version), time + offset_of!(VcpuTimeInfo, version)),
            (offset(words.time().system_time), time + offset_of!(VcpuTimeInfo, system_time)),
            (offset(words.time().tsc_shift), time + offset_of!(VcpuTimeInfo, tsc_shift)),
        ] {
            assert_eq!(found, start + expected, "vCPU {index}");
        }
    }
}

#[test]
fn the_wall_clock_is_where_the_abi_has_it() {
    let words = PAGE.wall_clock();
    assert_eq!(offset(words.version), offset_of!(Layout, wc_version));
    assert_eq!(offset(words.seconds_high), offset_of!(Layout, wc_sec_hi));
}

#[test]
#[should_panic(expected = "no word 64")]
fn there_is_no_word_behind_the_last() {
    PAGE.pending(BITMAP_WORDS);
}
