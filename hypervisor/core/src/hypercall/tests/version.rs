use super::super::Outcome::{self, Return};
use super::super::test_machine::Caller;
use super::super::version::padded;
use crate::guest_access::test_space::BASE;
use xenolith_abi::errno::{EFAULT, EINVAL, ENOSYS, EPERM};
use xenolith_abi::hypercall::{VM_ASSIST, XEN_VERSION};
use xenolith_abi::version::{self, CompileInfo, FeatureInfo};

fn ask(caller: &mut Caller, what: u32, at: u64) -> Outcome {
    caller.call(XEN_VERSION, &[what.into(), at])
}

/// Returns `text` as it stands in `N` bytes behind which memory is untouched.
fn check_text<const N: usize>(what: u32, text: &[u8]) {
    let mut caller = Caller::new();
    caller.put(BASE, &[0xee_u8; 2048]);
    assert_eq!(ask(&mut caller, what, BASE), Return(0));
    let found: [u8; N] = caller.take(BASE);
    assert_eq!(&found[..text.len()], text);
    assert!(found[text.len()..].iter().all(|byte| *byte == 0), "padded with NULs");
    let behind: [u8; 8] = caller.take(BASE + crate::address::to_u64(N));
    assert_eq!(behind, [0xee; 8], "nothing is written behind {N} bytes");
}

#[test]
fn the_version_is_that_of_xen_whatever_the_pointer() {
    let mut caller = Caller::new();
    for pointer in [0, BASE, 0x8000_0000_0000] {
        assert_eq!(ask(&mut caller, version::VERSION, pointer), Return(0x0004_0011));
    }
}

#[test]
fn texts_fill_their_arrays() {
    check_text::<16>(version::EXTRAVERSION, b".0-xenolith");
    check_text::<1024>(version::CAPABILITIES, b"xen-3.0-x86_64 ");
    check_text::<64>(version::CHANGESET, env!("CARGO_PKG_VERSION").as_bytes());
    check_text::<9>(version::COMMANDLINE, b"<denied>");
    check_text::<8>(version::PLATFORM_PARAMETERS, &0xffff_8000_0000_0000_u64.to_le_bytes());
    check_text::<16>(version::GUEST_HANDLE, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
}

#[test]
fn text_that_is_too_long_is_cut_and_still_ends() {
    assert_eq!(padded::<4>("abc"), *b"abc\0");
    assert_eq!(padded::<4>("abcd"), *b"abc\0");
    assert_eq!(padded::<4>(""), [0; 4]);
}

#[test]
fn compile_info_is_text() {
    let mut caller = Caller::new();
    caller.put(BASE, &[0xee_u8; 160]);
    assert_eq!(ask(&mut caller, version::COMPILE_INFO, BASE), Return(0));
    let info: CompileInfo = caller.take(BASE);
    for field in [&info.compiler[..], &info.compile_by, &info.compile_domain, &info.compile_date] {
        assert_eq!(field.last(), Some(&0), "it ends");
        assert!(field[0].is_ascii_alphanumeric(), "it says something");
    }
    assert_eq!(caller.take::<[u8; 16]>(BASE + 144), [0xee; 16]);
}

#[test]
fn features_come_in_one_map() {
    for (submap_idx, outcome) in
        [(0, Return(0)), (1, Return(-EINVAL)), (2, Return(-EINVAL)), (u32::MAX, Return(-EINVAL))]
    {
        let mut caller = Caller::new();
        caller.put(BASE, &FeatureInfo { submap_idx, submap: 0x5555 });
        assert_eq!(ask(&mut caller, version::GET_FEATURES, BASE), outcome, "{submap_idx}");
        let submap = if outcome == Return(0) { 0x220e0 } else { 0x5555 };
        assert_eq!(caller.take::<FeatureInfo>(BASE), FeatureInfo { submap_idx, submap });
    }
}

#[test]
fn features_follow_the_domain() {
    let mut caller = Caller::new();
    let submap = |caller: &mut Caller| {
        caller.put(BASE, &0_u64);
        assert_eq!(ask(caller, version::GET_FEATURES, BASE), Return(0));
        caller.take::<FeatureInfo>(BASE).submap
    };
    assert_eq!(caller.call(VM_ASSIST, &[0, 3]), Return(0));
    assert_eq!(submap(&mut caller), 0x220f0, "page tables above 4 GiB");
    caller.domain.supervisor_mode_kernel = true;
    assert_eq!(submap(&mut caller), 0x220f8, "a kernel for ring 0");
    assert_eq!(caller.call(VM_ASSIST, &[1, 3]), Return(0));
    assert_eq!(submap(&mut caller), 0x220e8);
}

#[test]
fn the_page_size_takes_no_pointer() {
    let mut caller = Caller::new();
    assert_eq!(ask(&mut caller, version::PAGESIZE, 0), Return(4096));
    for pointer in [1, BASE, 1 << 32, u64::MAX] {
        assert_eq!(ask(&mut caller, version::PAGESIZE, pointer), Return(-EINVAL));
    }
}

#[test]
fn the_build_is_not_told() {
    for pointer in [0, BASE, 0x8000_0000_0000] {
        assert_eq!(ask(&mut Caller::new(), version::BUILD_ID, pointer), Return(-EPERM));
    }
}

#[test]
fn questions_are_32_bits_wide() {
    for (question, outcome) in [
        (11, Return(-ENOSYS)),
        (u64::from(u32::MAX), Return(-ENOSYS)),
        (1 << 31, Return(-ENOSYS)),
        (1 << 32, Return(0x0004_0011)),
        (1 << 63 | 7, Return(4096)),
        (1 << 32 | 0xa, Return(-EPERM)),
        (1 << 32 | 0xb, Return(-ENOSYS)),
        (u64::MAX << 32 | 5, Return(-EFAULT)),
    ] {
        assert_eq!(Caller::new().call(XEN_VERSION, &[question, 0]), outcome, "{question:#x}");
    }
}
