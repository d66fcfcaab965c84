use super::super::dispatch::KNOWN;
use super::super::test_machine::Caller;
use super::super::{Outcome, at_once, is_short};
use xenolith_abi::errno::ENOSYS;
use xenolith_abi::hypercall as abi;

/// The calls that have a handler, each with first arguments to which it does not answer `-ENOSYS`.
const HANDLED: [(u32, [u64; 3]); 27] = [
    (abi::GRANT_TABLE_OP, [6, 0, 0]),
    (abi::MMU_UPDATE, [0, 0, 0]),
    (abi::UPDATE_VA_MAPPING, [0, 0, 0]),
    (abi::UPDATE_VA_MAPPING_OTHERDOMAIN, [0, 0, 0]),
    (abi::MMUEXT_OP, [0, 0, 0]),
    (abi::STACK_SWITCH, [0, 0, 0]),
    (abi::FPU_TASKSWITCH, [0, 0, 0]),
    (abi::SET_SEGMENT_BASE, [0, 0, 0]),
    (abi::MULTICALL, [0, 0, 0]),
    (abi::SET_TRAP_TABLE, [0, 0, 0]),
    (abi::SET_GDT, [0, 0, 0]),
    (abi::SET_CALLBACKS, [0, 0, 0]),
    (abi::SET_DEBUGREG, [0, 0, 0]),
    (abi::GET_DEBUGREG, [0, 0, 0]),
    (abi::UPDATE_DESCRIPTOR, [0, 0, 0]),
    (abi::SET_TIMER_OP, [0, 0, 0]),
    (abi::VCPU_OP, [3, 0, 0]),
    (abi::PHYSDEV_OP, [12, 0, 0]),
    (abi::MEMORY_OP, [2, 0, 0]),
    (abi::XEN_VERSION, [7, 0, 0]),
    (abi::CONSOLE_IO, [0, 0, 0]),
    (abi::VM_ASSIST, [0, 0, 0]),
    (abi::NMI_OP, [1, 0, 0]),
    (abi::SCHED_OP, [0, 0, 0]),
    (abi::CALLBACK_OP, [0, 0, 0]),
    (abi::EVENT_CHANNEL_OP, [4, 0, 0]),
    (abi::ARCH_7, [0, 0, 0]),
];

fn is_handled(number: u64) -> bool {
    HANDLED.iter().any(|(handled, _)| u64::from(*handled) == number)
}

const UNKNOWN: Outcome = Outcome::Return(-ENOSYS);

#[test]
fn known_numbers_are_those_with_a_handler() {
    for number in 0..64 {
        assert_eq!(KNOWN >> number & 1 != 0, is_handled(number), "{number}");
    }
    for (number, args) in HANDLED {
        assert_ne!(Caller::new().call(number, &args), UNKNOWN, "{number} has a handler");
    }
}

#[test]
fn other_numbers_are_unknown_whatever_the_arguments() {
    let beyond = [64, 65, 127, 128, 1 << 31, u64::from(u32::MAX), u64::MAX]
        .into_iter()
        .filter(|number| !is_handled(number & !64));
    // What a comparison of 32 bits, or of 7, would take for a number with a handler.
    let aliases = HANDLED
        .map(|(number, _)| u64::from(number))
        .map(|n| [n + 128, n + 192, n + (1 << 32), n + (1 << 63)]);
    let unhandled = (0..64).filter(|number| !is_handled(*number));
    for number in unhandled.chain(beyond).chain(aliases.into_iter().flatten()) {
        for first in [0, 1, u64::MAX] {
            assert_eq!(at_once(number, first), Some(-ENOSYS), "{number:#x}");
            assert!(is_short(number), "{number:#x}");
            assert_eq!(Caller::new().call(number, &[first]), UNKNOWN, "{number:#x}");
        }
    }
}

#[test]
fn the_bit_against_restarts_changes_no_call_that_is_not_cut() {
    for (number, args) in HANDLED {
        let (mut plain, mut with_bit) = (Caller::new(), Caller::new());
        let outcome = plain.call(number, &args);
        assert_eq!(with_bit.call(number | 64, &args), outcome, "{number}");
        assert_eq!(with_bit.machine.memory, plain.machine.memory, "{number}");
    }
}

#[test]
fn only_the_version_is_answered_at_once() {
    for (number, _) in HANDLED {
        for first in [0, 1, 2, u64::from(u32::MAX), 1 << 32, 1 << 32 | 1] {
            let is_version = number == abi::XEN_VERSION && first.trailing_zeros() >= 32;
            let want = is_version.then_some(0x4_0011);
            assert_eq!(at_once(number.into(), first), want, "{number} {first:#x}");
            assert!(want.is_none() || is_short(number.into()));
        }
    }
}
