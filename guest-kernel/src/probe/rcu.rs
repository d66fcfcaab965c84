//! RCU's state, changed behind its back.

use crate::context;

/// Makes RCU watch no longer, as in an idle vCPU.
pub fn stop_watching() {
    context::current().watching.stop();
}

/// Makes RCU watch again.
pub fn start_watching() {
    context::current().watching.start();
}
