//! `vm_assist`: assists that exist and ones that do not, on and off.
//!
//! The type is a bit number in the hypervisor; one beyond the word must not be shifted by.
//! Expected: 0 for Xen's types of a 64-bit guest, `-EINVAL` for any other type whatever the
//! command, `-ENOSYS` for an unknown command with a good type.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::calls::{Call, call, check_all};
use xenolith_guest::{
    StartInfo,
    abi::{
        errno::{EINVAL, ENOSYS},
        features,
        hypercall::VM_ASSIST,
        vm_assist,
    },
    check_eq,
    hypercall::version,
    scenario::Checks,
};

xenolith_guest::scenario!(run);

const TYPES: &[u32] = &[
    vm_assist::TYPE_4GB_SEGMENTS,
    vm_assist::TYPE_4GB_SEGMENTS_NOTIFY,
    vm_assist::TYPE_WRITABLE_PAGETABLES,
    vm_assist::TYPE_PAE_EXTENDED_CR3,
    vm_assist::TYPE_ARCHITECTURAL_IOPL,
    vm_assist::TYPE_RUNSTATE_UPDATE_FLAG,
    vm_assist::TYPE_M2P_STRICT,
];

const BAD: &[Call] = &[
    Call { name: "type 6", arguments: [0, 6, 0], answer: -EINVAL },
    Call { name: "type 31", arguments: [0, 31, 0], answer: -EINVAL },
    Call { name: "type 33", arguments: [0, 33, 0], answer: -EINVAL },
    Call { name: "type 63", arguments: [1, 63, 0], answer: -EINVAL },
    Call { name: "type 64", arguments: [0, 64, 0], answer: -EINVAL },
    Call { name: "type 66", arguments: [0, 66, 0], answer: -EINVAL },
    Call { name: "type -1", arguments: [0, u64::MAX, 0], answer: -EINVAL },
    Call { name: "unknown command, unknown type", arguments: [9, 64, 0], answer: -EINVAL },
    Call { name: "unknown command", arguments: [2, 0, 0], answer: -ENOSYS },
    Call { name: "command -1", arguments: [u64::MAX, 2, 0], answer: -ENOSYS },
    Call { name: "upper halves", arguments: [5 << 32, 5 << 32, 0], answer: 0 },
];

fn run(checks: &mut Checks, _: &'static StartInfo) {
    check_all(checks, VM_ASSIST, BAD);
    for &assist in TYPES {
        for command in [vm_assist::CMD_ENABLE, vm_assist::CMD_ENABLE, vm_assist::CMD_DISABLE] {
            let answer = call(VM_ASSIST, [command.into(), assist.into(), 0]);
            check_eq!(checks, answer, 0, "command {command} on type {assist}");
        }
    }
    check_visible(checks);
}

/// Checks that `pae_extended_cr3` shows among the features while it is on.
fn check_visible(checks: &mut Checks) {
    let shown = || version::features(0).map(|word| word >> features::PAE_PGDIR_ABOVE_4GB & 1);
    check_eq!(checks, shown(), Ok(0), "feature while the assist is off");
    let assist = u64::from(vm_assist::TYPE_PAE_EXTENDED_CR3);
    call(VM_ASSIST, [vm_assist::CMD_ENABLE.into(), assist, 0]);
    check_eq!(checks, shown(), Ok(1), "feature while the assist is on");
}
