//! Builds the initial state of a domain from a kernel image.
