//! Which processes there are, whose they are, and how those ended that nobody has waited for.

use core::num::NonZeroU32;

use xenolith_system_calls::{INTERRUPTED, KILLED};

use crate::tasks::Name;

/// The most processes, with those that have ended and are waited for.
pub const PLACES: usize = 64;

/// A process, by a number that no other has before 2^32 others were.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ProcessId(NonZeroU32);

impl ProcessId {
    /// Returns the process of a number, if it can be one.
    pub fn new(number: u64) -> Option<Self> {
        u32::try_from(number).ok().and_then(NonZeroU32::new).map(Self)
    }

    /// Returns the number.
    pub fn number(self) -> u64 {
        self.0.get().into()
    }
}

/// Who waits for a process.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Parent {
    /// The kernel.
    Kernel,
    /// The process that has spawned it.
    Process(ProcessId),
    /// Nobody: its parent has ended.
    Nobody,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// It has given a status.
    Exited(u8),
    /// It was killed by an exception.
    Killed(u8),
    /// It was ended at the console.
    Interrupted,
}

impl Status {
    /// Returns it as the system call `wait` tells it.
    pub fn word(self) -> u64 {
        match self {
            Self::Exited(status) => status.into(),
            Self::Killed(vector) => KILLED | u64::from(vector),
            Self::Interrupted => INTERRUPTED,
        }
    }
}

/// There are as many processes as there can be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Full;

/// It is none of the caller's processes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NoSuchChild;

/// A process, or what is left of it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its number.
    pub id: ProcessId,
    /// Who waits for it.
    pub parent: Parent,
    /// What it is called.
    pub name: Name,
    /// How it ended, if it has.
    pub status: Option<Status>,
    /// Whether whoever waits for it does so now.
    pub is_awaited: bool,
    /// Whether it was told at the console to end.
    pub is_interrupted: bool,
}

/// All processes.
#[derive(Debug)]
pub struct Table {
    places: [Option<Entry>; PLACES],
    last: u32,
}

impl Table {
    /// Returns a table without processes.
    #[expect(clippy::new_without_default, reason = "mostly a static's initializer")]
    pub const fn new() -> Self {
        Self { places: [None; PLACES], last: 0 }
    }

