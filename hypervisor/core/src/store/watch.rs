//! What a domain wants to hear of, and what it has yet to hear.
//!
//! A change is kept once, and told to one watch after the other as its messages fit into the ring;
//! so what waits is bounded by changes, however many watches there are.

use super::error::Error;
use super::path::{self, home, is_within};
use super::records::{Record, Records};
use super::{CHANGE_BYTES, MAX_TOKEN_BYTES, MAX_WATCHES, WATCH_BYTES};
use crate::address::DomId;
use zerocopy::FromZeros;

/// What has happened to a node.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum Kind {
    /// It was written, made, or given other permissions.
    Written = 0,
    /// It was removed, with all below.
    Removed = 1,
    /// Nothing: the youngest watch is told that it is there.
    Watched = 2,
}

impl Kind {
    const fn of(number: u8) -> Self {
        match number {
            0 => Self::Written,
            1 => Self::Removed,
            _ => Self::Watched,
        }
    }
}

/// A list of changes.
#[derive(Debug, FromZeros)]
pub(super) struct Changes(Records<CHANGE_BYTES>);

impl Changes {
    /// Notes a change.
    ///
    /// # Errors
    ///
    /// When there are too many.
    pub(super) fn note(&mut self, kind: Kind, path: &[u8]) -> Result<(), Error> {
        let change = Record { number: kind as u8, first: path, second: b"" };
        if self.0.iter().any(|(_, known)| known == change) {
            return Ok(());
        }
        self.0.push(&change).map(|_| ())
    }

    /// Returns whether one more, of a node at a path of `length` bytes, fits.
    pub(super) const fn has_room(&self, length: usize) -> bool {
        self.0.has_room(length)
    }

    /// Returns all of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Kind, &[u8])> {
        self.0.iter().map(|(_, change)| (Kind::of(change.number), change.first))
    }

    /// Forgets all of them.
    pub(super) const fn clear(&mut self) {
        self.0.clear();
    }

    /// Makes it the same as `other`.
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.0.copy_from(&other.0);
    }

    fn drop_first(&mut self) {
        self.0.remove(0);
    }
}

/// The watches of a domain.
#[derive(Debug, FromZeros)]
pub(super) struct Watches {
    list: Records<WATCH_BYTES>,
    /// What is told next.
    changes: Changes,
    /// The watch that is told of the first change next.
    next: usize,
    /// The youngest watch.
    youngest: usize,
}

/// A watch that has fired.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Event<'a> {
    /// The node.
    pub(super) path: &'a [u8],
    /// What the watch was given to be known by.
    pub(super) token: &'a [u8],
}

impl Watches {
    /// Adds a watch of `path`, which was given relative to the home or not. It fires at once.
    ///
    /// # Errors
    ///
    /// When there is the same, or a bound has been reached.
    pub(super) fn add(&mut self, path: &[u8], token: &[u8], relative: bool) -> Result<(), Error> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Error::Invalid);
        }
        if self.find(path, token).is_some() {
            return Err(Error::Exists);
        }
        if self.list.count() == MAX_WATCHES {
            return Err(Error::TooBig);
        }
        let watch = Record { number: relative.into(), first: path, second: token };
        self.youngest = self.list.push(&watch)?;
        self.changes.note(Kind::Watched, b"")
    }

    /// Removes a watch.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(super) fn remove(&mut self, path: &[u8], token: &[u8]) -> Result<(), Error> {
        self.list.remove(self.find(path, token).ok_or(Error::NotFound)?);
        Ok(())
    }

    /// Removes all of them, and what was to be told.
    pub(super) const fn clear(&mut self) {
        self.list.clear();
        self.changes.clear();
        (self.next, self.youngest) = (0, 0);
    }

    /// Returns whether a change at `path` can be told, should anybody watch it.
    pub(super) const fn has_room(&self, path: &[u8]) -> bool {
        self.changes.has_room(path.len())
    }

    /// Notes a change, if any watch fires for it. What there is no room for is not told.
    pub(super) fn notice(&mut self, kind: Kind, path: &[u8]) {
        if self.list.iter().any(|(_, watch)| fires(&watch, kind, path).is_some()) {
            // Requests are served when there is room for what they change.
            let _ = self.changes.note(kind, path);
        }
    }

    /// Tells `show` of the next watch that fires; returns whether there is one.
    pub(super) fn tell_next(&mut self, domain: DomId, mut show: impl FnMut(Event<'_>)) -> bool {
        loop {
            let Some((kind, changed)) = self.changes.iter().next() else { return false };
            let at = if kind == Kind::Watched { self.youngest } else { self.next };
            let Some((watch, next)) = self.list.get(at) else {
                self.changes.drop_first();
                self.next = 0;
                continue;
            };
            let fired = fires(&watch, kind, changed);
            if let Some(path) = fired {
                let path = if watch.number == 0 { path } else { without_home(domain, path) };
                show(Event { path: path::display(path), token: watch.second });
            }
            let is_told = fired.is_some();
            if kind == Kind::Watched {
                self.changes.drop_first();
            } else {
                self.next = next;
            }
            if is_told {
                return true;
            }
        }
    }

    fn find(&self, path: &[u8], token: &[u8]) -> Option<usize> {
        let is_it = |watch: &Record<'_>| watch.first == path && watch.second == token;
        self.list.iter().find(|(_, watch)| is_it(watch)).map(|(at, _)| at)
    }
}

/// Returns the path that a watch is told of a change, if it fires.
fn fires<'a>(watch: &Record<'a>, kind: Kind, changed: &'a [u8]) -> Option<&'a [u8]> {
    match kind {
        Kind::Watched => Some(watch.first),
        _ if is_within(changed, watch.first) => Some(changed),
        Kind::Removed if is_within(watch.first, changed) => Some(watch.first),
        _ => None,
    }
}

/// Returns a path at a domain's home, as from there.
fn without_home(domain: DomId, path: &[u8]) -> &[u8] {
    let inside = path.strip_prefix(home(domain).as_bytes());
    inside.and_then(|inside| inside.strip_prefix(b"/")).unwrap_or(path)
}
