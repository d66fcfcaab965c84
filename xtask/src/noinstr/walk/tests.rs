//! The walk over small pieces of code, byte by byte.

use std::collections::BTreeMap;

use super::*;

const START: u64 = 0x1000;

/// Entry code of one function, with points at offsets.
fn code(bytes: &[u8], points: &[(u64, bool)]) -> EntryCode {
    EntryCode {
        start: START,
        bytes: bytes.to_vec(),
        functions: BTreeMap::from([(START, "entry".to_owned())]),
        points: points.iter().map(|&(at, allowed)| (START + at, allowed)).collect(),
        sites: BTreeMap::new(),
    }
}

#[track_caller]
fn assert_found(bytes: &[u8], points: &[(u64, bool)], expected: &str) {
    let found = violations(&code(bytes, points));
    assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
}

/// `call` of something 0x1000 bytes further on.
const CALL_OUT: [u8; 5] = [0xe8, 0, 0x10, 0, 0];
const NOP: u8 = 0x90;
const RET: u8 = 0xc3;

#[test]
fn a_call_inside_the_section_is_fine() {
    // call +1; ret; ret
    assert_eq!(violations(&code(&[0xe8, 1, 0, 0, 0, RET, RET], &[])), [""; 0]);
}

#[test]
fn a_call_out_is_found_unless_it_stands_between_points() {
    let bytes = [&[NOP][..], &CALL_OUT, &[NOP, RET]].concat();
    assert_eq!(violations(&code(&bytes, &[(0, true), (6, false)])), [""; 0]);
    assert_found(&bytes, &[], "entry+0x1: calls ordinary code");
    assert_found(&bytes, &[(6, false)], "calls ordinary code");
    assert_found(&bytes, &[(0, true)], "returns inside");
}

#[test]
fn a_call_on_one_path_only_is_found() {
    // je over the first point.
    let bytes = [&[0x74, 1, NOP][..], &CALL_OUT, &[NOP, RET]].concat();
    assert_found(&bytes, &[(2, true), (8, false)], "inside and outside");
    // je over the call and its points is fine.
    let bytes = [&[0x74, 7, NOP][..], &CALL_OUT, &[NOP, RET]].concat();
    assert_eq!(violations(&code(&bytes, &[(2, true), (8, false)])), [""; 0]);
}

#[test]
fn jumps_that_cannot_be_followed_are_found() {
    // jmp rax, jmp out, je out, call rax.
    assert_found(&[0xff, 0xe0], &[], "who knows where");
    assert_found(&[0xe9, 0, 0x10, 0, 0], &[], "jumps out");
    assert_found(&[0x0f, 0x84, 0, 0x10, 0, 0, RET], &[], "jumps out");
    assert_found(&[0xff, 0xd0, RET], &[], "calls ordinary code");
    assert_found(&[NOP], &[], "runs out");
}

#[test]
fn an_entry_without_a_name_is_walked_too() {
    // ret, and behind it a call that nothing leads to.
    let bytes = [&[RET][..], &CALL_OUT, &[RET]].concat();
    assert_found(&bytes, &[], "entry+0x1: calls ordinary code");
}

#[test]
fn a_hypercall_is_no_call() {
    // syscall; ud2
    assert_eq!(violations(&code(&[0x0f, 0x05, 0x0f, 0x0b], &[])), [""; 0]);
}

/// `call qword ptr [rip]`, and the same as a jump.
const CALL_THROUGH: [u8; 6] = [0xff, 0x15, 0, 0, 0, 0];
const JUMP_THROUGH: [u8; 6] = [0xff, 0x25, 0, 0, 0, 0];
const INSIDE: u64 = START;
const OUTSIDE: u64 = START + 0x1000;

/// What is found where an operation with these functions is executed between a `nop` and a `ret`.
fn found_at_site(instruction: [u8; 6], functions: &[u64], points: &[(u64, bool)]) -> Vec<String> {
    let mut code = code(&[&[NOP][..], &instruction, &[NOP, RET]].concat(), points);
    code.sites = BTreeMap::from([(START + 1, functions.to_vec())]);
    violations(&code)
}

#[test]
fn an_operation_is_what_its_functions_are() {
    for instruction in [CALL_THROUGH, JUMP_THROUGH] {
        assert_eq!(found_at_site(instruction, &[INSIDE, INSIDE], &[]), [""; 0]);
        let found = found_at_site(instruction, &[INSIDE, OUTSIDE], &[]);
        assert!(found.len() == 1 && found[0].contains("entry+0x1: an operation"), "{found:?}");
    }
    let points = [(0, true), (7, false)];
    assert_eq!(found_at_site(CALL_THROUGH, &[OUTSIDE], &points), [""; 0]);
    assert_eq!(found_at_site(JUMP_THROUGH, &[INSIDE], &points).len(), 1);
}
