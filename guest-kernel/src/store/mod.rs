//! The store: a tree of values that the domain shares with who manages it
//! (`xen/public/io/xs_wire.h`).
//!
//! A request is answered while its event is sent, so the client waits by asking again. Events of
//! watches that come meanwhile are kept for [`Store::take_event`].

mod page;
mod shutdown;

pub use shutdown::obey;

use alloc::{collections::VecDeque, string::String, vec::Vec};
use core::fmt;

use xenolith_abi::xenstore::{self as abi, Message, PAYLOAD_MAX};
use zerocopy::{FromBytes, IntoBytes};

use self::page::Page;
use crate::{
    StartInfo,
    events::Port,
    hypercall::{event_channel, sched},
};

/// How often a reply is looked for before the store counts as dead.
const PATIENCE: u32 = 100_000;

/// Bytes of a header.
const HEADER_BYTES: usize = size_of::<Message>();

/// A connection to the store.
#[derive(Debug)]
pub struct Store {
    page: &'static Page,
    port: Port,
    /// A message of which more is to come.
    partial: Vec<u8>,
    events: VecDeque<Event>,
    /// The ring of replies was full and is not any more: the store may have more, and wants to know.
    made_room: bool,
    last_id: u32,
}

/// A watch has fired.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// The node that has changed.
    pub path: String,
    /// What the watch was given to be known by.
    pub token: String,
}

/// Why a request failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Error {
    /// The store says so, by the name of an errno.
    Named(String),
    /// The store does not answer, or answers nonsense.
    Broken,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => formatter.write_str(name),
            Self::Broken => formatter.write_str("the store does not answer"),
        }
    }
}

/// A group of requests that are made all or not at all; or none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Transaction(pub u32);

impl Transaction {
    /// No transaction.
    pub const NONE: Self = Self(0);
}

impl Store {
    /// Connects to the store of the boot contract, if there is one. There must be one connection.
    pub fn connect(start: &'static StartInfo) -> Option<Self> {
        Some(Self {
            page: Page::of(start)?,
            port: Port(start.raw().store_evtchn),
            partial: Vec::new(),
            events: VecDeque::new(),
            made_room: false,
            last_id: 0,
        })
    }

    /// Returns the port at which the store tells that something has moved.
    pub fn port(&self) -> Port {
        self.port
    }

    /// Begins anew, without watches and transactions.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`]: the store does not do so.
    pub fn reconnect(&mut self) -> Result<(), Error> {
        self.page.ask_to_reconnect();
        self.tell()?;
        self.partial.clear();
        self.events.clear();
        if self.page.is_connected() { Ok(()) } else { Err(Error::Broken) }
    }

    /// Reads a node.
    ///
    /// # Errors
    ///
    /// Those of the request.
    pub fn read(&mut self, transaction: Transaction, path: &str) -> Result<Vec<u8>, Error> {
        self.request(transaction, abi::READ, &[path.as_bytes(), b"\0"])
    }

    /// Writes a node.
    ///
    /// # Errors
    ///
    /// Those of the request.
    pub fn write(
        &mut self,
        transaction: Transaction,
        path: &str,
        value: &[u8],
    ) -> Result<(), Error> {
        self.request(transaction, abi::WRITE, &[path.as_bytes(), b"\0", value]).map(drop)
    }

    /// Lists the children of a node.
    ///
    /// # Errors
    ///
    /// Those of the request.
    pub fn directory(&mut self, path: &str) -> Result<Vec<String>, Error> {
        let list = self.request(Transaction::NONE, abi::DIRECTORY, &[path.as_bytes(), b"\0"])?;
        Ok(texts(&list).collect())
    }

    /// Watches a node and all below, which fires at once.
    ///
    /// # Errors
    ///
    /// Those of the request.
    pub fn watch(&mut self, path: &str, token: &str) -> Result<(), Error> {
        let parts = [path.as_bytes(), b"\0", token.as_bytes(), b"\0"];
        self.request(Transaction::NONE, abi::WATCH, &parts).map(drop)
    }

