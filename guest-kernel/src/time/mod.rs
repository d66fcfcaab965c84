//! Time: how much has passed since boot, what the date is, and being woken later.
//!
//! System time is nanoseconds since the domain began, computed from the time-stamp counter and the
//! record that the hypervisor keeps for each vCPU: reading it is no hypercall.

#[cfg(target_os = "none")]
mod alarms;
mod queue;
mod record;
mod system_time;
mod wall_clock;

#[cfg(target_os = "none")]
pub use alarms::{cancel, install, list, set_alarm, sleep, ticks, timer_port};
#[cfg(target_os = "none")]
pub(crate) use alarms::{set_task_deadline, task_deadline};
pub use queue::{Alarm, AlarmId, Full, Handler, Queue};
pub use record::Record;
pub use system_time::SystemTime;
pub use wall_clock::{WallClock, wall_clock};

use crate::{shared_info, vcpu};

/// Returns the system time.
pub fn now() -> SystemTime {
    record::now(shared_info::of_vcpu(vcpu::current()).time())
}

/// Returns a copy of the record by which [`now`] turns the time-stamp counter into system time.
pub fn record() -> Record {
    Record::read(shared_info::of_vcpu(vcpu::current()).time())
}
