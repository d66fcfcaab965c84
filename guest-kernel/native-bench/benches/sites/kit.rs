//! What xtask hands over: the contents of sites.

use std::{env, fs};

use serde::Deserialize;

/// The variable of the environment with the path of the file.
const PATH: &str = "XENOLITH_SITES";

/// The contents of a site of each operation on interrupts, in each world.
#[derive(Debug, Deserialize)]
pub(crate) struct Kit {
    /// Where instructions take the vCPU's record to be.
    pub(crate) record: u64,
    sites: Vec<Site>,
}

/// What a site holds.
#[derive(Debug, Deserialize)]
pub(crate) struct Site {
    op: String,
    world: String,
    /// As linked: a call through the table, and NOPs.
    pub(crate) linked: Vec<u8>,
    /// Patched: the alternative, with NOPs in the place of CLI and STI.
    pub(crate) code: Vec<u8>,
    /// Patched: what is left of the site, as NOPs.
    pub(crate) padding: Vec<u8>,
}

impl Kit {
    /// Reads the file.
    ///
    /// # Panics
    ///
    /// If there is none, or it makes no sense.
    pub(crate) fn read() -> Self {
        let path = env::var(PATH).expect("`cargo xtask bench --native` runs this");
        let text = fs::read_to_string(path).expect("xtask has written the file");
        serde_json::from_str(&text).expect("xtask writes what is read here")
    }

    /// Returns a site.
    ///
    /// # Panics
    ///
    /// If it is not there.
    pub(crate) fn site(&self, op: &str, world: &str) -> &Site {
        let is_it = |it: &&Site| it.op == op && it.world == world;
        self.sites.iter().find(is_it).expect("xtask writes all operations for both worlds")
    }
}