    /// Starts a transaction.
    ///
    /// # Errors
    ///
    /// Those of the request.
    pub fn start(&mut self) -> Result<Transaction, Error> {
        let reply = self.request(Transaction::NONE, abi::TRANSACTION_START, &[b"\0"])?;
        let number = texts(&reply).next().and_then(|text| text.parse().ok());
        number.map(Transaction).ok_or(Error::Broken)
    }

    /// Ends a transaction, with effect.
    ///
    /// # Errors
    ///
    /// Those of the request: `EAGAIN` if something has changed since its start.
    pub fn commit(&mut self, transaction: Transaction) -> Result<(), Error> {
        self.request(transaction, abi::TRANSACTION_END, &[b"T\0"]).map(drop)
    }

    /// Makes any request, whose payload comes in parts, and returns the reply's.
    ///
    /// # Errors
    ///
    /// Those of the request.
    pub fn request(
        &mut self,
        transaction: Transaction,
        type_: u32,
        parts: &[&[u8]],
    ) -> Result<Vec<u8>, Error> {
        self.last_id = self.last_id.wrapping_add(1);
        let len = parts.iter().map(|part| part.len()).sum::<usize>();
        let len = u32::try_from(len).map_err(|_| Error::Broken)?;
        let header = Message { type_, req_id: self.last_id, tx_id: transaction.0, len };
        self.send(header.as_bytes())?;
        for part in parts {
            self.send(part)?;
        }
        for _ in 0..PATIENCE {
            match self.receive()? {
                None => self.tell()?,
                Some((header, payload)) if header.req_id != self.last_id => drop(payload),
                Some((header, payload)) if header.type_ == abi::ERROR => {
                    return Err(Error::Named(texts(&payload).next().unwrap_or_default()));
                }
                Some((_, payload)) => return Ok(payload),
            }
        }
        Err(Error::Broken)
    }

    /// Returns the next event of a watch, if there is one.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`]: what the store says is nonsense.
    pub fn take_event(&mut self) -> Result<Option<Event>, Error> {
        loop {
            while self.receive()?.is_some() {}
            if !self.made_room {
                return Ok(self.events.pop_front());
            }
            self.tell()?;
        }
    }

    /// Writes bytes, telling the store of them whenever there is no room for more.
    fn send(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        for _ in 0..PATIENCE {
            bytes = &bytes[self.page.append(bytes)..];
            if bytes.is_empty() {
                return Ok(());
            }
            self.tell()?;
            // The store does not go on before what it has said is read.
            while self.receive()?.is_some() {}
        }
        Err(Error::Broken)
    }

    /// Reads what has come up to the end of a reply; keeps events on the way.
    fn receive(&mut self) -> Result<Option<(Message, Vec<u8>)>, Error> {
        loop {
            let was_full = self.page.has_full_replies();
            let Some(byte) = self.page.take() else { return Ok(None) };
            self.made_room |= was_full;
            self.partial.push(byte);
            let Ok((header, payload)) = Message::ref_from_prefix(&self.partial) else { continue };
            if header.len > PAYLOAD_MAX {
                return Err(Error::Broken);
            }
            if payload.len() < header.len as usize {
                continue;
            }
            let (header, payload) = (*header, self.partial.split_off(HEADER_BYTES));
            self.partial.clear();
            if header.type_ != abi::WATCH_EVENT {
                return Ok(Some((header, payload)));
            }
            let mut texts = texts(&payload);
            let (path, token) = (texts.next(), texts.next());
            let [path, token] = [path, token].map(Option::unwrap_or_default);
            self.events.push_back(Event { path, token });
        }
    }

    /// Tells the store that something has moved, and lets others run.
    fn tell(&mut self) -> Result<(), Error> {
        self.made_room = false;
        event_channel::send(self.port).map_err(|_| Error::Broken)?;
        sched::yield_now().map_err(|_| Error::Broken)
    }
}

/// The texts of a payload, each ended by a NUL.
fn texts(payload: &[u8]) -> impl Iterator<Item = String> {
    let payload = payload.strip_suffix(b"\0").unwrap_or(payload);
    let texts = payload.split(|byte| *byte == 0).filter(|text| !text.is_empty());
    texts.map(|text| String::from_utf8_lossy(text).into_owned())
}
