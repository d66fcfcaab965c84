//! What the kernel turns on before its prompt, each as far as the hypervisor goes.

use core::fmt::Display;

use xenolith_guest::{
    StartInfo, console, events, irq, println, process, store, tasks, time, traps,
};

/// Turns on exceptions, events, the timer, console input, tasks and processes, and says what came of it.
pub(crate) fn run(start: &'static StartInfo) {
    report("exceptions", "handled here", traps::install());
    report("events", "by upcalls", events::install());
    report("timer", "VIRQ_TIMER", time::install().map(drop));
    report("input", "VIRQ_CONSOLE", console::install().map(drop));
    report("tasks", "round robin", tasks::start(start).map(drop));
    report("programs", "in user mode", process::install(start));
    irq::irq_enable();
    report("shutdown", "when asked by the store", store::obey(start));
}

fn report(what: &str, how: &str, result: Result<(), impl Display>) {
    match result {
        Ok(()) => println!("  {what:<14}{how}"),
        Err(error) => println!("  {what:<14}none: {error}"),
    }
}
