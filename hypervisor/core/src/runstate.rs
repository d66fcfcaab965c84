//! How long a vCPU was in which state (`xen/public/vcpu.h`).

use crate::address::{Gva, to_u64};
use crate::guest_access::{Fault, GuestSpace};
use crate::guest_memory::GuestMemory;
use core::mem::offset_of;
use core::sync::atomic::{Ordering, fence};
use xenolith_abi::vcpu::{RUNSTATE_BLOCKED, RUNSTATE_RUNNING, RUNSTATE_UPDATE, RunstateInfo};

/// Whether a guest can tell that its copy of a record is being written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Update {
    /// It cannot.
    Silent,
    /// A flag in the time of the state's entry says so.
    #[doc(alias = "VMASST_TYPE_runstate_update_flag")]
    Flagged,
}

/// Writes `info` to `at` of a guest's address space.
///
/// # Errors
///
/// When a part of it cannot be written; what comes before may have been.
pub fn write_area<M: GuestMemory>(
    space: &mut GuestSpace<'_, M>,
    at: Gva,
    info: &RunstateInfo,
    update: Update,
) -> Result<(), Fault> {
    if update == Update::Silent {
        return space.write(at, info);
    }
    // The byte with the flag, which is written alone: nobody can take half of it.
    let offset = to_u64(offset_of!(RunstateInfo, state_entry_time)) + 7;
    let flag = Gva(at.0.wrapping_add(offset));
    let entry = info.state_entry_time;
    let flagged = RunstateInfo { state_entry_time: entry | RUNSTATE_UPDATE, ..*info };
    space.write(flag, &flagged.state_entry_time.to_le_bytes()[7])?;
    fence(Ordering::SeqCst);
    space.write(at, &flagged)?;
    fence(Ordering::SeqCst);
    space.write(flag, &entry.to_le_bytes()[7])
}

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
    use crate::address::Gpa;
    use crate::guest_access::test_space::{BASE, CR3, mapped};
    use crate::guest_memory::TestMemory;

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

    /// A memory that notes what is stored in the pages at `BASE`.
    struct Journal(TestMemory, Vec<(u64, Vec<u8>)>);

    impl GuestMemory for Journal {
        fn read(&self, at: Gpa, into: &mut [u8]) -> bool {
            self.0.read(at, into)
        }

        fn write(&mut self, at: Gpa, from: &[u8]) -> bool {
            self.1.push((at.0 - (32 << 12), from.to_vec()));
            self.0.write(at, from)
        }

        fn replace_word(&mut self, _: Gpa, _: u64, _: u64) -> Option<u64> {
            unreachable!("records are written in order")
        }

        fn fetch_or(&mut self, at: Gpa, bits: u64) -> Option<u64> {
            self.0.fetch_or(at, bits)
        }

        fn fetch_and(&mut self, at: Gpa, bits: u64) -> Option<u64> {
            self.0.fetch_and(at, bits)
        }
    }

    #[test]
    fn the_flag_encloses_the_update() {
        let mut account = Runstate::new();
        account.enter(State::Blocked, 0x1234);
        let info = account.record();
        let mut memory = Journal(mapped(&[], &[]), Vec::new());
        let mut space = GuestSpace::new(&mut memory, CR3);
        write_area(&mut space, Gva(BASE + 0xff0), &info, Update::Flagged).unwrap();
        assert_eq!(space.read(Gva(BASE + 0xff0)), Ok(info));
        let stores: Vec<_> = memory.1.iter().map(|(at, bytes)| (*at, bytes.len())).collect();
        assert_eq!(stores, [(0xfff, 1), (0xff0, 16), (0x1000, 32), (0xfff, 1)]);
        let flags: Vec<u8> = [(0, 0), (1, 15), (3, 0)].map(|(i, at)| memory.1[i].1[at]).to_vec();
        assert_eq!(flags, [0x80, 0x80, 0]);
    }

    #[test]
    fn without_the_flag_there_is_one_update() {
        let info = Runstate::new().record();
        let mut memory = Journal(mapped(&[2], &[]), Vec::new());
        let mut space = GuestSpace::new(&mut memory, CR3);
        write_area(&mut space, Gva(BASE), &info, Update::Silent).unwrap();
        for update in [Update::Silent, Update::Flagged] {
            assert_eq!(write_area(&mut space, Gva(BASE + 0x1ff8), &info, update), Err(Fault));
        }
        assert_eq!(memory.1[0], (0, zerocopy::IntoBytes::as_bytes(&info).to_vec()));
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
