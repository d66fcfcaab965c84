//! The table of `docs/hypercalls.md`, as the handlers answer.

use super::super::names::{extended_request, name, operation};
use super::super::test_machine::Caller;
use super::super::{Outcome, unsupported};
use crate::guest_access::test_space::BASE;
use std::fmt::Write;
use xenolith_abi::domain::SELF;
use xenolith_abi::errno::{EACCES, EPERM};
use xenolith_abi::hypercall::{IRET, MMUEXT_OP};
use xenolith_abi::mmu::MmuextOp;

/// The numbers of operations that are looked at; there are no higher ones.
const OPERATIONS: u32 = 64;

const HEAD: &str = "# Hypercalls\n
What answers each hypercall and each operation that Xen's public headers name. A test makes this table from the answers of the
handlers (`hypervisor/core/src/hypercall/tests/table.rs`) and fails where it differs: `WRITE_TABLES=1 cargo test -p
xenolith-core hypercalls_are_as_the_table_has_them` writes it. What the calls do, and with which errors, is in
[abi.md](abi.md#hypercalls).\n
- **yes**: it is made, or refused for its arguments.
- **privileged**: `-EPERM` or `-EACCES`, as for every domain that is not Xen's privileged one.
- **no**: `-ENOSYS` or `-EOPNOTSUPP`, and a line of the log.\n
| number | call | operation | |
|---|---|---|---|
";

fn answer(outcome: &Outcome) -> &'static str {
    match *outcome {
        Outcome::Return(value) if unsupported::is_refusal(value) => "no",
        Outcome::Return(value) if value == -EPERM || value == -EACCES => "privileged",
        _ => "yes",
    }
}

/// The answer to a call whose structure in memory is zeros.
fn call(number: u32, operation: u64) -> &'static str {
    answer(&Caller::new().call(number, &[operation, BASE, 1, 0, 0]))
}

fn extended(cmd: u32) -> &'static str {
    let mut caller = Caller::new();
    caller.put(BASE, &MmuextOp { cmd, padding: 0, arg1: 0, arg2: BASE });
    answer(&caller.call(MMUEXT_OP, &[BASE, 1, 0, SELF.into(), 0]))
}

fn rows(number: u32, call_name: &str) -> String {
    let mut text = String::new();
    let mut row = |operation: &str, answer: &str| {
        writeln!(text, "| {number} | `{call_name}` | {operation} | {answer} |").unwrap();
    };
    if number == IRET {
        // The resident's, and never a handler's.
        row("", "yes");
    }
    let mut known = 0;
    for op in 0..OPERATIONS {
        let found = match number {
            IRET => None,
            MMUEXT_OP => extended_request(op).map(|name| (name, extended(op))),
            _ => operation(number, op).map(|name| (name, call(number, op.into()))),
        };
        if let Some((name, answer)) = found {
            row(&format!("{name} ({op})"), answer);
            known += 1;
        }
    }
    if known == 0 && number != IRET {
        row("", call(number, 0));
    }
    text
}

#[test]
#[cfg_attr(
    miri,
    ignore = "it makes some hundred domains, of which each has been looked at by others"
)]
fn hypercalls_are_as_the_table_has_them() {
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/hypercalls.md");
    let rows = (0..64).filter_map(|number| Some(rows(number, name(number)?)));
    let text = format!("{HEAD}{}", rows.collect::<String>());
    if std::env::var_os("WRITE_TABLES").is_some() {
        std::fs::write(FILE, &text).unwrap();
    }
    let written = std::fs::read_to_string(FILE).unwrap();
    assert!(text == written, "docs/hypercalls.md is not what the handlers answer:\n{text}");
}
