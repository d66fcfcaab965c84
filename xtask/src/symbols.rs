//! Names for the addresses of backtraces, on the way from the machine to whoever reads.
//!
//! A kernel that panics prints addresses: names would take a table in its image. The debugging
//! information is here. Lines that end with an address are given what is there:
//!
//! ```text
//! (XL) error:   at 0xffffffff80203f52          the hypervisor's own
//! (XL) error:   guest at 0xffffffff80104ac5    the guest's, in the hypervisor's words
//!   at 0xffffffff80104ac5                      the guest's
//! ```

mod line;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use addr2line::Loader;
use anyhow::{Result, anyhow};
use line::{Line, Whose};

use crate::machine::watch::Listener;
use std::net::TcpStream;

/// The images that run, with their debugging information.
#[derive(Clone, Debug, Default)]
pub(crate) struct Images {
    /// The hypervisor's.
    pub(crate) hypervisor: Option<PathBuf>,
    /// The guest's.
    pub(crate) guest: Option<PathBuf>,
}

/// Names for the addresses of one image.
pub(crate) struct Finder {
    loader: Loader,
    known: HashMap<u64, String>,
}

impl Finder {
    /// Reads the debugging information of `image`.
    ///
    /// # Errors
    /// It is no image that can be read.
    pub(crate) fn new(image: &Path) -> Result<Self> {
        let loader = Loader::new(image).map_err(|error| anyhow!("{}: {error}", image.display()))?;
        Ok(Self { loader, known: HashMap::new() })
    }

    /// Returns a blank and what is at `address`; nothing, if nobody knows.
    pub(crate) fn at(&mut self, address: u64) -> String {
        let Self { loader, known } = self;
        known.entry(address).or_insert_with(|| name(loader, address).unwrap_or_default()).clone()
    }
}

/// A console behind which addresses have names.
pub(crate) struct Named<'a, L> {
    behind: &'a mut L,
    images: &'a Images,
    line: Line,
}

impl<'a, L: Listener> Named<'a, L> {
    /// Names addresses for `behind`.
    pub(crate) fn new(behind: &'a mut L, images: &'a Images) -> Self {
        Self { behind, images, line: Line::default() }
    }
}

impl<L: Listener> Listener for Named<'_, L> {
    fn connected(&mut self, console: TcpStream) {
        self.behind.connected(console);
    }

    fn console(&mut self, bytes: &[u8]) {
        let mut shown = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            if let Some((whose, address)) = self.line.take(byte) {
                shown.extend(describe(self.images, whose, address).into_bytes());
            }
            shown.push(byte);
        }
        self.behind.console(&shown);
    }
}

/// Says what is at an address; nothing, if nobody knows.
fn describe(images: &Images, whose: Whose, address: u64) -> String {
    let image = match whose {
        Whose::Hypervisor => &images.hypervisor,
        Whose::Guest => &images.guest,
    };
    let place = || {
        let loader = Loader::new(image.as_ref()?).ok()?;
        // An address to return to is behind the call, and may be another function's.
        name(&loader, address.checked_sub(1)?)
    };
    place().unwrap_or_default()
}

/// The function at `address` and, where they are known, file and line.
fn name(loader: &Loader, address: u64) -> Option<String> {
    let mut frames = loader.find_frames(address).ok()?;
    let mut names = Vec::new();
    while let Ok(Some(frame)) = frames.next() {
        let Some(function) = &frame.function else { break };
        let Ok(function) = function.demangle() else { break };
        let place = frame.location.as_ref().and_then(|it| Some((it.file?, it.line?)));
        let place = place.map(|(file, line)| format!(" ({}:{line})", last_parts(file)));
        names.push(format!("{function}{}", place.unwrap_or_default()));
    }
    if names.is_empty() {
        names.extend(
            loader
                .find_symbol(address)
                .map(|it| addr2line::demangle_auto(it.into(), None).into_owned()),
        );
    }
    (!names.is_empty()).then(|| format!(" {}", names.join(" < ")))
}

/// The end of a path: what is before it is of the machine that compiled.
fn last_parts(path: &str) -> &str {
    const PARTS: usize = 3;
    path.rmatch_indices('/').nth(PARTS - 1).map_or(path, |(at, _)| &path[at + 1..])
}
