//! The command that shows where events come from and how many came.

use xenolith_guest::{
    StartInfo,
    abi::event_channel as abi,
    events::{self, PORTS, Port},
    hypercall::event_channel::{Connection, Virq},
    platform, println,
};

/// Prints a line for each port that is open or had events.
pub(crate) fn show(_: &StartInfo, _: &str) {
    println!("  {} upcalls, {} events nobody waited for", events::upcalls(), events::unexpected());
    println!("  {:>6}{:>12}  {:<6}connected to", "port", "events", "vCPU");
    for port in (1..PORTS).map(Port) {
        let Ok(status) = platform::port_status(port) else {
            // The hypervisor's table may be smaller than the bitmaps.
            break;
        };
        let count = events::count(port);
        if status.connection != Connection::Closed || count != 0 {
            let connection = Shown(status.connection);
            println!("  {:>6}{count:>12}  {:<6}{connection}", port.0, status.vcpu);
        }
    }
}

/// A connection in words.
struct Shown(Connection);

impl core::fmt::Display for Shown {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            Connection::Closed => f.write_str("nothing"),
            Connection::Unbound(domain) => write!(f, "nothing yet, open to domain {domain}"),
            Connection::Interdomain(domain, port) => write!(f, "port {port} of domain {domain}"),
            Connection::PhysicalInterrupt(number) => write!(f, "physical interrupt {number}"),
            Connection::Virtual(virq) => f.write_str(virq_name(virq)),
            Connection::Ipi => f.write_str("this domain"),
            Connection::Unknown(state) => write!(f, "something (state {state})"),
        }
    }
}

fn virq_name(virq: Virq) -> &'static str {
    match virq.0 {
        abi::VIRQ_TIMER => "VIRQ_TIMER",
        abi::VIRQ_DEBUG => "VIRQ_DEBUG",
        abi::VIRQ_CONSOLE => "VIRQ_CONSOLE",
        _ => "another virtual interrupt",
    }
}
