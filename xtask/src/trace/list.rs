//! A trace as lines of text.

use std::io::{Read, Write};

use anyhow::Result;
use xenolith_core::hypercall::names::Named;
use xenolith_core::trace::{Event, Record};
use xenolith_core::vmx::exit_reason::ExitReason;
use xenolith_core::vmx::qualification::exception_name;

use super::Records;
use crate::symbols::Finder;

/// Writes a line for each record, with names for the guest's addresses if there are any.
///
/// # Errors
/// The trace cannot be read, or nothing be written.
pub(super) fn write(
    records: Records<impl Read>,
    mut names: Option<&mut Finder>,
    mut to: impl Write,
) -> Result<()> {
    let mut call = 0;
    for record in records {
        let (record, event) = record?;
        if let Event::Hypercall { number, .. } = event {
            call = number;
        }
        let place = names.as_mut().map(|names| names.at(record.rip)).unwrap_or_default();
        writeln!(to, "{}", line(&record, &event, &place, call))?;
    }
    to.flush()?;
    Ok(())
}

/// The line of a record: seconds, domain and vCPU, what happened, and where. The last hypercall was
/// `call`.
fn line(record: &Record, event: &Event, place: &str, call: u64) -> String {
    const NS: u64 = 1_000_000_000;
    let Record { domain, vcpu, time_ns, rip, .. } = record;
    let (seconds, rest) = (time_ns / NS, time_ns % NS);
    let head = format!("{seconds:>5}.{rest:09}  {domain}.{vcpu}");
    let at = format!("at {rip:#018x}{place}");
    match *event {
        // Both belong to the line before.
        Event::Result { value } => format!("{head}  result      {value}"),
        Event::Cut { args } => {
            format!("{head}  cut         left: {}", Named { number: call, args })
        }
        _ => format!("{head}  {}  {at}", what(event)),
    }
}

/// What happened.
pub(super) fn what(event: &Event) -> String {
    let from = |is_process| if is_process { "of a process" } else { "of the kernel" };
    match *event {
        Event::Hypercall { number, args } => format!("hypercall   {}", Named { number, args }),
        Event::Result { value } => format!("result      {value}"),
        Event::Cut { .. } => "cut".to_owned(),
        Event::SystemCall { number, args } => {
            let args = args.map(|argument| format!("{argument:#x}")).join(", ");
            format!("system call {number}({args})")
        }
        Event::SysEnter { number } => format!("sysenter    {number}"),
        Event::Exception { vector, error_code, from_process, address } => {
            let code = error_code.map(|code| format!(", error code {code:#x}")).unwrap_or_default();
            let address = if vector == 14 { format!(", at {address:#x}") } else { String::new() };
            let name = exception_name(vector);
            format!("exception   {vector} {name}{code}{address}, {}", from(from_process))
        }
        Event::Upcall { from_process, selector } => {
            format!("upcall      pending_sel {selector:#x}, {}", from(from_process))
        }
        Event::Exit { reason, qualification, .. } => {
            format!("exit        {}, qualification {qualification:#x}", ExitReason(reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::trace;
    use super::*;

    #[test]
    fn lines_say_when_what_and_where() {
        let bytes = trace(&[
            Event::Hypercall { number: 29, args: [3, 0x10, 0, 0, 0] },
            Event::Result { value: 0 },
            Event::Exception { vector: 14, error_code: Some(2), from_process: true, address: 0x10 },
            Event::Upcall { from_process: false, selector: 1 },
            Event::Exit { reason: 10, qualification: 0, until_ns: 6000 },
            Event::Hypercall { number: 1, args: [0x1000, 9, 0, 0x7ff0, 77] },
            Event::Cut { args: [0x1010, 8, 0, 0x7ff0, 77] },
        ]);
        let mut text = Vec::new();
        write(Records::new(&bytes[..]).unwrap(), None, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<_> = text.lines().collect();
        let call = "    0.000001000  1.0  hypercall   sched_op(SCHEDOP_poll, 0x10)  \
                    at 0xffffffff81000000";
        assert_eq!(lines[0], call);
        assert_eq!(lines[1], "    0.000002000  1.0  result      0");
        assert!(lines[2].contains("14 #PF page fault, error code 0x2, at 0x10, of a process"));
        assert!(lines[3].contains("upcall      pending_sel 0x1, of the kernel"));
        assert!(lines[4].contains("exit        CPUID"), "{}", lines[4]);
        let left = "    0.000007000  1.0  cut         left: mmu_update(0x1010, 0x8, 0x0, 0x7ff0)";
        assert_eq!(lines[6], left);
    }
}
