//! What the kernel turns on before its prompt, each as far as the hypervisor goes.

use xenolith_guest::{console, events, hypercall::Errno, irq, println, time, traps};

/// Turns on exceptions, events, the timer and console input, and says what came of it.
pub(crate) fn run() {
    report("exceptions", "handled here", traps::install());
    report("events", "by upcalls", events::install());
    report("timer", "VIRQ_TIMER", time::install().map(drop));
    report("input", "VIRQ_CONSOLE", console::install().map(drop));
    irq::irq_enable();
}

fn report(what: &str, how: &str, result: Result<(), Errno>) {
    match result {
        Ok(()) => println!("  {what:<14}{how}"),
        Err(error) => println!("  {what:<14}none: {error}"),
    }
}
