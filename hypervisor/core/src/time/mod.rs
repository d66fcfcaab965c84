//! System time: nanoseconds since boot, as hypervisor and guests compute it from the TSC.

mod countdown;
mod record;
mod scale;
mod wall_clock;

pub use countdown::Countdown;
pub use record::{Clock, write_record};
pub use scale::Scale;
pub use wall_clock::{CmosDate, WallClock};

#[cfg(test)]
mod tests;
