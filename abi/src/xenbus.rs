//! How the two ends of a device find out about each other, by nodes of the store.
//!
//! Source: `xen/io/xenbus.h`, `xen/io/protocols.h`.

/// State of an end: none.
#[doc(alias = "XenbusStateUnknown")]
pub const STATE_UNKNOWN: u32 = 0;

/// State of an end: it begins.
#[doc(alias = "XenbusStateInitialising")]
pub const STATE_INITIALISING: u32 = 1;

/// State of an end: it waits for what the other one says.
#[doc(alias = "XenbusStateInitWait")]
pub const STATE_INIT_WAIT: u32 = 2;

/// State of an end: it waits for the other one to connect.
#[doc(alias = "XenbusStateInitialised")]
pub const STATE_INITIALISED: u32 = 3;

/// State of an end: the device can be used.
#[doc(alias = "XenbusStateConnected")]
pub const STATE_CONNECTED: u32 = 4;

/// State of an end: it is about to close, by itself or because of an error.
#[doc(alias = "XenbusStateClosing")]
pub const STATE_CLOSING: u32 = 5;

/// State of an end: it is closed.
#[doc(alias = "XenbusStateClosed")]
pub const STATE_CLOSED: u32 = 6;

/// State of an end: it changes while it is used.
#[doc(alias = "XenbusStateReconfiguring")]
pub const STATE_RECONFIGURING: u32 = 7;

/// State of an end: it has changed.
#[doc(alias = "XenbusStateReconfigured")]
pub const STATE_RECONFIGURED: u32 = 8;
