//! What requests do (`docs/misc/xenstore.txt` of Xen).

use super::error::Error;
use super::message::{MAX_PAYLOAD, Reply};
use super::path::{self, Path, home};
use super::permissions::{PRIVILEGED, Permissions, READ, WRITE, number_of};
use super::request::{Payload, acknowledge};
use super::transaction::Transactions;
use super::tree::Tree;
use super::watch::{Changes, Kind, Watches};
use crate::address::DomId;
use arrayvec::ArrayString;
use core::fmt::Write;
use xenolith_abi::domain::SELF;
use xenolith_abi::xenstore as abi;

/// What a request works on.
#[derive(Debug)]
pub(super) struct Session<'a> {
    /// The caller.
    pub(super) domain: DomId,
    /// The domains that there are, domain 0 not among them.
    pub(super) domains: &'a [DomId],
    /// The tree.
    pub(super) tree: &'a mut Tree,
    /// All transactions.
    pub(super) transactions: &'a mut Transactions,
    /// The caller's watches.
    pub(super) watches: &'a mut Watches,
    /// What the request changes in the tree.
    pub(super) changes: &'a mut Changes,
}

/// A tree to read and write: that of a transaction, or of all.
struct View<'a> {
    domain: DomId,
    tree: &'a mut Tree,
    changes: &'a mut Changes,
}

impl Session<'_> {
    /// Makes the request `header` with `bytes`; the payload of the reply goes to `reply`.
    ///
    /// # Errors
    ///
    /// Those of the request; what is in `reply` has no meaning then.
    pub(super) fn serve(
        &mut self,
        header: &abi::Message,
        bytes: &[u8],
        reply: &mut Reply,
    ) -> Result<(), Error> {
        let payload = Payload { domain: self.domain, bytes };
        let mut view = self.view(header.tx_id)?;
        match header.type_ {
            abi::DIRECTORY => view.directory(payload, reply),
            abi::DIRECTORY_PART => view.directory_part(payload, reply),
            abi::READ => view.read(payload, reply),
            abi::GET_PERMS => view.permissions(payload, reply),
            abi::WRITE => view.write(payload).and_then(|()| acknowledge(reply)),
            abi::MKDIR => view.make(payload).and_then(|()| acknowledge(reply)),
            abi::RM => view.remove(payload).and_then(|()| acknowledge(reply)),
            abi::SET_PERMS => view.set_permissions(payload).and_then(|()| acknowledge(reply)),
            abi::WATCH => self.watch(payload).and_then(|()| acknowledge(reply)),
            abi::UNWATCH => self.unwatch(payload).and_then(|()| acknowledge(reply)),
            abi::RESET_WATCHES => {
                self.watches.clear();
                self.transactions.drop_all(self.domain);
                acknowledge(reply)
            }
            abi::TRANSACTION_START => self.start(header.tx_id, payload, reply),
            abi::TRANSACTION_END => {
                self.end(header.tx_id, payload).and_then(|()| acknowledge(reply))
            }
            abi::GET_DOMAIN_PATH => domain_path(payload, reply),
            abi::IS_DOMAIN_INTRODUCED => self.is_introduced(payload, reply),
            abi::CONTROL | abi::INTRODUCE | abi::RELEASE | abi::RESUME | abi::SET_TARGET => {
                Err(Error::Denied)
            }
            _ => Err(Error::Unknown),
        }
    }

    /// Returns what transaction `id` sees; 0 is none.
    fn view(&mut self, id: u32) -> Result<View<'_>, Error> {
        let domain = self.domain;
        if id == 0 {
            return Ok(View { domain, tree: self.tree, changes: self.changes });
        }
        let transaction = self.transactions.find(domain, id)?;
        Ok(View { domain, tree: &mut transaction.tree, changes: &mut transaction.changes })
    }

    fn watch(&mut self, payload: Payload<'_>) -> Result<(), Error> {
        let [text, token] = payload.two_texts()?;
        self.watches.add(&watched(self.domain, text)?, token, !text.starts_with(b"/"))
    }

    fn unwatch(&mut self, payload: Payload<'_>) -> Result<(), Error> {
        let [text, token] = payload.two_texts()?;
        self.watches.remove(&watched(self.domain, text)?, token)
    }

    fn start(&mut self, id: u32, payload: Payload<'_>, reply: &mut Reply) -> Result<(), Error> {
        payload.only_text()?;
        if id != 0 {
            return Err(Error::Busy);
        }
        let id = self.transactions.start(self.domain, self.tree)?;
        let mut text = ArrayString::<11>::new();
        write!(text, "{id}\0").expect("a number of 32 bits has ten digits");
        reply.extend(text.as_bytes())
    }

    fn end(&mut self, id: u32, payload: Payload<'_>) -> Result<(), Error> {
        let transaction = self.transactions.find(self.domain, id)?;
        match payload.only_text()? {
            b"F" => transaction.abort(),
            b"T" => {
                transaction.commit(self.tree)?;
                self.changes.copy_from(&transaction.changes);
            }
            _ => return Err(Error::Invalid),
        }
        Ok(())
    }

    fn is_introduced(&self, payload: Payload<'_>, reply: &mut Reply) -> Result<(), Error> {
        let domain = DomId(number_of(payload.only_text()?)?);
        let is_known = domain == PRIVILEGED || domain.0 == SELF || self.domains.contains(&domain);
        reply.extend(if is_known { b"T\0" } else { b"F\0" })
    }
}

