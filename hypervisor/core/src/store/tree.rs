//! The nodes, as one run of bytes in the order of their paths.
//!
//! ```text
//! +0  u16  length of the path            +6   the path
//! +2  u16  length of the value                the permissions, three bytes each
//! +4  u8   number of permissions              the value
//! ```
//!
//! What is below a node comes right behind it, and there is no node without its parent. Looking for
//! a node is a walk over all in front of it; there are few, and nothing has to be kept in step.

#[cfg(any(test, feature = "fuzzing"))]
mod check;

use super::error::Error;
use super::path;
use super::permissions::{PRIVILEGED, Permissions, READ};
use super::{MAX_NODES, MAX_VALUE_BYTES, TREE_BYTES};
use crate::address::DomId;
use zerocopy::FromZeros;

const HEADER: usize = 6;

/// The nodes. All zeros is none; [`Self::plant`] comes first.
#[derive(Debug, FromZeros)]
pub(super) struct Tree {
    bytes: [u8; TREE_BYTES],
    used: usize,
    nodes: usize,
    /// How often anything has changed.
    generation: u64,
}

/// A node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a> {
    /// Its path.
    pub(super) path: &'a [u8],
    permissions: &'a [u8],
    /// What it holds.
    pub(super) value: &'a [u8],
}

impl Node<'_> {
    /// Returns who may do what with it.
    pub(super) fn permissions(&self) -> Permissions {
        Permissions::from_bytes(self.permissions)
    }

    const fn size(&self) -> usize {
        HEADER + self.path.len() + self.permissions.len() + self.value.len()
    }
}

/// Where a path is in the run.
struct Place {
    /// Its node, or the place for one.
    at: usize,
    is_there: bool,
    /// The node, or the closest above it that is there.
    closest: usize,
}

impl Tree {
    /// Drops everything but the root, which is nobody's but domain 0's.
    pub(super) fn plant(&mut self) {
        (self.used, self.nodes) = (0, 0);
        let root = Permissions::owned(PRIVILEGED, 0);
        self.put_new(0, b"", &root, b"");
        self.generation += 1;
    }

    /// Returns how often anything has changed.
    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns how many nodes there are.
    #[cfg(test)]
    pub(super) const fn count(&self) -> usize {
        self.nodes
    }

