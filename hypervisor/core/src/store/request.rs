//! What stands in the payload of a request.

use super::error::Error;
use super::message::Reply;
use super::path::{self, Path};
use crate::address::DomId;

/// The payload of a request, and who makes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payload<'a> {
    /// The caller.
    pub(super) domain: DomId,
    /// The bytes.
    pub(super) bytes: &'a [u8],
}

impl<'a> Payload<'a> {
    /// Takes a text and its NUL off the front; returns it and what is left.
    ///
    /// # Errors
    ///
    /// When there is no NUL.
    pub(super) fn text(&self) -> Result<(&'a [u8], &'a [u8]), Error> {
        let end = self.bytes.iter().position(|byte| *byte == 0).ok_or(Error::Invalid)?;
        Ok((&self.bytes[..end], &self.bytes[end + 1..]))
    }

    /// Reads the only text.
    ///
    /// # Errors
    ///
    /// When there is none, or more.
    pub(super) fn only_text(&self) -> Result<&'a [u8], Error> {
        let (text, rest) = self.text()?;
        if rest.is_empty() { Ok(text) } else { Err(Error::Invalid) }
    }

    /// Reads two texts.
    ///
    /// # Errors
    ///
    /// When there are fewer, or more.
    pub(super) fn two_texts(&self) -> Result<[&'a [u8]; 2], Error> {
        let (first, rest) = self.text()?;
        Ok([first, Self { bytes: rest, ..*self }.only_text()?])
    }

    /// Reads a path, the only text.
    ///
    /// # Errors
    ///
    /// When there is none, or more.
    pub(super) fn only_path(&self) -> Result<Path, Error> {
        path::resolve(self.domain, self.only_text()?)
    }

    /// Takes a path and its NUL off the front; returns it and what is left.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(super) fn path(&self) -> Result<(Path, &'a [u8]), Error> {
        let (text, rest) = self.text()?;
        Ok((path::resolve(self.domain, text)?, rest))
    }
}

/// Answers that all went well.
pub(super) fn acknowledge(reply: &mut Reply) -> Result<(), Error> {
    reply.extend(b"OK\0")
}
