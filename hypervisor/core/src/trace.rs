//! The trace of a domain: a record for each time its kernel is entered or leaves.
//!
//! Root writes records, one after the other, to the emulator's debug console
//! ([`crate::debug_console`]); `xtask trace` reads them.

use crate::hypercall::Args;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bytes of a record.
pub const RECORD_BYTES: usize = size_of::<Record>();

/// What is written for an event; all words little-endian.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
pub struct Record {
    /// One of the kinds of [`Event`], by number.
    pub kind: u16,
    /// The domain's number.
    pub domain: u16,
    /// The vCPU's.
    pub vcpu: u32,
    /// When, in nanoseconds of the domain's system time.
    pub time_ns: u64,
    /// Where the guest was.
    pub rip: u64,
    /// What belongs to the event, as its kind has it.
    pub values: [u64; 6],
}

/// What happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// The kernel makes a hypercall.
    Hypercall {
        /// Its number.
        number: u64,
        /// Its arguments.
        args: Args,
    },
    /// Root has served the hypercall before.
    Result {
        /// What is in rax.
        value: i64,
    },
    /// Root has put the kernel back on the hypercall before, of which some is left.
    Cut {
        /// The arguments for the rest.
        args: Args,
    },
    /// A process makes a system call, by SYSCALL.
    SystemCall {
        /// What is in rax.
        number: u64,
        /// What is in rdi, rsi, rdx, r10 and r8.
        args: Args,
    },
    /// SYSENTER, which does not tell where it was executed.
    SysEnter {
        /// What is in rax.
        number: u64,
    },
    /// An exception or software interrupt, on its way to the guest's handler.
    Exception {
        /// The vector.
        vector: u8,
        /// The error code, for vectors that have one.
        error_code: Option<u64>,
        /// Whether a process was interrupted.
        from_process: bool,
        /// CR2; of meaning for page faults.
        address: u64,
    },
    /// The event callback is entered.
    Upcall {
        /// Whether a process was interrupted.
        from_process: bool,
        /// `evtchn_pending_sel`.
        selector: u64,
    },
    /// A VM exit that is none of the above, and not their doing.
    Exit {
        /// The basic exit reason.
        reason: u32,
        /// The exit qualification.
        qualification: u64,
        /// When it was over, in nanoseconds of the domain's system time.
        until_ns: u64,
    },
}

impl Record {
    /// Makes a record without place and time.
    pub fn new(event: &Event) -> Self {
        let five = |first: u64, [a, b, c, d, e]: Args| [first, a, b, c, d, e];
        let (kind, values) = match *event {
            Event::Hypercall { number, args } => (1, five(number, args)),
            Event::Result { value } => (2, five(value.cast_unsigned(), [0; 5])),
            Event::Cut { args } => (3, five(0, args)),
            Event::SystemCall { number, args } => (4, five(number, args)),
            Event::SysEnter { number } => (5, five(number, [0; 5])),
            Event::Exception { vector, error_code, from_process, address } => {
                let (has_code, code) = (u64::from(error_code.is_some()), error_code.unwrap_or(0));
                (6, [vector.into(), has_code, code, from_process.into(), address, 0])
            }
            Event::Upcall { from_process, selector } => {
                (7, [from_process.into(), selector, 0, 0, 0, 0])
            }
            Event::Exit { reason, qualification, until_ns } => {
                (8, [reason.into(), qualification, until_ns, 0, 0, 0])
            }
        };
        Self { kind, values, ..Self::default() }
    }

    /// Returns what happened, or `None` for a record that nobody has written.
    pub fn event(&self) -> Option<Event> {
        let [first, args @ ..] = self.values;
        Some(match self.kind {
            1 => Event::Hypercall { number: first, args },
            2 => Event::Result { value: first.cast_signed() },
            3 => Event::Cut { args },
            4 => Event::SystemCall { number: first, args },
            5 => Event::SysEnter { number: first },
            6 => Event::Exception {
                vector: u8::try_from(first).ok()?,
                error_code: (args[0] != 0).then_some(args[1]),
                from_process: args[2] != 0,
                address: args[3],
            },
            7 => Event::Upcall { from_process: first != 0, selector: args[0] },
            8 => Event::Exit {
                reason: u32::try_from(first).ok()?,
                qualification: args[0],
                until_ns: args[1],
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_comes_back_as_it_was() {
        let args = [1, 2, 3, 4, u64::MAX];
        for event in [
            Event::Hypercall { number: 29, args },
            Event::Result { value: -38 },
            Event::Cut { args },
            Event::SystemCall { number: u64::MAX, args },
            Event::SysEnter { number: 7 },
            Event::Exception {
                vector: 14,
                error_code: Some(0),
                from_process: true,
                address: 0xffff_8000_0000_0000,
            },
            Event::Exception { vector: 3, error_code: None, from_process: false, address: 0 },
            Event::Upcall { from_process: true, selector: 1 },
            Event::Exit { reason: 10, qualification: 5, until_ns: 6 },
        ] {
            let record = Record { time_ns: 9, rip: 8, domain: 1, ..Record::new(&event) };
            let read = Record::read_from_bytes(record.as_bytes()).unwrap();
            assert_eq!((read, read.event()), (record, Some(event)));
        }
    }

    #[test]
    fn a_record_of_no_kind_is_no_event() {
        for kind in [0, 9, u16::MAX] {
            assert_eq!(Record { kind, ..Record::default() }.event(), None, "{kind}");
        }
        let vector = Record { kind: 6, values: [256, 0, 0, 0, 0, 0], ..Record::default() };
        assert_eq!(vector.event(), None);
    }
}
