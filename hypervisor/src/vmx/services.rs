//! The store and the block device, served when the domain sends to their ports. What is too much at
//! once is served later: the clock's interrupt comes for it.

use super::machine::{VcpuMachine, tell};
use super::vcpu::Context;
use crate::block::{self, Guest};
use crate::store;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use xenolith_core::event_channel::Service;

/// Whether requests to the store wait.
static STORE_WAITS: AtomicBool = AtomicBool::new(false);
/// Whether requests to the block device wait.
static BLOCK_WAITS: AtomicBool = AtomicBool::new(false);

impl VcpuMachine<'_> {
    /// Serves what the domain asks of the store, and lets the back end look where its front end has
    /// changed.
    pub(super) fn serve_store(&mut self) {
        let served = store::serve(self.memory, self.channels.domain(), self.vcpu.now_ns());
        let is_news = if served.front_end_changed {
            self.front_end_changed();
            true
        } else {
            block::is_untold() && block::retell(&mut self.guest())
        };
        tell(self.channels, self.memory, Service::Store, served.moved);
        // News are for the domain, and told with the rest.
        self.leave(&STORE_WAITS, served.unfinished || is_news);
    }

    fn front_end_changed(&mut self) {
        let has_requests = block::front_end_changed(&mut self.guest());
        self.publish_ports();
        if has_requests {
            self.serve_block();
        }
    }

    /// Serves what the domain asks of the block device.
    pub(super) fn serve_block(&mut self) {
        let served = block::serve(&mut self.guest());
        self.leave(&BLOCK_WAITS, served.unfinished);
        if served.failed {
            self.publish_ports();
            // The domain hears of it from the store.
            self.leave(&STORE_WAITS, true);
        }
    }

    /// Notes whether something waits; if so, the clock's interrupt comes.
    fn leave(&mut self, waits: &AtomicBool, unfinished: bool) {
        waits.store(unfinished, Relaxed);
        if unfinished {
            self.vcpu.arm(self.vcpu.now_ns());
        }
    }

    fn guest(&mut self) -> Guest<'_> {
        let grants = self.hole.grant_table(self.grant_frames);
        let now_ns = self.vcpu.now_ns();
        Guest { memory: self.memory, channels: self.channels, grants, now_ns }
    }
}

impl Context<'_> {
    /// Goes on with what was too much at once.
    pub(super) fn continue_services(&mut self) {
        if STORE_WAITS.load(Relaxed) {
            self.split().2.serve_store();
        }
        if BLOCK_WAITS.load(Relaxed) {
            self.split().2.serve_block();
        }
    }
}
