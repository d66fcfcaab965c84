use super::super::Outcome::{Continue, Return};
use super::super::test_machine::{Caller, DOMAIN, IN_HOLE, MISSING, READ_ONLY};
use crate::address::to_u64;
use crate::guest_access::test_space::BASE;
use crate::hole::GRANT_FRAMES;
use xenolith_abi::domain::SELF;
use xenolith_abi::errno::{EFAULT, EINVAL, ENOSYS, ESRCH};
use xenolith_abi::grant as abi;
use xenolith_abi::hypercall::GRANT_TABLE_OP;
use zerocopy::IntoBytes;

const LIST: u64 = BASE + 0x100;

fn setup(caller: &mut Caller, dom: u16, nr_frames: u32, frame_list: u64) -> i16 {
    let argument =
        abi::SetupTable { dom, padding0: 0, nr_frames, status: 99, padding1: [0; 3], frame_list };
    caller.put(BASE, &argument);
    assert_eq!(caller.call(GRANT_TABLE_OP, &[2, BASE, 1]), Return(0));
    caller.take::<abi::SetupTable>(BASE).status
}

fn size(caller: &mut Caller) -> (u32, u32) {
    caller.put(BASE, &[u32::from(SELF), 0, 0, 99]);
    assert_eq!(caller.call(GRANT_TABLE_OP, &[6, BASE, 1]), Return(0));
    let size: abi::QuerySize = caller.take(BASE);
    assert_eq!(size.status, abi::OKAY);
    (size.nr_frames, size.max_nr_frames)
}

#[test]
fn the_table_grows_and_says_where_it_is() {
    let mut caller = Caller::new();
    assert_eq!(size(&mut caller), (1, GRANT_FRAMES));
    assert_eq!(setup(&mut caller, SELF, 3, LIST), abi::OKAY);
    let first = caller.domain.hole.grants().gfn().0;
    assert_eq!(caller.take::<[u64; 4]>(LIST), [first, first + 1, first + 2, 0]);
    assert!(first > 48 && first + u64::from(GRANT_FRAMES) <= caller.domain.max_gfn);
    assert_eq!(size(&mut caller), (3, GRANT_FRAMES));
    for (dom, frames, list, status) in [
        (DOMAIN, 1, LIST, abi::OKAY),
        (SELF, 0, 0, abi::OKAY),
        (SELF, GRANT_FRAMES, LIST, abi::OKAY),
        (SELF, GRANT_FRAMES + 1, LIST, abi::GENERAL_ERROR),
        (SELF, u32::MAX, LIST, abi::GENERAL_ERROR),
        (DOMAIN + 1, 1, LIST, abi::BAD_DOMAIN),
        (SELF, 1, MISSING, abi::BAD_VIRT_ADDR),
        (SELF, 1, IN_HOLE, abi::BAD_VIRT_ADDR),
    ] {
        assert_eq!(setup(&mut caller, dom, frames, list), status, "{dom:#x} {frames}");
    }
    for count in [0, 2, 1 << 31, u64::MAX] {
        for command in [2, 6] {
            assert_eq!(caller.call(GRANT_TABLE_OP, &[command, BASE, count]), Return(-EINVAL));
        }
    }
    assert_eq!(caller.call(GRANT_TABLE_OP, &[6 | 1 << 12, BASE, 1]), Return(-EINVAL));
    assert_eq!(caller.call(GRANT_TABLE_OP, &[6, READ_ONLY, 1]), Return(-EFAULT));
}

#[test]
fn there_is_one_version() {
    for (version, result, left) in [(1, 0, 1), (2, -ENOSYS, 1), (0, -EINVAL, 0), (3, -EINVAL, 3)] {
        let mut caller = Caller::new();
        caller.put(BASE, &version);
        assert_eq!(caller.call(GRANT_TABLE_OP, &[8, BASE, 1]), Return(result), "{version}");
        assert_eq!(caller.take::<u32>(BASE), left, "{version}");
    }
    for (dom, result, version) in [(SELF, 0, 1), (DOMAIN, 0, 1), (0, -ESRCH, 9)] {
        let mut caller = Caller::new();
        caller.put(BASE, &[u32::from(dom), 9]);
        assert_eq!(caller.call(GRANT_TABLE_OP, &[10, BASE, 1]), Return(result));
        assert_eq!(caller.take::<[u32; 2]>(BASE)[1], version);
    }
    for command in [3, 4, 9, 11, 12, 13] {
        assert_eq!(Caller::new().call(GRANT_TABLE_OP, &[command, BASE, 1]), Return(-ENOSYS));
    }
}

fn side(frame: u64, domid: u16, offset: u16) -> abi::CopyPtr {
    abi::CopyPtr { frame, domid, offset, padding: 0 }
}

fn request(source: abi::CopyPtr, dest: abi::CopyPtr, len: u16, flags: u16) -> abi::Copy {
    abi::Copy { source, dest, len, flags, status: 99, padding: 0 }
}

