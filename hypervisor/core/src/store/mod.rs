//! The store: a tree of small values that a domain and those who manage it share
//! (`xen/io/xs_wire.h`; `docs/misc/xenstore.txt` and `xenstore-ring.txt` of Xen).
//!
//! On Xen a program of domain 0 keeps it. Here the hypervisor does, and plays domain 0's part. It
//! has no heap: everything has a bound, and most are those of Xen's program.

mod connection;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
mod home;
mod message;
mod operations;
mod path;
mod permissions;
mod records;
mod request;
#[cfg(test)]
mod tests;
mod transaction;
mod tree;
mod watch;

pub use connection::Closed;
pub use error::Error;
pub use home::Introduction;

use crate::address::DomId;
use crate::guest_memory::GuestMemory;
use connection::{Connection, Transfer};
use home::is_front_end_state;
use operations::Session;
use permissions::{PRIVILEGED, READ};
use transaction::Transactions;
use tree::Tree;
use watch::{Changes, Kind};
use xenolith_abi::xenstore::ABS_PATH_MAX;
use zerocopy::FromZeros;

/// Domains that can be connected.
const CONNECTIONS: usize = 1;
/// Nodes that there can be.
pub const MAX_NODES: usize = 1000;
/// Bytes of all nodes, with their paths and permissions.
pub const TREE_BYTES: usize = 64 << 10;
/// Bytes of a value, at most.
pub const MAX_VALUE_BYTES: usize = 2048;
/// Watches of a domain, at most.
pub const MAX_WATCHES: usize = 128;
/// Bytes of a domain's watches.
const WATCH_BYTES: usize = 16 << 10;
/// Bytes of a watch's token, at most: so many that a message has room for the longest path too.
pub const MAX_TOKEN_BYTES: usize = message::MAX_PAYLOAD - ABS_PATH_MAX - 2;
/// Transactions at a time.
pub const MAX_TRANSACTIONS: usize = 10;
/// Bytes of the paths that a transaction can change, and of those that a domain is to hear of.
const CHANGE_BYTES: usize = 16 << 10;
/// Requests that are served in one go. Each walks over the tree a few times, which takes some
/// microseconds where it is full; the end of a transaction does so for each of its changes.
const REQUESTS_AT_ONCE: u32 = 8;

/// The store, which is too large for a stack. All zeros is one without a tree; [`Self::plant`]
/// comes first.
#[derive(Debug, FromZeros)]
pub struct Store {
    tree: Tree,
    transactions: Transactions,
    connections: [Connection; CONNECTIONS],
    /// What the request that is served has changed.
    changes: Changes,
    /// Whether there was the state of a front end among it.
    front_end_changed: bool,
}

/// What has been done for a domain.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Served {
    /// Something has moved in its page: it is to be told.
    pub moved: bool,
    /// There may be more to do at once.
    pub unfinished: bool,
    /// A front end has changed its state: back ends are to look before the rest is served.
    pub front_end_changed: bool,
    /// The connection has been closed just now.
    pub closed: Option<Closed>,
}

impl Store {
    /// Moves what can be moved through the rings of `domain`, and serves requests on the way.
    pub fn serve<M: GuestMemory>(&mut self, memory: &mut M, domain: DomId) -> Served {
        let mut served = Served::default();
        let Some(index) = self.index(domain) else { return served };
        if self.connections[index].reconnect(memory) {
            self.transactions.drop_all(domain);
            served.moved = true;
        }
        let mut left = REQUESTS_AT_ONCE;
        while self.connections[index].is_open() {
            match self.step(memory, index, &mut served.moved) {
                Ok(Transfer::Waits) => break,
                Ok(Transfer::Complete) if core::mem::take(&mut self.front_end_changed) => {
                    served.front_end_changed = true;
                    break;
                }
                Ok(Transfer::Complete) if left == 0 => {
                    served.unfinished = true;
                    break;
                }
                Ok(Transfer::Complete) => left -= 1,
                Err(why) => {
                    self.transactions.drop_all(domain);
                    self.connections[index].close(memory, why);
                    served = Served { moved: true, closed: Some(why), ..Served::default() };
                }
            }
        }
        served
    }

    /// Sends what is to be sent, then serves one request. What it does to the tree is told before
    /// the next one is served.
    fn step<M: GuestMemory>(
        &mut self,
        memory: &mut M,
        index: usize,
        moved: &mut bool,
    ) -> Result<Transfer, Closed> {
        let connection = &mut self.connections[index];
        loop {
            if connection.send(memory, moved)? == Transfer::Waits {
                return Ok(Transfer::Waits);
            }
            let domain = connection.domain();
            let Connection { reply, watches, .. } = connection;
            if !watches.tell_next(domain, |event| reply.set_event(event)) {
                break;
            }
        }
        if connection.receive(memory, moved)? == Transfer::Waits {
            return Ok(Transfer::Waits);
        }
        self.answer(index);
        Ok(Transfer::Complete)
    }

    /// Serves the request that has come.
    fn answer(&mut self, index: usize) {
        let domains = self.connections.each_ref().map(Connection::domain);
        let domain = domains[index];
        let Connection { request, reply, watches, .. } = &mut self.connections[index];
        let header = request.header().expect("the request is complete");
        self.changes.clear();
        let mut session = Session {
            domain,
            domains: &domains,
            tree: &mut self.tree,
            transactions: &mut self.transactions,
            watches,
            changes: &mut self.changes,
        };
        reply.begin();
        let result = session.serve(&header, request.payload(), reply);
        reply.finish(&header, result);
        request.clear();
        if result.is_ok() {
            self.spread();
            let mut changes = self.changes.iter();
            self.front_end_changed |= changes.any(|(kind, path)| is_front_end_state(kind, path));
        }
    }

    /// Lets all domains that watch what has changed, and may know, hear of it.
    fn spread(&mut self) {
        for connection in &mut self.connections {
            for (kind, path) in self.changes.iter() {
                if self.tree.may_know(path, connection.domain()) {
                    connection.watches.notice(kind, path);
                }
            }
        }
    }

    /// Writes a node as domain 0 does.
    ///
    /// # Errors
    ///
    /// When a bound has been reached, or a domain that watches the node has not read what it was
    /// told before.
    pub fn write(&mut self, path: &[u8], value: &[u8]) -> Result<(), Error> {
        let path = path::resolve(PRIVILEGED, path)?;
        if !self.connections.iter().all(|connection| connection.watches.has_room(&path)) {
            return Err(Error::NoSpace);
        }
        self.tree.write(&path, value, PRIVILEGED)?;
        self.changes.clear();
        self.changes.note(Kind::Written, &path)?;
        self.spread();
        Ok(())
    }

    /// Reads a node as domain 0 does.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn read(&self, path: &[u8]) -> Result<&[u8], Error> {
        let path = path::resolve(PRIVILEGED, path)?;
        self.tree.node(&path, PRIVILEGED, READ).map(|node| node.value)
    }

    fn index(&self, domain: DomId) -> Option<usize> {
        self.connections.iter().position(|connection| connection.domain() == domain)
    }
}
