//! `xen_version`: every sub-call with good arguments, bad ones, and answers that must agree.
//!
//! The answers are copied to guest addresses, so each copy must survive page borders and refuse
//! what the guest cannot write; a table indexed by the sub-call must not be indexed beyond its end.
//! Expected: what Xen 4.17 answers an ordinary domain.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::{
    buffers::Buffers,
    calls::{Call, call, check_all},
};
use xenolith_guest::{
    StartInfo,
    abi::{
        errno::{EFAULT, EINVAL, ENOSYS, EPERM},
        features,
        guest_layout::HYPERVISOR_VIRT_START,
        hypercall::XEN_VERSION,
        version,
    },
    check, check_eq,
    scenario::Checks,
};

xenolith_guest::scenario!(run);

const VERSION_4_17: i64 = 0x4_0011;

/// Calls that copy nothing.
const VALUES: &[Call] = &[
    Call { name: "version", arguments: [0, 0, 0], answer: VERSION_4_17 },
    Call { name: "version ignores its argument", arguments: [0, 1, 2], answer: VERSION_4_17 },
    Call { name: "upper half of the command", arguments: [1 << 32, 0, 0], answer: VERSION_4_17 },
    Call { name: "pagesize", arguments: [7, 0, 0], answer: 4096 },
    Call { name: "pagesize with an argument", arguments: [7, 4096, 0], answer: -EINVAL },
    Call { name: "build_id is not for guests", arguments: [10, 0, 0], answer: -EPERM },
    Call { name: "first unknown command", arguments: [11, 0, 0], answer: -ENOSYS },
    Call { name: "command 1000", arguments: [1000, 0, 0], answer: -ENOSYS },
    Call { name: "command -1", arguments: [u64::MAX, 0, 0], answer: -ENOSYS },
    Call { name: "command i32::MIN", arguments: [1 << 31, 0, 0], answer: -ENOSYS },
];

/// Sub-calls that fill in a structure, and its size.
const COPIES: &[(&str, u32, usize)] = &[
    ("extraversion", version::EXTRAVERSION, 16),
    ("compile_info", version::COMPILE_INFO, 144),
    ("capabilities", version::CAPABILITIES, 1024),
    ("changeset", version::CHANGESET, 64),
    ("platform_parameters", version::PLATFORM_PARAMETERS, 8),
    ("get_features", version::GET_FEATURES, 8),
    ("guest_handle", version::GUEST_HANDLE, 16),
    // A guest is denied it, and gets only the text that says so.
    ("commandline", version::COMMANDLINE, 9),
];

fn run(checks: &mut Checks, start: &'static StartInfo) {
    check_all(checks, XEN_VERSION, VALUES);
    let mut buffers = Buffers::new(start);
    for &(name, command, bytes) in COPIES {
        check_copies(checks, &mut buffers, name, command, bytes);
    }
    check_content(checks, &mut buffers);
}

/// Checks that an answer is the same wherever it goes, stays in its bounds, and that bad addresses
/// are refused.
fn check_copies(
    checks: &mut Checks,
    buffers: &mut Buffers,
    name: &str,
    command: u32,
    bytes: usize,
) {
    let crossing_offset = Buffers::crossing_offset(bytes);
    for (offset, address) in
        [(Buffers::GOOD, buffers.good()), (crossing_offset, buffers.crossing(bytes))]
    {
        buffers.window().fill(offset - 8, bytes + 16, 0xee);
        buffers.window().fill(offset, bytes, 0);
        let answer = call(XEN_VERSION, [command.into(), address, 0]);
        check_eq!(checks, answer, 0, "{name} to {address:#x}");
        let around = [buffers.window().u64(offset - 8), buffers.window().u64(offset + bytes)];
        check_eq!(checks, around, [0xeeee_eeee_eeee_eeee; 2], "bytes around the {name}");
    }
    let same = (0..bytes).all(|at| {
        buffers.window().bytes::<1>(Buffers::GOOD + at)
            == buffers.window().bytes(crossing_offset + at)
    });
    check!(checks, same, "{name} across pages differs from {name} on one");
    for (what, address) in buffers.unreadable(bytes).into_iter().chain(buffers.unwritable(bytes)) {
        let answer = call(XEN_VERSION, [command.into(), address, 0]);
        check_eq!(checks, answer, -EFAULT, "{name} to memory that is {what}");
    }
}

fn check_content(checks: &mut Checks, buffers: &mut Buffers) {
    let mut answer = |command: u32| {
        let address = buffers.good();
        buffers.window().fill(Buffers::GOOD, 1024, 0);
        call(XEN_VERSION, [command.into(), address, 0]);
        buffers.window().bytes::<16>(Buffers::GOOD)
    };
    let text = |bytes: [u8; 16]| bytes.iter().take_while(|&&byte| byte != 0).count();
    check!(checks, text(answer(version::EXTRAVERSION)) > 0, "extraversion is empty");
    check!(checks, text(answer(version::COMPILE_INFO)) > 0, "compiler is empty");
    check_eq!(checks, answer(version::CAPABILITIES)[..14], *b"xen-3.0-x86_64");
    check_eq!(checks, answer(version::COMMANDLINE)[..9], *b"<denied>\0");
    let platform = answer(version::PLATFORM_PARAMETERS);
    check_eq!(checks, platform[..8], HYPERVISOR_VIRT_START.to_le_bytes(), "virt_start");
    check_features(checks, buffers);
}

fn check_features(checks: &mut Checks, buffers: &mut Buffers) {
    const NEEDED: u32 =
        1 << features::MMU_PT_UPDATE_PRESERVE_AD | 1 << features::GNTTAB_MAP_AVAIL_BITS;
    const WRONG: u32 = 1 << features::AUTO_TRANSLATED_PHYSMAP | 1 << features::DOM0;
    let address = buffers.good();
    for (word, answer) in [(0, 0), (1, -EINVAL), (2, -EINVAL), (u32::MAX, -EINVAL)] {
        buffers.window().write(Buffers::GOOD, &word.to_le_bytes());
        let found = call(XEN_VERSION, [version::GET_FEATURES.into(), address, 0]);
        check_eq!(checks, found, answer, "features word {word}");
        if word == 0 {
            let bits = buffers.window().u32(Buffers::GOOD + 4);
            check_eq!(checks, bits & NEEDED, NEEDED, "features a Linux kernel needs");
            check_eq!(checks, bits & WRONG, 0, "features no ordinary domain has");
        }
    }
}
