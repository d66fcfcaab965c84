//! The block device of a domain: the back end, which on Xen is domain 0's (`xen/io/blkif.h`).

mod medium;

pub use medium::{Medium, SECTOR_BYTES};
