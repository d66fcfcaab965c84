//! How long a vCPU was in which state (`xen/public/vcpu.h`).

use xenolith_abi::vcpu::{RUNSTATE_BLOCKED, RUNSTATE_RUNNING, RunstateInfo};

/// What a vCPU does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It runs.
    Running,
    /// It waits.
    Blocked,
}

/// A vCPU's account of its time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Runstate {
    info: RunstateInfo,
}

impl Runstate {
    /// Begins an account at system time 0, with a vCPU that runs.
    pub const fn new() -> Self {
        let (state, padding) = (RUNSTATE_RUNNING, 0);
        Self { info: RunstateInfo { state, padding, state_entry_time: 0, time: [0; 4] } }
    }

    /// Notes that the vCPU is in `state` from `now_ns` on.
    pub fn enter(&mut self, state: State, now_ns: u64) {
        self.info = self.at(now_ns);
        self.info.state_entry_time = now_ns.max(self.info.state_entry_time);
        self.info.state = match state {
            State::Running => RUNSTATE_RUNNING,
            State::Blocked => RUNSTATE_BLOCKED,
        };
    }

    /// Returns the record as it was when the state was entered.
    pub const fn record(&self) -> RunstateInfo {
        self.info
    }

    /// Returns the record with the time in the present state up to `now_ns`.
    pub fn at(&self, now_ns: u64) -> RunstateInfo {
        let mut info = self.info;
        let since = now_ns.saturating_sub(info.state_entry_time);
        let spent = usize::try_from(info.state).ok().and_then(|state| info.time.get_mut(state));
        if let Some(spent) = spent {
            *spent = spent.saturating_add(since);
        }
        info
    }
}

impl Default for Runstate {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn time_goes_to_the_state() {
        let mut account = Runstate::new();
        assert_eq!(account.at(7).time, [7, 0, 0, 0]);
        account.enter(State::Blocked, 10);
        assert_eq!(account.record().state, RUNSTATE_BLOCKED);
        assert_eq!(account.record().state_entry_time, 10);
        account.enter(State::Running, 25);
        assert_eq!(account.record().time, [10, 0, 15, 0]);
        assert_eq!(account.at(26).time, [11, 0, 15, 0]);
        assert_eq!(account.at(3).time, [10, 0, 15, 0], "time does not go backwards");
    }

    proptest! {
        #[test]
        fn times_add_up(steps in prop::collection::vec((any::<bool>(), 0u64..1 << 40), 0..20)) {
            let mut account = Runstate::new();
            let mut now = 0;
            for (blocks, step) in steps {
                now += step;
                account.enter(if blocks { State::Blocked } else { State::Running }, now);
                prop_assert_eq!(account.record().time.iter().sum::<u64>(), now);
            }
        }
    }
}
