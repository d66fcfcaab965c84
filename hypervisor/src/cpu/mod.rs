//! One physical CPU: what it can do, its descriptor tables, and what it does about exceptions.

pub(crate) mod features;
pub(crate) mod segments;
pub(crate) mod traps;
