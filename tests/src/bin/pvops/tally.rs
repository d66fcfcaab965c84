//! Which operations have been checked: none may be left out, also one that is yet to be invented.

use xenolith_guest::{check, println, pvops::Op, scenario::Checks};

/// Operations by number.
#[derive(Default)]
pub(crate) struct Tally([bool; Op::COUNT]);

impl Tally {
    /// Says that these have been checked.
    pub(crate) fn covers(&mut self, operations: &[Op]) {
        for op in operations {
            self.0[op.index()] = true;
        }
    }

    /// Checks that all have been.
    pub(crate) fn finish(self, checks: &mut Checks) {
        for op in Op::ALL {
            check!(checks, self.0[op.index()], "{} has not been tried", op.name());
        }
        println!("all {} operations have been tried", Op::COUNT);
    }
}