    /// Makes it the same as `other`.
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.bytes[..other.used].copy_from_slice(&other.bytes[..other.used]);
        (self.used, self.nodes, self.generation) = (other.used, other.nodes, other.generation);
    }

    /// Returns the node at `path` if `domain` has `rights` to it.
    ///
    /// # Errors
    ///
    /// When there is none, or no right to it. Of a node that is not there only who may read the
    /// closest above it learns so.
    pub(super) fn node(&self, path: &[u8], domain: DomId, rights: u8) -> Result<Node<'_>, Error> {
        let place = self.place(path);
        let closest = self.node_at(place.closest);
        if !closest.permissions().allow(domain, rights) {
            return Err(Error::Denied);
        }
        if place.is_there { Ok(closest) } else { Err(Error::NotFound) }
    }

    /// Returns whether there is a node at `path`.
    pub(super) fn has(&self, path: &[u8]) -> bool {
        self.place(path).is_there
    }

    /// Returns whether `domain` may know of changes at `path`.
    pub(super) fn may_know(&self, path: &[u8], domain: DomId) -> bool {
        !matches!(self.node(path, domain, READ), Err(Error::Denied))
    }

    /// Calls `show` with the name of each child of `path`, in order.
    pub(super) fn for_each_child(&self, path: &[u8], mut show: impl FnMut(&[u8])) {
        let place = self.place(path);
        let mut at = place.at;
        while let Some(node) = self.next(&mut at).filter(|node| path::is_within(node.path, path)) {
            if let Some([b'/', name @ ..]) = node.path.strip_prefix(path)
                && !name.contains(&b'/')
            {
                show(name);
            }
        }
    }

    /// Writes `value`, or where there is none yet makes a node, and those above it, on behalf of
    /// `creator`.
    ///
    /// # Errors
    ///
    /// When a bound has been reached.
    pub(super) fn write(&mut self, path: &[u8], value: &[u8], creator: DomId) -> Result<(), Error> {
        if value.len() > MAX_VALUE_BYTES {
            return Err(Error::NoSpace);
        }
        let place = self.place(path);
        if !place.is_there {
            return self.create(&place, path, value, creator);
        }
        let node = self.node_at(place.at);
        let (old, end) = (node.value.len(), place.at + node.size());
        self.resize(end - old, old, value.len())?;
        self.bytes[end - old..][..value.len()].copy_from_slice(value);
        self.bytes[place.at + 2..][..2].copy_from_slice(&length(value.len()));
        self.generation += 1;
        Ok(())
    }

    /// Sets the permissions of the node at `path`.
    ///
    /// # Errors
    ///
    /// When there is none, or a bound has been reached.
    pub(super) fn set_permissions(&mut self, path: &[u8], new: &Permissions) -> Result<(), Error> {
        let place = self.place(path);
        if !place.is_there {
            return Err(Error::NotFound);
        }
        let node = self.node_at(place.at);
        let (start, old) = (place.at + HEADER + node.path.len(), node.permissions.len());
        let count = usize::from(new.count()) * Permissions::ENTRY_BYTES;
        self.resize(start, old, count)?;
        for (byte, new) in self.bytes[start..].iter_mut().zip(new.bytes()) {
            *byte = new;
        }
        self.bytes[place.at + 4] = new.count();
        self.generation += 1;
        Ok(())
    }

    /// Removes the node at `path` and what is below it. Returns whether there was one.
    pub(super) fn remove(&mut self, path: &[u8]) -> bool {
        let place = self.place(path);
        if !place.is_there {
            return false;
        }
        let mut end = place.at;
        let mut next = place.at;
        while self.next(&mut next).is_some_and(|node| path::is_within(node.path, path)) {
            end = next;
            self.nodes -= 1;
        }
        self.bytes.copy_within(end..self.used, place.at);
        self.used -= end - place.at;
        self.generation += 1;
        true
    }

    /// Makes a node at `place`, and those above it that are missing: they come one behind the
    /// other.
    fn create(
        &mut self,
        place: &Place,
        path: &[u8],
        value: &[u8],
        creator: DomId,
    ) -> Result<(), Error> {
        let closest = self.node_at(place.closest);
        let permissions = closest.permissions().inherited(creator);
        let known = closest.path.len();
        let each = HEADER + usize::from(permissions.count()) * Permissions::ENTRY_BYTES;
        let ends =
            (known + 1..=path.len()).filter(|&end| matches!(path.get(end), None | Some(b'/')));
        let (mut count, mut room) = (0, value.len());
        for end in ends.clone() {
            count += 1;
            room += each + end;
        }
        if self.nodes + count > MAX_NODES {
            return Err(Error::NoSpace);
        }
        self.resize(place.at, 0, room)?;
        let mut at = place.at;
        for end in ends {
            let value = if end == path.len() { value } else { b"" };
            at = self.put_new(at, &path[..end], &permissions, value);
        }
        self.generation += 1;
        Ok(())
    }

    /// Writes a node into room that is there; returns where it ends.
    fn put_new(
        &mut self,
        at: usize,
        path: &[u8],
        permissions: &Permissions,
        value: &[u8],
    ) -> usize {
        let parts = length(path.len()).into_iter().chain(length(value.len()));
        let parts = parts.chain([permissions.count(), 0]).chain(path.iter().copied());
        let parts = parts.chain(permissions.bytes()).chain(value.iter().copied());
        let mut end = at;
        for byte in parts {
            self.bytes[end] = byte;
            end += 1;
        }
        self.used = self.used.max(end);
        self.nodes += 1;
        end
    }

    /// Makes `old` bytes at `at` to `new` bytes, moving what is behind them.
    fn resize(&mut self, at: usize, old: usize, new: usize) -> Result<(), Error> {
        let used = self.used - old + new;
        if used > TREE_BYTES {
            return Err(Error::NoSpace);
        }
        self.bytes.copy_within(at + old..self.used, at + new);
        self.used = used;
        Ok(())
    }

    /// Looks for `path` and what is above it.
    fn place(&self, path: &[u8]) -> Place {
        let (mut at, mut closest) = (0, 0);
        let mut next = 0;
        while let Some(node) = self.next(&mut next) {
            match path::order(node.path, path) {
                core::cmp::Ordering::Less => {
                    if path::is_within(path, node.path) {
                        closest = at;
                    }
                }
                core::cmp::Ordering::Equal => return Place { at, is_there: true, closest: at },
                core::cmp::Ordering::Greater => break,
            }
            at = next;
        }
        Place { at, is_there: false, closest }
    }

    /// Returns the node at `at`, and moves on behind it; `None` at the end.
    fn next(&self, at: &mut usize) -> Option<Node<'_>> {
        if *at == self.used {
            return None;
        }
        let node = self.node_at(*at);
        *at += node.size();
        Some(node)
    }

    /// Returns the node at `at`, where one is.
    fn node_at(&self, at: usize) -> Node<'_> {
        let (header, rest) = self.bytes[at..self.used].split_at(HEADER);
        let number = |low: usize| usize::from(u16::from_le_bytes([header[low], header[low + 1]]));
        let (path, rest) = rest.split_at(number(0));
        let (permissions, rest) = rest.split_at(usize::from(header[4]) * Permissions::ENTRY_BYTES);
        Node { path, permissions, value: &rest[..number(2)] }
    }
}

/// A length as records have it.
fn length(length: usize) -> [u8; 2] {
    u16::try_from(length).expect("paths and values are bounded").to_le_bytes()
}
