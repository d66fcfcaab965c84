//! Transactions: each works on a copy of the tree, which takes the place of the tree at the end if
//! the tree is still as it was.

use super::MAX_TRANSACTIONS;
use super::error::Error;
use super::tree::Tree;
use super::watch::Changes;
use crate::address::DomId;
use zerocopy::FromZeros;

/// A transaction, or a place for one.
#[derive(Debug, FromZeros)]
pub(super) struct Transaction {
    /// Its number, or 0.
    id: u32,
    owner: u16,
    /// The generation of the tree that was copied.
    base: u64,
    /// The copy.
    pub(super) tree: Tree,
    /// What has been changed in it.
    pub(super) changes: Changes,
}

/// The transactions of all domains.
#[derive(Debug, FromZeros)]
pub(super) struct Transactions {
    slots: [Transaction; MAX_TRANSACTIONS],
    last_id: u32,
}

impl Transactions {
    /// Starts one; returns its number.
    ///
    /// # Errors
    ///
    /// When there are too many.
    pub(super) fn start(&mut self, owner: DomId, tree: &Tree) -> Result<u32, Error> {
        let slots = &self.slots;
        let is_free = |id: &u32| *id != 0 && slots.iter().all(|slot| slot.id != *id);
        // There are fewer transactions than numbers.
        let mut ids = (1..=u32::MAX).map(|distance| self.last_id.wrapping_add(distance));
        let id = ids.find(is_free).ok_or(Error::NoSpace)?;
        let slot = self.slots.iter_mut().find(|slot| slot.id == 0).ok_or(Error::NoSpace)?;
        (slot.id, slot.owner, slot.base) = (id, owner.0, tree.generation());
        slot.tree.copy_from(tree);
        slot.changes.clear();
        self.last_id = id;
        Ok(id)
    }

    /// Returns a transaction of `owner`.
    ///
    /// # Errors
    ///
    /// When there is none with this number.
    pub(super) fn find(&mut self, owner: DomId, id: u32) -> Result<&mut Transaction, Error> {
        let mut slots = self.slots.iter_mut();
        slots.find(|slot| id != 0 && slot.id == id && slot.owner == owner.0).ok_or(Error::NotFound)
    }

    /// Ends all transactions of `owner`, without effect.
    pub(super) fn drop_all(&mut self, owner: DomId) {
        for slot in self.slots.iter_mut().filter(|slot| slot.owner == owner.0) {
            slot.id = 0;
        }
    }
}

impl Transaction {
    /// Ends it without effect.
    pub(super) const fn abort(&mut self) {
        self.id = 0;
    }

    /// Ends it, with `tree` as it has made it.
    ///
    /// # Errors
    ///
    /// When it has changed something, and the tree has changed meanwhile.
    pub(super) fn commit(&mut self, tree: &mut Tree) -> Result<(), Error> {
        self.id = 0;
        if self.tree.generation() == self.base {
            self.changes.clear();
            return Ok(());
        }
        if tree.generation() != self.base {
            return Err(Error::Again);
        }
        tree.copy_from(&self.tree);
        Ok(())
    }
}