    /// Returns all processes.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.places.iter().flatten()
    }

    /// Adds a process.
    ///
    /// # Errors
    ///
    /// If there are as many as there can be.
    pub fn add(&mut self, parent: Parent, name: Name) -> Result<ProcessId, Full> {
        let place = self.places.iter().position(Option::is_none).ok_or(Full)?;
        let id = self.next_id();
        self.places[place] = Some(Entry {
            id,
            parent,
            name,
            status: None,
            is_awaited: false,
            is_interrupted: false,
        });
        Ok(id)
    }

    /// Returns a number that no process has.
    fn next_id(&mut self) -> ProcessId {
        loop {
            self.last = self.last.wrapping_add(1);
            let id = NonZeroU32::new(self.last).map(ProcessId);
            if let Some(id) = id.filter(|&id| self.iter().all(|entry| entry.id != id)) {
                return id;
            }
        }
    }

    /// Says that a process has ended: who waits for it can be told, and those that it would have
    /// waited for are nobody's. Returns whether anybody may wait for it.
    pub fn finish(&mut self, id: ProcessId, status: Status) -> bool {
        for place in &mut self.places {
            let Some(entry) = place else { continue };
            if entry.parent == Parent::Process(id) {
                entry.parent = Parent::Nobody;
            }
            if entry.id == id {
                entry.status = Some(status);
            }
            if entry.parent == Parent::Nobody && entry.status.is_some() {
                *place = None;
            }
        }
        self.iter().any(|entry| entry.id == id)
    }

    /// Forgets a process that has never run.
    pub fn withdraw(&mut self, id: ProcessId) {
        for place in &mut self.places {
            if place.is_some_and(|entry| entry.id == id) {
                *place = None;
            }
        }
    }

    /// Says that a process is being waited for by its parent. That this is over, its end says.
    pub fn await_end(&mut self, id: ProcessId) {
        let mut all = self.places.iter_mut().flatten();
        if let Some(entry) = all.find(|entry| entry.id == id) {
            entry.is_awaited = true;
        }
    }

    /// Returns the process at the end of the chain of those that are waited for, each by the one
    /// before, the first by the kernel: what is typed concerns it.
    pub fn foreground(&self) -> Option<ProcessId> {
        let awaited = |parent| {
            let is_it = |entry: &&Entry| entry.parent == parent && entry.is_awaited;
            self.iter().filter(|entry| entry.status.is_none()).find(is_it).map(|entry| entry.id)
        };
        let mut last = awaited(Parent::Kernel)?;
        // A process is younger than its parent, so the chain ends; it is bounded all the same.
        for _ in 0..PLACES {
            let Some(next) = awaited(Parent::Process(last)) else { break };
            last = next;
        }
        Some(last)
    }

    /// Says that the process which what is typed concerns shall end; returns it.
    pub fn interrupt_foreground(&mut self) -> Option<ProcessId> {
        let id = self.foreground()?;
        let entry = self.places.iter_mut().flatten().find(|entry| entry.id == id)?;
        entry.is_interrupted = true;
        Some(id)
    }

    /// Returns whether a process was told to end.
    pub fn is_interrupted(&self, id: ProcessId) -> bool {
        self.iter().any(|entry| entry.id == id && entry.is_interrupted)
    }

    /// Returns how a process ended, if it has, and forgets it.
    ///
    /// # Errors
    ///
    /// If there is no such process, or it is not the caller's to wait for.
    pub fn reap(&mut self, id: ProcessId, parent: Parent) -> Result<Option<Status>, NoSuchChild> {
        let is_meant = |entry: &Entry| entry.id == id && entry.parent == parent;
        let place = self.places.iter_mut().find(|place| place.as_ref().is_some_and(is_meant));
        let place = place.ok_or(NoSuchChild)?;
        let status = place.as_ref().and_then(|entry| entry.status);
        if status.is_some() {
            *place = None;
        }
        Ok(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAME: Name = Name::new("x");

    #[test]
    fn a_parent_is_told_once() {
        let mut table = Table::new();
        let parent = table.add(Parent::Kernel, NAME).unwrap();
        let child = table.add(Parent::Process(parent), NAME).unwrap();
        assert_eq!(table.reap(child, Parent::Kernel), Err(NoSuchChild));
        assert_eq!(table.reap(child, Parent::Process(parent)), Ok(None));
        assert!(table.finish(child, Status::Exited(7)));
        let status = table.reap(child, Parent::Process(parent));
        assert_eq!(status, Ok(Some(Status::Exited(7))));
        assert_eq!(table.reap(child, Parent::Process(parent)), Err(NoSuchChild));
    }

    #[test]
    fn children_of_nobody_are_forgotten_when_both_have_ended() {
        let mut table = Table::new();
        let parent = table.add(Parent::Kernel, NAME).unwrap();
        let [first, second] = [(); 2].map(|()| table.add(Parent::Process(parent), NAME).unwrap());
        table.finish(first, Status::Exited(0));
        assert!(table.finish(parent, Status::Killed(14)));
        assert_eq!(table.iter().count(), 2, "the first has gone with its parent");
        assert!(!table.finish(second, Status::Exited(0)));
        assert_eq!(table.reap(parent, Parent::Kernel), Ok(Some(Status::Killed(14))));
        assert_eq!(table.iter().count(), 0);
    }

    #[test]
    fn the_foreground_is_who_is_waited_for_and_waits_for_nobody() {
        let mut table = Table::new();
        let shell = table.add(Parent::Kernel, NAME).unwrap();
        let [busy, beside] = [(); 2].map(|()| table.add(Parent::Process(shell), NAME).unwrap());
        assert_eq!(table.foreground(), None, "nobody waits");
        table.await_end(shell);
        assert_eq!(table.foreground(), Some(shell));
        table.await_end(busy);
        assert_eq!(table.foreground(), Some(busy));
        table.finish(beside, Status::Exited(0));
        assert_eq!(table.interrupt_foreground(), Some(busy));
        assert_eq!([shell, busy].map(|it| table.is_interrupted(it)), [false, true]);
        table.finish(busy, Status::Interrupted);
        assert_eq!(table.foreground(), Some(shell), "also before it is reaped");
        table.finish(shell, Status::Exited(0));
        assert_eq!(table.foreground(), None);
    }

    #[test]
    fn there_is_a_most() {
        let mut table = Table::new();
        let ids: Vec<_> = (0..PLACES).map(|_| table.add(Parent::Kernel, NAME).unwrap()).collect();
        assert_eq!(table.add(Parent::Kernel, NAME), Err(Full));
        table.withdraw(ids[3]);
        assert!(table.add(Parent::Kernel, NAME).is_ok());
    }

    #[test]
    fn numbers_are_not_used_twice_at_a_time_nor_is_0() {
        let mut table = Table::new();
        table.last = u32::MAX - 1;
        let ids = [(); 3].map(|()| table.add(Parent::Kernel, NAME).unwrap().number());
        assert_eq!(ids, [u32::MAX.into(), 1, 2]);
        table.last = 0;
        assert_eq!(table.add(Parent::Kernel, NAME).unwrap().number(), 3);
        assert_eq!(ProcessId::new(0), None);
        assert_eq!(ProcessId::new(1 << 32), None);
    }

    #[test]
    fn the_word_tells_both_ends_apart() {
        assert_eq!(Status::Exited(255).word(), 255);
        assert_eq!(Status::Killed(13).word(), 0x10d);
        assert_eq!(Status::Interrupted.word(), 0x200);
    }

    proptest! {
        #[test]
        fn whatever_order_processes_end_in_all_are_forgotten(
            parents in proptest::collection::vec(any::<proptest::sample::Index>(), 1..20),
            ends in proptest::collection::vec(any::<proptest::sample::Index>(), 20),
        ) {
            let mut table = Table::new();
            let mut alive = Vec::new();
            for parent in parents {
                let parent = match alive.len() {
                    0 => Parent::Kernel,
                    all => Parent::Process(alive[parent.index(all)]),
                };
                alive.push(table.add(parent, NAME).unwrap());
            }
            let first = alive[0];
            for end in ends.iter().take(alive.len()) {
                let id = alive.remove(end.index(alive.len()));
                table.finish(id, Status::Exited(1));
            }
            prop_assert_eq!(table.reap(first, Parent::Kernel), Ok(Some(Status::Exited(1))));
            prop_assert_eq!(table.iter().count(), 0);
        }
    }
}
