//! Messages as bytes.

use super::error::Error;
use super::watch::Event;
use xenolith_abi::xenstore::{self as abi, Message, PAYLOAD_MAX};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

/// Bytes of a header.
pub(super) const HEADER_BYTES: usize = size_of::<Message>();
/// Bytes of the longest payload.
pub(super) const MAX_PAYLOAD: usize = PAYLOAD_MAX as usize;
/// Bytes of the longest message.
const MAX_BYTES: usize = HEADER_BYTES + MAX_PAYLOAD;

/// A request that is being received.
#[derive(Debug, FromZeros)]
pub(super) struct Request {
    bytes: [u8; MAX_BYTES],
    have: usize,
}

/// A reply or a watch event that is being sent.
#[derive(Debug, FromZeros)]
pub(super) struct Reply {
    bytes: [u8; MAX_BYTES],
    used: usize,
    sent: usize,
}

impl Request {
    /// Returns its header, if all of it is there.
    pub(super) fn header(&self) -> Option<Message> {
        let header = &self.bytes[..HEADER_BYTES];
        (self.have >= HEADER_BYTES)
            .then(|| Message::read_from_bytes(header).expect("a header has this length"))
    }

    /// Returns the room for bytes that are missing, which is empty when all of it is there; `None`
    /// if its header says that it is too long.
    pub(super) fn missing(&mut self) -> Option<&mut [u8]> {
        let end = match self.header() {
            None => HEADER_BYTES,
            Some(Message { len, .. }) if len <= PAYLOAD_MAX => HEADER_BYTES + len as usize,
            Some(_) => return None,
        };
        Some(&mut self.bytes[self.have..end])
    }

    /// Notes that `count` bytes have come.
    pub(super) const fn receive(&mut self, count: usize) {
        self.have += count;
    }

    /// Returns its payload, when all of it is there.
    pub(super) fn payload(&self) -> &[u8] {
        &self.bytes[HEADER_BYTES..self.have]
    }

    /// Forgets it.
    pub(super) const fn clear(&mut self) {
        self.have = 0;
    }
}

impl Reply {
    /// Begins a reply without anything in it.
    pub(super) const fn begin(&mut self) {
        (self.used, self.sent) = (HEADER_BYTES, 0);
    }

    /// Appends bytes to the payload.
    ///
    /// # Errors
    ///
    /// When they do not fit.
    pub(super) fn extend(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let room = self.bytes.get_mut(self.used..self.used + bytes.len()).ok_or(Error::TooBig)?;
        room.copy_from_slice(bytes);
        self.used += bytes.len();
        Ok(())
    }

    /// Returns how long the payload is.
    pub(super) const fn len(&self) -> usize {
        self.used - HEADER_BYTES
    }

    /// Completes the reply to `request`, which went as `result` says.
    pub(super) fn finish(&mut self, request: &Message, result: Result<(), Error>) {
        let mut type_ = request.type_;
        if let Err(error) = result {
            type_ = abi::ERROR;
            self.begin();
            self.extend(error.name()).and_then(|()| self.extend(b"\0")).expect("short");
        }
        self.write_header(Message { type_, ..*request });
    }

    /// Makes it an event.
    pub(super) fn set_event(&mut self, event: Event<'_>) {
        self.begin();
        for part in [event.path, b"\0", event.token, b"\0"] {
            self.extend(part).expect("paths and tokens are bounded");
        }
        self.write_header(Message { type_: abi::WATCH_EVENT, req_id: 0, tx_id: 0, len: 0 });
    }

    fn write_header(&mut self, header: Message) {
        let len = u32::try_from(self.len()).expect("a message is short");
        self.bytes[..HEADER_BYTES].copy_from_slice(Message { len, ..header }.as_bytes());
    }

    /// Returns what has not been sent.
    pub(super) fn unsent(&self) -> &[u8] {
        &self.bytes[self.sent..self.used]
    }

    /// Notes that `count` bytes have been sent.
    pub(super) const fn send(&mut self, count: usize) {
        self.sent += count;
    }

    /// Forgets it.
    pub(super) const fn clear(&mut self) {
        (self.used, self.sent) = (0, 0);
    }
}
