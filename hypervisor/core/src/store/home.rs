//! What a domain finds in the store: what Xen's tools put there for one of theirs, but for what
//! points to the tools' own.

use super::Store;
use super::error::Error;
use super::path::{home, resolve};
use super::permissions::{PRIVILEGED, Permissions, READ};
use super::watch::Kind;
use crate::address::{DomId, Gpa};
use crate::guest_memory::GuestMemory;
use arrayvec::ArrayString;
use core::fmt::{Arguments, Write};

/// A domain that is to be connected.
#[derive(Clone, Copy, Debug)]
pub struct Introduction<'a> {
    /// Its number.
    pub domain: DomId,
    /// Its name.
    pub name: &'a str,
    /// The page of its rings.
    pub page: Gpa,
    /// The port of its end.
    pub port: u32,
    /// The page of its console.
    pub console_page: Gpa,
    /// The port of its console.
    pub console_port: u32,
    /// Its memory in KiB.
    pub memory_kib: u64,
}

/// Nodes that the domain reads; the first is its home.
const READ_ONLY: [&str; 7] = ["", "/cpu", "/memory", "/device", "/control", "/store", "/console"];
/// Nodes that belong to the domain.
const OWN: [&str; 11] = [
    "/control/shutdown",
    "/control/feature-poweroff",
    "/control/feature-reboot",
    "/control/feature-suspend",
    "/control/sysrq",
    "/device/suspend/event-channel",
    "/data",
    "/drivers",
    "/feature",
    "/attr",
    "/error",
];

/// The front ends of devices are below such a node.
const DEVICES: &[u8] = b"/device/";

/// A text that is short.
type Text = ArrayString<96>;

impl Store {
    /// Makes the tree: there are no domains yet.
    ///
    /// # Errors
    ///
    /// None; it is small.
    pub fn plant(&mut self) -> Result<(), Error> {
        self.tree.plant();
        self.write(b"/tool/xenstored", b"")
    }

    /// Connects a domain, and makes its part of the tree.
    ///
    /// # Errors
    ///
    /// When as many are connected as can be, or the tree is full.
    pub fn introduce<M: GuestMemory>(
        &mut self,
        memory: &mut M,
        introduction: &Introduction<'_>,
    ) -> Result<(), Error> {
        let index = self.index(PRIVILEGED).ok_or(Error::NoSpace)?;
        let domain = introduction.domain;
        self.connections[index].open(memory, domain, introduction.page);
        let readable = Permissions::owned(PRIVILEGED, 0).and(domain, READ);
        let own = Permissions::owned(domain, 0);
        let nodes = READ_ONLY.map(|node| (node, &readable)).into_iter();
        for (node, permissions) in nodes.chain(OWN.map(|node| (node, &own))) {
            let path = text(format_args!("{}{node}", home(domain)))?;
            self.write(path.as_bytes(), b"")?;
            let path = resolve(PRIVILEGED, path.as_bytes())?;
            self.tree.set_permissions(&path, permissions)?;
        }
        self.fill(introduction)
    }

    /// Makes a node of `owner` that `reader` may read as well; what is below has the same permissions.
    /// The path is from the root.
    ///
    /// # Errors
    ///
    /// Those of [`Store::write`].
    pub fn make(&mut self, path: &[u8], owner: DomId, reader: DomId) -> Result<(), Error> {
        self.write(path, b"")?;
        self.tree.set_permissions(path, &Permissions::owned(owner, 0).and(reader, READ))
    }

    /// Fills in what the domain may read of itself. Children have their parents' permissions.
    fn fill(&mut self, introduction: &Introduction<'_>) -> Result<(), Error> {
        let Introduction { domain, name, page, port, console_page, console_port, memory_kib } =
            *introduction;
        let uuid = text(format_args!("/vm/{}", uuid(domain)?))?;
        let (frame, console_frame) = (page.gfn().0, console_page.gfn().0);
        for (node, value) in [
            ("vm", format_args!("{uuid}")),
            ("name", format_args!("{name}")),
            ("domid", format_args!("{}", domain.0)),
            ("cpu/0/availability", format_args!("online")),
            ("memory/static-max", format_args!("{memory_kib}")),
            ("memory/target", format_args!("{memory_kib}")),
            ("memory/videoram", format_args!("-1")),
            ("control/platform-feature-multiprocessor-suspend", format_args!("1")),
            ("control/platform-feature-xs_reset_watches", format_args!("1")),
            ("store/port", format_args!("{port}")),
            ("store/ring-ref", format_args!("{frame}")),
            ("console/port", format_args!("{console_port}")),
            ("console/ring-ref", format_args!("{console_frame}")),
            ("console/type", format_args!("xenconsoled")),
            ("console/limit", format_args!("1048576")),
            ("console/output", format_args!("pty")),
        ] {
            let path = text(format_args!("{}/{node}", home(domain)))?;
            self.write(path.as_bytes(), text(value)?.as_bytes())?;
        }
        self.make(uuid.as_bytes(), PRIVILEGED, domain)?;
        for (node, value) in [("name", name), ("uuid", uuid.trim_start_matches("/vm/"))] {
            let path = text(format_args!("{uuid}/{node}"))?;
            self.write(path.as_bytes(), value.as_bytes())?;
        }
        Ok(())
    }

    /// Asks a domain to end itself in the way of `command`, such as `poweroff`.
    ///
    /// # Errors
    ///
    /// Those of [`Store::write`].
    pub fn ask_shutdown(&mut self, domain: DomId, command: &str) -> Result<(), Error> {
        let path = text(format_args!("{}/control/shutdown", home(domain)))?;
        self.write(path.as_bytes(), command.as_bytes())
    }
}

/// Returns whether a change at `path` is one of the state of a front end, or may be.
pub(super) fn is_front_end_state(kind: Kind, path: &[u8]) -> bool {
    let at_state = kind == Kind::Removed || path.ends_with(b"/state");
    at_state && path.windows(DEVICES.len()).any(|part| part == DEVICES)
}

/// The domain's UUID, as `XENVER_guest_handle` tells it: its number.
fn uuid(domain: DomId) -> Result<Text, Error> {
    text(format_args!("00000000-0000-0000-0000-{:012x}", domain.0))
}

fn text(arguments: Arguments<'_>) -> Result<Text, Error> {
    let mut text = Text::new();
    text.write_fmt(arguments).map_err(|_| Error::NoSpace)?;
    Ok(text)
}
