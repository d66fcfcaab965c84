//! The sites of operations that a guest kernel records of itself (`guest-kernel/src/pvops`).

pub(crate) mod records;
