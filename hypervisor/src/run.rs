//! Starts the domain and runs it.
use crate::boot::Machine;
use crate::power::{self, Verdict};

pub(crate) extern "C" fn start(machine: &mut Machine) -> ! {
    log::info!("up {:?}", machine.options);
    power::end(Verdict::BootError)
}
