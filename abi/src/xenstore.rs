//! The page that a guest and xenstore share, and the messages in it.
//!
//! Source: `xen/io/xs_wire.h`. A message is a [`Message`] header and `len` bytes.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Message type: talks to the daemon itself.
#[doc(alias = "XS_CONTROL")]
pub const CONTROL: u32 = 0;

/// Message type: lists the children of a node.
#[doc(alias = "XS_DIRECTORY")]
pub const DIRECTORY: u32 = 1;

/// Message type: reads a node.
#[doc(alias = "XS_READ")]
pub const READ: u32 = 2;

/// Message type: reads a node's permissions.
#[doc(alias = "XS_GET_PERMS")]
pub const GET_PERMS: u32 = 3;

/// Message type: asks for notice of changes below a node.
#[doc(alias = "XS_WATCH")]
pub const WATCH: u32 = 4;

/// Message type: ends a watch.
#[doc(alias = "XS_UNWATCH")]
pub const UNWATCH: u32 = 5;

/// Message type: starts a transaction.
#[doc(alias = "XS_TRANSACTION_START")]
pub const TRANSACTION_START: u32 = 6;

/// Message type: commits or drops a transaction.
#[doc(alias = "XS_TRANSACTION_END")]
pub const TRANSACTION_END: u32 = 7;

/// Message type: introduces a domain to the daemon.
#[doc(alias = "XS_INTRODUCE")]
pub const INTRODUCE: u32 = 8;

/// Message type: forgets a domain.
#[doc(alias = "XS_RELEASE")]
pub const RELEASE: u32 = 9;

/// Message type: asks for the home path of a domain.
#[doc(alias = "XS_GET_DOMAIN_PATH")]
pub const GET_DOMAIN_PATH: u32 = 10;

/// Message type: writes a node.
#[doc(alias = "XS_WRITE")]
pub const WRITE: u32 = 11;

/// Message type: creates a node.
#[doc(alias = "XS_MKDIR")]
pub const MKDIR: u32 = 12;

/// Message type: removes a node and what is below.
#[doc(alias = "XS_RM")]
pub const RM: u32 = 13;

/// Message type: sets a node's permissions.
#[doc(alias = "XS_SET_PERMS")]
pub const SET_PERMS: u32 = 14;

/// Message type: a watch has fired; sent by the daemon on its own.
#[doc(alias = "XS_WATCH_EVENT")]
pub const WATCH_EVENT: u32 = 15;

/// Message type: the reply to a request that failed, with the error's name.
#[doc(alias = "XS_ERROR")]
pub const ERROR: u32 = 16;

/// Message type: asks whether a domain is known.
#[doc(alias = "XS_IS_DOMAIN_INTRODUCED")]
pub const IS_DOMAIN_INTRODUCED: u32 = 17;

/// Message type: a domain has been resumed.
#[doc(alias = "XS_RESUME")]
pub const RESUME: u32 = 18;

/// Message type: gives a domain rights over another.
#[doc(alias = "XS_SET_TARGET")]
pub const SET_TARGET: u32 = 19;

/// Message type: ends all watches and transactions of the caller.
#[doc(alias = "XS_RESET_WATCHES")]
pub const RESET_WATCHES: u32 = 21;

/// Message type: lists the children of a node in pieces.
#[doc(alias = "XS_DIRECTORY_PART")]
pub const DIRECTORY_PART: u32 = 22;

/// One more than the highest type.
#[doc(alias = "XS_TYPE_COUNT")]
pub const TYPE_COUNT: u32 = 23;

/// Never a type.
#[doc(alias = "XS_INVALID")]
pub const INVALID: u32 = 0xffff;

/// Bytes of each ring.
#[doc(alias = "XENSTORE_RING_SIZE")]
pub const RING_SIZE: usize = 1024;

/// The largest [`Message::len`].
#[doc(alias = "XENSTORE_PAYLOAD_MAX")]
pub const PAYLOAD_MAX: u32 = 4096;

/// The longest absolute path.
#[doc(alias = "XENSTORE_ABS_PATH_MAX")]
pub const ABS_PATH_MAX: usize = 3072;

/// The longest path relative to the domain's home.
#[doc(alias = "XENSTORE_REL_PATH_MAX")]
pub const REL_PATH_MAX: usize = 2048;

/// Bit of [`DomainInterface::server_features`]: a guest may reconnect.
#[doc(alias = "XENSTORE_SERVER_FEATURE_RECONNECTION")]
pub const SERVER_FEATURE_RECONNECTION: u32 = 1;

/// Bit of [`DomainInterface::server_features`]: [`DomainInterface::error`] is valid.
#[doc(alias = "XENSTORE_SERVER_FEATURE_ERROR")]
pub const SERVER_FEATURE_ERROR: u32 = 2;

