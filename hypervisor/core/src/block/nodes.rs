//! The nodes of the store by which the two ends of the device find out about each other: as Xen's
//! tools and Linux's back end make them.

use super::granted::BACK_END;
use super::{BlockDevice, MAX_SEGMENTS, Medium, SECTOR_BYTES, VIRTUAL_DEVICE};
use crate::address::DomId;
use crate::store::{Error, Store};
use arrayvec::ArrayString;
use core::fmt::{self, Arguments, Display, Write};
use core::str::FromStr;
use xenolith_abi::block::VDISK_READONLY;
use xenolith_abi::xenbus;

/// The device's name in Linux.
const NAME: &str = "xvda";

/// The front end's directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrontEnd(pub(super) DomId);

/// The back end's directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct BackEnd(pub(super) DomId);

impl Display for FrontEnd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "/local/domain/{}/device/vbd/{VIRTUAL_DEVICE}", self.0.0)
    }
}

impl Display for BackEnd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (domain, of) = (BACK_END.0, self.0.0);
        write!(formatter, "/local/domain/{domain}/backend/vbd/{of}/{VIRTUAL_DEVICE}")
    }
}

impl BackEnd {
    /// Returns where the back end says what is wrong, as Linux's does.
    pub(super) fn error(self) -> Result<Text, Error> {
        let (domain, of) = (BACK_END.0, self.0.0);
        text(format_args!("/local/domain/{domain}/error/backend/vbd/{of}/{VIRTUAL_DEVICE}/error"))
    }
}

/// A text that is short.
pub(super) type Text = ArrayString<128>;

impl<B> BlockDevice<B> {
    /// Puts both ends into the store: the back end waits for the front end.
    ///
    /// # Errors
    ///
    /// When the store is full.
    pub fn introduce<D: Medium>(&mut self, store: &mut Store, medium: &D) -> Result<(), Error> {
        let (front, back) = (FrontEnd(self.domain), BackEnd(self.domain));
        let (mode, info) = if medium.is_read_only() { ("r", VDISK_READONLY) } else { ("w", 0) };
        store.make(text(format_args!("{back}"))?.as_bytes(), BACK_END, self.domain)?;
        for (node, value) in [
            ("frontend", format_args!("{front}")),
            ("frontend-id", format_args!("{}", self.domain.0)),
            ("online", format_args!("1")),
            ("removable", format_args!("0")),
            ("bootable", format_args!("1")),
            ("dev", format_args!("{NAME}")),
            ("type", format_args!("phy")),
            ("mode", format_args!("{mode}")),
            ("device-type", format_args!("disk")),
            ("params", format_args!("disk")),
            ("feature-barrier", format_args!("0")),
            ("feature-flush-cache", format_args!("1")),
            ("feature-discard", format_args!("0")),
            ("feature-persistent", format_args!("0")),
            ("feature-max-indirect-segments", format_args!("{MAX_SEGMENTS}")),
            ("max-ring-page-order", format_args!("0")),
            ("sectors", format_args!("{}", medium.sectors())),
            ("sector-size", format_args!("{SECTOR_BYTES}")),
            ("physical-sector-size", format_args!("{SECTOR_BYTES}")),
            ("info", format_args!("{info}")),
        ] {
            write(store, back, node, value)?;
        }
        self.tell(store);
        store.make(text(format_args!("{front}"))?.as_bytes(), self.domain, BACK_END)?;
        for (node, value) in [
            ("backend", format_args!("{back}")),
            ("backend-id", format_args!("{}", BACK_END.0)),
            ("state", format_args!("{}", xenbus::STATE_INITIALISING)),
            ("virtual-device", format_args!("{VIRTUAL_DEVICE}")),
            ("device-type", format_args!("disk")),
        ] {
            write(store, front, node, value)?;
        }
        Ok(())
    }

    /// Tells the store in which state it is, unless there is no room for the news.
    pub(super) fn tell(&mut self, store: &mut Store) {
        let back = BackEnd(self.domain);
        self.is_told = write(store, back, "state", format_args!("{}", self.state)).is_ok();
    }
}

/// Writes a node of a directory.
fn write(
    store: &mut Store,
    directory: impl Display,
    node: &str,
    value: Arguments<'_>,
) -> Result<(), Error> {
    let path = text(format_args!("{directory}/{node}"))?;
    store.write(path.as_bytes(), text(value)?.as_bytes())
}

/// Reads a node of the front end.
pub(super) fn read<'s>(store: &'s Store, front: FrontEnd, node: &str) -> Option<&'s [u8]> {
    let path = text(format_args!("{front}/{node}")).ok()?;
    store.read(path.as_bytes()).ok()
}

/// Reads a node of the front end that is a number.
pub(super) fn read_number<T: FromStr>(store: &Store, front: FrontEnd, node: &str) -> Option<T> {
    number(read(store, front, node)?)
}

/// Reads a number, which some front ends end with a NUL.
pub(super) fn number<T: FromStr>(value: &[u8]) -> Option<T> {
    let value = value.strip_suffix(b"\0").unwrap_or(value);
    str::from_utf8(value.trim_ascii()).ok()?.parse().ok()
}

/// Makes a text.
///
/// # Errors
///
/// When it is too long.
pub(super) fn text(arguments: Arguments<'_>) -> Result<Text, Error> {
    let mut text = Text::new();
    text.write_fmt(arguments).map_err(|_| Error::NoSpace)?;
    Ok(text)
}
