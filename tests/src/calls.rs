//! Tables of hypercalls with the answers they must get.

use xenolith_guest::{check_eq, probe::hypercall, scenario::Checks};

/// One hypercall and its answer.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// What is special about it.
    pub name: &'static str,
    /// Its arguments, in order; the rest is zero.
    pub arguments: [u64; 3],
    /// What it must answer in RAX.
    pub answer: i64,
}

/// Makes every call of the table, by hypercall page and by instruction, and checks its answer.
pub fn check_all(checks: &mut Checks, number: u32, calls: &[Call]) {
    for Call { name, arguments: [a, b, c], answer } in calls.iter().copied() {
        let arguments = [a, b, c, 0, 0];
        check_eq!(checks, hypercall::by_page(number, arguments), answer, "by page: {name}");
        let by_instruction = hypercall::syscall(number.into(), arguments);
        check_eq!(checks, by_instruction, answer, "by instruction: {name}");
    }
}

/// Makes a call of three arguments through the hypercall page.
pub fn call(number: u32, [a, b, c]: [u64; 3]) -> i64 {
    hypercall::by_page(number, [a, b, c, 0, 0])
}
