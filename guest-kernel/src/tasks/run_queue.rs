//! The tasks that could run, in the order of their turns.

/// At most `N` numbers of places, first in, first out.
#[derive(Debug)]
pub(super) struct RunQueue<const N: usize> {
    places: [usize; N],
    first: usize,
    length: usize,
}

impl<const N: usize> RunQueue<N> {
    pub(super) const fn new() -> Self {
        Self { places: [0; N], first: 0, length: 0 }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds a place behind all others. Each is in the queue once at most, so there is room.
    pub(super) fn push(&mut self, place: usize) {
        debug_assert!(!self.iter().any(|other| other == place), "place {place} twice");
        self.places[(self.first + self.length) % N] = place;
        self.length += 1;
    }

    /// Takes the first place.
    pub(super) fn pop(&mut self) -> Option<usize> {
        if self.is_empty() {
            return None;
        }
        let place = self.places[self.first];
        self.first = (self.first + 1) % N;
        self.length -= 1;
        Some(place)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        (0..self.length).map(|index| self.places[(self.first + index) % N])
    }
}
