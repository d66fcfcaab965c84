//! Timers, and a vCPU that sleeps.

use super::machine;
use super::vcpu::{Context, Vcpu};
use crate::console;
use crate::cpu::{clock, interrupts};
use crate::store;
use log::Level;
use xenolith_abi::event_channel::{VIRQ_CONSOLE, VIRQ_TIMER};
use xenolith_core::console::Request;
use xenolith_core::event_channel::Virq;
use xenolith_core::runstate::{self, State};
use xenolith_core::timer::earliest;

/// No time: the timer is not armed.
pub(super) const NEVER: u64 = u64::MAX;

impl Vcpu {
    /// Returns the system time in ns.
    pub(super) fn now_ns(&self) -> u64 {
        self.time.now_ns(clock::tsc())
    }

    /// Lets an interrupt come at `deadline_ns` of the system time or before. One that is to come
    /// earlier anyway is left as it is: guests move their deadlines on more often than they let
    /// them come, and what finds nothing due sets the timer again.
    #[inline]
    pub(super) fn arm(&mut self, deadline_ns: u64) {
        if deadline_ns < self.armed_ns {
            self.program(deadline_ns);
        }
    }

    #[inline(never)]
    fn program(&mut self, deadline_ns: u64) {
        let now = self.now_ns();
        self.armed_ns = now.saturating_add(self.clock.arm(deadline_ns.saturating_sub(now)));
    }

    /// Notes that the timer's interrupt has come, or may have.
    pub(super) fn disarmed(&mut self) {
        self.armed_ns = NEVER;
    }
}

impl Context<'_> {
    /// Raises the timer's interrupt if it is due, and sets the timer for the next time.
    pub(super) fn serve_timers(&mut self) {
        if self.state.timers.expire(self.vcpu.now_ns()) {
            // This vCPU is the one to be told, and it is told before it goes on.
            let _ = self.channels.raise_virq(self.memory, Virq(VIRQ_TIMER), self.vcpu.id);
        }
        self.vcpu.arm(self.next_deadline().unwrap_or(NEVER));
    }

    /// Returns when the next timer or watchdog is due.
    fn next_deadline(&self) -> Option<u64> {
        earliest(self.state.timers.next_deadline(), self.domain.watchdogs.next_deadline())
    }

    /// Returns whether a watchdog of the domain has run out.
    pub(super) fn watchdog_expired(&self) -> bool {
        self.domain.watchdogs.expired(self.vcpu.now_ns())
    }

    /// Moves console bytes if something waits for the line, or its interrupts do not tell of input.
    pub(super) fn poll_console(&mut self) {
        let output_waits = console::with_queues(|queues| !queues.output.is_empty());
        if output_waits || !interrupts::tell_of_input() {
            self.serve_console();
        }
    }

    /// Moves console bytes, and tells the domain when there is input.
    pub(super) fn serve_console(&mut self) {
        let before = console::with_queues(|queues| queues.unread());
        machine::serve_ring(self.channels, self.memory);
        self.vcpu.serve_console();
        if before == 0 && console::with_queues(|queues| queues.unread()) != 0 {
            // As above.
            let _ = self.channels.raise_virq(self.memory, Virq(VIRQ_CONSOLE), self.vcpu.id);
        }
        let (request, shutdown) =
            console::with_queues(|queues| (queues.take_request(), queues.take_shutdown_request()));
        match request {
            Some(Request::Debug) => {
                let _ = self.channels.raise_virq(self.memory, Virq::DEBUG, self.vcpu.id);
            }
            Some(Request::ExitCounts) => self.vcpu.log_exit_counts(Level::Info),
            Some(Request::Nmi) => self.send_nmi(),
            None => {}
        }
        if let Some(command) = shutdown {
            store::ask_shutdown(self.domain.id, command);
            self.split().2.serve_store();
        }
    }

    /// Sleeps until an event or an NMI can be delivered; the caller has allowed events.
    pub(super) fn block(&mut self) {
        self.sleep(None, |_| false);
    }

    /// Sleeps until a port for which the vCPU polls has an event, or until `deadline_ns`.
    pub(super) fn poll(&mut self, deadline_ns: Option<u64>) {
        let vcpu = self.vcpu.id;
        if let Some(what) = self.state.polls_for.take() {
            self.channels.begin_poll(vcpu, what);
        }
        self.sleep(deadline_ns, |context| {
            let now = context.vcpu.now_ns();
            !context.channels.is_polling(vcpu)
                || deadline_ns.is_some_and(|deadline| deadline <= now)
        });
        self.channels.end_poll(vcpu);
    }

    /// Notes that the vCPU is in `state` from now on, and tells the guest where it wants to know.
    fn enter_state(&mut self, state: State) {
        let now = self.vcpu.now_ns();
        self.state.runstate.enter(state, now);
        if let Some(at) = self.state.runstate_area {
            let info = self.state.runstate.record();
            let update = self.domain.runstate_update();
            // As on Xen the guest goes without if it cannot be written just now.
            let _ = runstate::write_area(&mut self.space(), at, &info, update);
        }
    }

    /// Halts the CPU until an event or an NMI can be delivered or `is_over`, and at `until_ns` at
    /// the latest.
    /// Output that waits for the line wakes the CPU now and then.
    fn sleep(&mut self, until_ns: Option<u64>, is_over: impl Fn(&Self) -> bool) {
        let mut sleeps = false;
        loop {
            self.serve_timers();
            self.serve_console();
            self.continue_services();
            let woken =
                self.channels.has_deliverable(self.memory, self.vcpu.id) || self.vcpu.has_nmi();
            if woken || is_over(self) || self.watchdog_expired() {
                if sleeps {
                    self.enter_state(State::Running);
                }
                return;
            }
            if !sleeps {
                sleeps = true;
                self.enter_state(State::Blocked);
            }
            self.vcpu.arm(until_ns.unwrap_or(NEVER));
            interrupts::idle();
            self.vcpu.disarmed();
        }
    }
}