/// Value of [`DomainInterface::connection`]: in use.
#[doc(alias = "XENSTORE_CONNECTED")]
pub const CONNECTED: u32 = 0;

/// Value of [`DomainInterface::connection`]: the guest wants to reconnect.
#[doc(alias = "XENSTORE_RECONNECT")]
pub const RECONNECT: u32 = 1;

/// Value of [`DomainInterface::error`]: none.
#[doc(alias = "XENSTORE_ERROR_NONE")]
pub const ERROR_NONE: u32 = 0;

/// Value of [`DomainInterface::error`]: communication failed.
#[doc(alias = "XENSTORE_ERROR_COMM")]
pub const ERROR_COMM: u32 = 1;

/// Value of [`DomainInterface::error`]: an index of a ring is wrong.
#[doc(alias = "XENSTORE_ERROR_RINGIDX")]
pub const ERROR_RINGIDX: u32 = 2;

/// Value of [`DomainInterface::error`]: a message is too long.
#[doc(alias = "XENSTORE_ERROR_PROTO")]
pub const ERROR_PROTO: u32 = 3;

/// Name of an error in a reply of type [`ERROR`].
pub const ERROR_NAME_EINVAL: &[u8] = b"EINVAL";

/// Name of an error in a reply of type [`ERROR`].
pub const ERROR_NAME_EACCES: &[u8] = b"EACCES";

/// Name of an error in a reply of type [`ERROR`].
pub const ERROR_NAME_EEXIST: &[u8] = b"EEXIST";

/// Name of an error in a reply of type [`ERROR`].
pub const ERROR_NAME_ENOENT: &[u8] = b"ENOENT";

/// Name of an error in a reply of type [`ERROR`].
pub const ERROR_NAME_ENOSPC: &[u8] = b"ENOSPC";

/// Name of an error in a reply of type [`ERROR`].
pub const ERROR_NAME_E2BIG: &[u8] = b"E2BIG";

/// Name of an error in a reply of type [`ERROR`].
pub const ERROR_NAME_ENOSYS: &[u8] = b"ENOSYS";

/// Name of an error in a reply of type [`ERROR`].
pub const ERROR_NAME_EBUSY: &[u8] = b"EBUSY";

/// Name of an error in a reply of type [`ERROR`].
pub const ERROR_NAME_EAGAIN: &[u8] = b"EAGAIN";

/// Name of an error in a reply of type [`ERROR`].
pub const ERROR_NAME_EPERM: &[u8] = b"EPERM";

/// The header of a message.
#[doc(alias = "xsd_sockmsg")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Message {
    /// The type; a reply has that of its request, or [`ERROR`].
    #[doc(alias = "type")]
    pub type_: u32,
    /// Chosen by the caller and repeated in the reply.
    pub req_id: u32,
    /// The transaction, or 0.
    pub tx_id: u32,
    /// Bytes behind the header.
    pub len: u32,
}
const _: () = assert!(size_of::<Message>() == 16);
const _: () = assert!(offset_of!(Message, req_id) == 4);
const _: () = assert!(offset_of!(Message, tx_id) == 8);
const _: () = assert!(offset_of!(Message, len) == 12);

/// The page; indices run freely and wrap by the ring's size.
#[doc(alias = "xenstore_domain_interface")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct DomainInterface {
    /// Requests.
    pub req: [u8; RING_SIZE],
    /// Replies and watch events.
    pub rsp: [u8; RING_SIZE],
    /// Requests consumed, written by the daemon.
    pub req_cons: u32,
    /// Requests produced, written by the guest.
    pub req_prod: u32,
    /// Replies consumed, written by the guest.
    pub rsp_cons: u32,
    /// Replies produced, written by the daemon.
    pub rsp_prod: u32,
    /// What the daemon supports.
    pub server_features: u32,
    /// [`CONNECTED`] or [`RECONNECT`].
    pub connection: u32,
    /// One of the `ERROR_*` values.
    pub error: u32,
}
const _: () = assert!(size_of::<DomainInterface>() == 2076);
const _: () = assert!(offset_of!(DomainInterface, rsp) == 1024);
const _: () = assert!(offset_of!(DomainInterface, req_cons) == 2048);
const _: () = assert!(offset_of!(DomainInterface, req_prod) == 2052);
const _: () = assert!(offset_of!(DomainInterface, rsp_cons) == 2056);
const _: () = assert!(offset_of!(DomainInterface, rsp_prod) == 2060);
const _: () = assert!(offset_of!(DomainInterface, server_features) == 2064);
const _: () = assert!(offset_of!(DomainInterface, connection) == 2068);
const _: () = assert!(offset_of!(DomainInterface, error) == 2072);