/// A caller whose grant 3 is frame 33, to itself, and grant 4 likewise but read-only.
pub(super) fn granting() -> Caller {
    let mut caller = Caller::new();
    let table = caller.domain.hole.grants();
    caller.machine.memory = caller.machine.memory.clone().with_pages(table.gfn().0, 1, true);
    let entry = |flags: u64| flags | u64::from(DOMAIN) << 16 | 33 << 32;
    caller.machine.memory.poke(table.0 + 24, entry(1));
    caller.machine.memory.poke(table.0 + 32, entry(1 | 4));
    caller.machine.memory.poke(table.0 + 40, entry(2));
    caller.machine.memory.poke(table.0 + 48, entry(1) + (1 << 16));
    caller.put(BASE + 0x1000, b"granted text");
    caller
}

fn copy(caller: &mut Caller, request: &abi::Copy) -> i16 {
    caller.put(LIST, request);
    assert_eq!(caller.call(GRANT_TABLE_OP, &[5, LIST, 1]), Return(0));
    caller.take::<abi::Copy>(LIST).status
}

#[test]
fn copies_go_by_frame_and_by_grant() {
    let mut caller = granting();
    let by_frame = request(side(33, SELF, 8), side(34, SELF, 4091), 4, 0);
    assert_eq!(copy(&mut caller, &by_frame), abi::OKAY);
    assert_eq!(&caller.take::<[u8; 6]>(BASE + 0x2ffa), b"\0text\0");
    let by_grant = request(side(4, DOMAIN, 0), side(34, SELF, 0), 4096, 1);
    assert_eq!(copy(&mut caller, &by_grant), abi::OKAY);
    assert_eq!(&caller.take::<[u8; 12]>(BASE + 0x2000), b"granted text");
    let into = request(side(34, SELF, 0), side(3, SELF, 100), 7, 2);
    assert_eq!(copy(&mut caller, &into), abi::OKAY);
    assert_eq!(&caller.take::<[u8; 8]>(BASE + 0x1064), b"granted\0");
}

#[test]
fn what_is_not_granted_is_not_copied() {
    let good = side(34, SELF, 0);
    for (source, dest, len, flags, status) in [
        (good, side(34, SELF, 1), 4096, 0, abi::BAD_COPY_ARG),
        (side(33, SELF, 4096), good, 1, 0, abi::BAD_COPY_ARG),
        (side(33, DOMAIN, 0), good, 1, 0, abi::PERMISSION_DENIED),
        (side(20, SELF, 0), good, 1, 0, abi::BAD_PAGE),
        (side(u64::MAX, SELF, 0), good, 1, 0, abi::BAD_PAGE),
        (side(3, DOMAIN + 1, 0), good, 1, 1, abi::BAD_DOMAIN),
        (side(512, SELF, 0), good, 1, 1, abi::BAD_GNTREF),
        (side(0xffff_ffff, SELF, 0), good, 1, 1, abi::BAD_GNTREF),
        (side(0, SELF, 0), good, 1, 1, abi::GENERAL_ERROR),
        (side(5, SELF, 0), good, 1, 1, abi::GENERAL_ERROR),
        (side(6, SELF, 0), good, 1, 1, abi::GENERAL_ERROR),
        (good, side(4, SELF, 0), 1, 2, abi::GENERAL_ERROR),
    ] {
        let request = request(source, dest, len, flags);
        assert_eq!(copy(&mut granting(), &request), status, "{request:?}");
    }
}

#[test]
fn copies_cut_anywhere_are_the_copies() {
    let list: Vec<_> = (0..7_u16)
        .map(|i| request(side(33, SELF, i), side(34, SELF, 16 * i), 8, 0))
        .chain([request(side(33, 0, 0), side(34, SELF, 0), 1, 0)])
        .collect();
    let all = |units, bit: u32| {
        let mut caller = granting();
        caller.put(LIST, list.as_bytes());
        let args = [5, LIST, to_u64(list.len()), 4, 5];
        let (result, pieces) = caller.call_in_pieces(GRANT_TABLE_OP | bit, &args, units);
        assert_eq!((result, pieces > 1), (0, units < 7), "{units}");
        caller.machine.memory
    };
    let uncut = all(u32::MAX, 0);
    for units in 0..9 {
        assert_eq!(all(units, 0), uncut, "{units}");
        assert_eq!(all(units, 64), uncut, "{units}");
    }
    let mut caller = granting();
    caller.put(LIST, list.as_bytes());
    caller.machine.units = 1;
    let left = [5, LIST + 80, 6, 4, 5];
    assert_eq!(caller.call(GRANT_TABLE_OP, &[5, LIST, 8, 4, 5]), Continue(left));
    caller.unmap(LIST);
    assert_eq!(caller.call_all(GRANT_TABLE_OP.into(), &left), Return(-EFAULT));
}
