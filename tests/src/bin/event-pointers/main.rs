//! `event_channel_op` with its argument in every kind of bad memory.
//!
//! A call that reads half an argument, or does its work and cannot tell the result, must say so and
//! leave the table whole.
//! Expected: -EFAULT before anything is done for what cannot be read; for what cannot be written, as
//! on Xen, -EFAULT and a port that stays bound; arguments across pages are as good as any.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::{
    buffers::Buffers,
    calls::call,
    events::{check_nothing_left, install},
};
use xenolith_guest::{
    StartInfo,
    abi::{
        domain::SELF,
        errno::{EFAULT, EINVAL, ENOSYS, EPERM, ESRCH},
        event_channel as abi,
        hypercall::EVENT_CHANNEL_OP,
    },
    check_eq,
    events::Port,
    hypercall::event_channel::{Connection, close, reset, status},
    irq,
    scenario::Checks,
};

xenolith_guest::scenario!(run);

/// The sub-calls with an argument, and its bytes.
const COMMANDS: [(u32, usize); 11] = [
    (abi::BIND_INTERDOMAIN, size_of::<abi::BindInterdomain>()),
    (abi::BIND_VIRQ, size_of::<abi::BindVirq>()),
    (abi::BIND_PIRQ, size_of::<abi::BindPirq>()),
    (abi::CLOSE, size_of::<abi::Close>()),
    (abi::SEND, size_of::<abi::Send>()),
    (abi::STATUS, size_of::<abi::Status>()),
    (abi::ALLOC_UNBOUND, size_of::<abi::AllocUnbound>()),
    (abi::BIND_IPI, size_of::<abi::BindIpi>()),
    (abi::BIND_VCPU, size_of::<abi::BindVcpu>()),
    (abi::UNMASK, size_of::<abi::Unmask>()),
    // Two bytes.
    (abi::RESET, size_of::<abi::Reset>()),
];

/// The port that is bound next.
const FIRST: Port = Port(1);

fn run(checks: &mut Checks, start: &'static StartInfo) {
    install(checks);
    // Store and console have ports from the start.
    check_eq!(checks, reset(SELF), Ok(()));
    let mut buffers = Buffers::new(start);
    for (command, bytes) in COMMANDS {
        for (what, address) in buffers.unreadable(bytes) {
            let answer = operate(command, address);
            check_eq!(checks, answer, -EFAULT, "command {command}, argument {what}");
        }
    }
    check_eq!(checks, connection(FIRST), Some(Connection::Closed), "nothing was bound");
    check_written(checks, &mut buffers);
    check_crossing(checks, &mut buffers);
    check_numbers(checks, &buffers);
    check_nothing_left(checks);
}

fn operate(command: u32, address: u64) -> i64 {
    call(EVENT_CHANNEL_OP, [command.into(), address, 0])
}

fn connection(port: Port) -> Option<Connection> {
    status(SELF, port).ok().map(|status| status.connection)
}

/// What is read and cannot be written: the port is bound, and nobody is told.
fn check_written(checks: &mut Checks, buffers: &mut Buffers) {
    for (command, bytes) in COMMANDS {
        for (what, address) in buffers.unwritable(bytes) {
            // Zeros: VIRQ 0, vCPU 0, domain 0, port 0.
            let answer = operate(command, address);
            // Of a domain and a port that do not exist there is nothing to tell.
            let expected = match command {
                _ if what != "read-only" => -EFAULT,
                abi::BIND_VIRQ | abi::BIND_IPI => -EFAULT,
                abi::UNMASK => 0,
                abi::CLOSE | abi::SEND | abi::BIND_VCPU => -EINVAL,
                abi::BIND_PIRQ => -EPERM,
                _ => -ESRCH,
            };
            check_eq!(checks, answer, expected, "command {command}, {what}");
        }
    }
    check_eq!(checks, connection(Port(1)).is_some_and(is_virq), true, "a VIRQ nobody was told of");
    check_eq!(checks, connection(Port(2)), Some(Connection::Ipi), "an IPI nobody was told of");
    for port in [Port(1), Port(2)] {
        check_eq!(checks, close(port), Ok(()));
    }
}

fn is_virq(connection: Connection) -> bool {
    matches!(connection, Connection::Virtual(_))
}

/// Arguments that begin on one page and end on another.
fn check_crossing(checks: &mut Checks, buffers: &mut Buffers) {
    let own = u32::from(SELF);
    let pair = own | own << 16;
    let (timer, status) = (abi::VIRQ_TIMER, abi::STATUS_VIRQ);
    let steps: [(u32, &[u32], &[u32]); 12] = [
        (abi::ALLOC_UNBOUND, &[pair, 9], &[pair, 1]),
        (abi::BIND_INTERDOMAIN, &[own, 1, 9], &[own, 1, 2]),
        (abi::BIND_VIRQ, &[timer, 0, 9], &[timer, 0, 3]),
        (abi::BIND_IPI, &[0, 9], &[0, 4]),
        (abi::STATUS, &[own, 3, 9, 9, 9, 9], &[own, 3, status, 0, timer, 9]),
        (abi::STATUS, &[own, 2, 9, 9, 9, 9], &[own, 2, abi::STATUS_INTERDOMAIN, 0, 1, 1]),
        (abi::STATUS, &[own, 40, 9, 9, 9, 9], &[own, 40, abi::STATUS_CLOSED, 0, 9, 9]),
        (abi::SEND, &[4], &[4]),
        (abi::UNMASK, &[4], &[4]),
        (abi::BIND_VCPU, &[1, 0], &[1, 0]),
        (abi::CLOSE, &[3], &[3]),
        (abi::RESET, &[own], &[own]),
    ];
    for (command, given, expected) in steps {
        let offset = Buffers::crossing_offset(4 * given.len());
        for (at, word) in (offset..).step_by(4).zip(given) {
            buffers.window().write(at, &word.to_le_bytes());
        }
        check_eq!(checks, operate(command, buffers.at(offset)), 0, "command {command}");
        for (at, word) in (offset..).step_by(4).zip(expected) {
            check_eq!(checks, buffers.window().u32(at), *word, "command {command}, {at:#x}");
        }
    }
    // The events of the ports that are closed again.
    irq::irq_enable();
    irq::irq_disable();
}

/// Numbers that no sub-call has, and the halves of the register that the number is in.
fn check_numbers(checks: &mut Checks, buffers: &Buffers) {
    let good = buffers.good();
    let absent = [abi::INIT_CONTROL, abi::EXPAND_ARRAY, abi::SET_PRIORITY, 15, 16, 100, u32::MAX];
    for command in absent {
        for address in [good, 0] {
            check_eq!(checks, operate(command, address), -ENOSYS, "command {command}");
        }
    }
    let with_upper_half = u64::from(abi::CLOSE) | 1 << 32;
    check_eq!(checks, call(EVENT_CHANNEL_OP, [with_upper_half, good, 0]), -EINVAL);
}