impl View<'_> {
    fn directory(&self, payload: Payload<'_>, reply: &mut Reply) -> Result<(), Error> {
        let path = payload.only_path()?;
        self.tree.node(&path, self.domain, READ)?;
        let mut result = Ok(());
        self.tree.for_each_child(&path, |name| {
            result = result.and_then(|()| reply.extend(name)).and_then(|()| reply.extend(b"\0"));
        });
        result
    }

    /// Lists children from an offset into the whole list on, as many as fit. The generation in
    /// front lets the caller see that the list has changed meanwhile; an empty name ends it.
    fn directory_part(&self, payload: Payload<'_>, reply: &mut Reply) -> Result<(), Error> {
        let [text, offset] = payload.two_texts()?;
        let path = path::resolve(self.domain, text)?;
        let offset: usize = number_of(offset)?;
        self.tree.node(&path, self.domain, READ)?;
        let mut generation = ArrayString::<21>::new();
        write!(generation, "{}\0", self.tree.generation()).expect("64 bits have 20 digits");
        reply.extend(generation.as_bytes())?;
        let (mut at, mut is_full) = (0, false);
        self.tree.for_each_child(&path, |name| {
            // Room for the empty name is kept.
            is_full |= at >= offset && reply.len() + name.len() + 2 > MAX_PAYLOAD;
            if at >= offset && !is_full {
                let _ = reply.extend(name).and_then(|()| reply.extend(b"\0"));
            }
            at += name.len() + 1;
        });
        if is_full { Ok(()) } else { reply.extend(b"\0") }
    }

    fn read(&self, payload: Payload<'_>, reply: &mut Reply) -> Result<(), Error> {
        let path = payload.only_path()?;
        reply.extend(self.tree.node(&path, self.domain, READ)?.value)
    }

    fn permissions(&self, payload: Payload<'_>, reply: &mut Reply) -> Result<(), Error> {
        let path = payload.only_path()?;
        let permissions = self.tree.node(&path, self.domain, READ)?.permissions();
        let mut result = Ok(());
        permissions.for_each_text(|entry| {
            let mut add = |text: &[u8]| result = result.and_then(|()| reply.extend(text));
            add(entry.as_bytes());
            add(b"\0");
        });
        result
    }

    fn write(&mut self, payload: Payload<'_>) -> Result<(), Error> {
        let (path, value) = payload.path()?;
        self.put(&path, value)
    }

    /// Makes a node, unless it is there.
    fn make(&mut self, payload: Payload<'_>) -> Result<(), Error> {
        let path = payload.only_path()?;
        match self.tree.node(&path, self.domain, WRITE) {
            Ok(_) => Ok(()),
            Err(Error::NotFound) => self.put(&path, b""),
            Err(error) => Err(error),
        }
    }

    fn put(&mut self, path: &[u8], value: &[u8]) -> Result<(), Error> {
        match self.tree.node(path, self.domain, WRITE) {
            Ok(_) | Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
        self.check_room(path)?;
        self.tree.write(path, value, self.domain)?;
        self.changes.note(Kind::Written, path)
    }

    /// Removes a node. One that is not there is no error if the node above it is.
    fn remove(&mut self, payload: Payload<'_>) -> Result<(), Error> {
        let path = payload.only_path()?;
        if path.is_empty() {
            return Err(Error::Invalid);
        }
        match self.tree.node(&path, self.domain, WRITE) {
            Ok(_) => {}
            Err(Error::NotFound) if self.has_parent(&path) => return Ok(()),
            Err(error) => return Err(error),
        }
        self.check_room(&path)?;
        self.tree.remove(&path);
        self.changes.note(Kind::Removed, &path)
    }

    fn set_permissions(&mut self, payload: Payload<'_>) -> Result<(), Error> {
        let (path, rest) = payload.path()?;
        let new = Permissions::parse(rest)?;
        let node = self.tree.node(&path, self.domain, WRITE)?;
        if self.domain != PRIVILEGED {
            if node.permissions().owner() != self.domain {
                return Err(Error::Denied);
            }
            if new.owner() != self.domain {
                return Err(Error::NotPermitted);
            }
        }
        self.check_room(&path)?;
        self.tree.set_permissions(&path, &new)?;
        self.changes.note(Kind::Written, &path)
    }

    fn has_parent(&self, path: &[u8]) -> bool {
        let slash = path.iter().rposition(|byte| *byte == b'/');
        slash.is_some_and(|slash| self.tree.has(&path[..slash]))
    }

    /// Refuses a change that could not be told.
    const fn check_room(&self, path: &[u8]) -> Result<(), Error> {
        if self.changes.has_room(path.len()) { Ok(()) } else { Err(Error::NoSpace) }
    }
}

/// Returns the path of a watch: of a node, or of one of the events that have names of their own
/// and do not happen here.
fn watched(domain: DomId, text: &[u8]) -> Result<Path, Error> {
    if text.starts_with(b"@") {
        let name = path::resolve(domain, text).map(|_| text)?;
        return Path::try_from(name).map_err(|_| Error::Invalid);
    }
    path::resolve(domain, text)
}

fn domain_path(payload: Payload<'_>, reply: &mut Reply) -> Result<(), Error> {
    let domain = number_of(payload.only_text()?)?;
    let domain = if domain == SELF { payload.domain } else { DomId(domain) };
    reply.extend(home(domain).as_bytes())?;
    reply.extend(b"\0")
}
