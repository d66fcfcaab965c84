//! What a domain asks for (`xen/public/event_channel.h`): operations that may concern two domains.
//!
//! Who calls them has all domains, so that no two run at once; they take one domain at a time, so
//! that they need not be two references when both ends of a channel are in the same one.

use super::channels::EventChannels;
use super::domains::Domains;
use super::error::Error;
use super::notify::Notify;
use super::port::{End, Port};
use super::record::{Binding, PortRecord};
use crate::address::DomId;

/// Ports that a reset closes at a time, some 230 instructions each.
const RESET_PORTS: u32 = 16;

/// How far a reset has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// All is closed.
    Done,
    /// There is more to do; the reset wants to be resumed.
    Unfinished,
}

/// Whether a reset is begun or resumed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reset {
    /// A guest asks for it.
    Begin,
    /// It was [`Progress::Unfinished`].
    Resume,
}

/// Allocates a port in `domain`, which has to be the caller, to which `remote` may connect.
///
/// # Errors
///
/// When there is no such domain, its ports are all in use, or it is not the caller.
#[doc(alias = "EVTCHNOP_alloc_unbound")]
pub fn alloc_unbound<D: Domains>(
    domains: &mut D,
    caller: DomId,
    domain: DomId,
    remote: DomId,
) -> Result<Port, Error> {
    let domain = resolve(caller, domain);
    let remote = resolve(caller, remote);
    within(domains, domain, |channels, _| {
        let port = channels.alloc_unbound(remote)?;
        if domain != caller {
            channels.ports.release(port);
            return Err(Error::Denied);
        }
        Ok(port)
    })
}

/// Connects a new port of the caller to a port that waits for the caller.
///
/// # Errors
///
/// When there is no such domain, the caller's ports are all in use, or the port does not wait for
/// the caller.
#[doc(alias = "EVTCHNOP_bind_interdomain")]
pub fn bind_interdomain<D: Domains>(
    domains: &mut D,
    caller: DomId,
    remote: End,
) -> Result<(Port, Notify), Error> {
    let remote = End { domain: resolve(caller, remote.domain), ..remote };
    within(domains, remote.domain, |_, _| Ok(()))?;
    let port = within(domains, caller, |channels, _| channels.ports.reserve())?;
    let local = End { domain: caller, port };
    let connected =
        within(domains, remote.domain, |channels, _| channels.connect(remote.port, local));
    within(domains, caller, |channels, memory| match connected {
        Ok(()) => Ok((port, channels.complete(memory, port, remote))),
        Err(error) => {
            channels.ports.release(port);
            Err(error)
        }
    })
}

/// Closes a port of the caller; a port that was connected to it waits for the caller again.
///
/// # Errors
///
/// When it is not in use.
#[doc(alias = "EVTCHNOP_close")]
pub fn close<D: Domains>(domains: &mut D, caller: DomId, port: Port) -> Result<(), Error> {
    let peer = within(domains, caller, |channels, memory| channels.close(memory, port))?;
    if let Some(peer) = peer {
        let gone = End { domain: caller, port };
        // A peer whose domain is gone needs nothing.
        domains.with_channels(peer.domain, |channels, _| channels.disconnect(peer.port, gone));
    }
    Ok(())
}

/// Sends an event to the far end of a port of the caller. One that nobody is at drops it.
///
/// # Errors
///
/// When the port is not in use, or is not one to send through.
#[doc(alias = "EVTCHNOP_send")]
pub fn send<D: Domains>(domains: &mut D, caller: DomId, port: Port) -> Result<Notify, Error> {
    let record = record(domains, caller, port)?;
    let to = match record.binding() {
        Binding::Interdomain(end) => end,
        Binding::Ipi => End { domain: caller, port },
        Binding::Service(service) => return Ok(Notify::Service(caller, service)),
        Binding::Unbound(_) => return Ok(Notify::Nobody),
        Binding::Free | Binding::Reserved | Binding::Virq(_) => return Err(Error::Invalid),
    };
    let sent =
        domains.with_channels(to.domain, |channels, memory| channels.set_pending(memory, to.port));
    Ok(sent.unwrap_or(Notify::Nobody))
}

/// Returns the record of a port in `domain`, which has to be the caller.
///
/// # Errors
///
/// When there is no such domain or port, or the domain is not the caller.
#[doc(alias = "EVTCHNOP_status")]
pub fn status<D: Domains>(
    domains: &mut D,
    caller: DomId,
    domain: DomId,
    port: Port,
) -> Result<PortRecord, Error> {
    let domain = resolve(caller, domain);
    let record = record(domains, domain, port)?;
    if domain == caller { Ok(record) } else { Err(Error::Denied) }
}

#[inline]
fn record<D: Domains>(domains: &D, domain: DomId, port: Port) -> Result<PortRecord, Error> {
    domains.channels(domain).ok_or(Error::NoDomain)?.ports.record(port)
}

/// Closes the ports of `domain`, which has to be the caller, some at a time.
///
/// # Errors
///
/// When there is no such domain, or it is not the caller; when a reset is in progress, or there is
/// none to resume; when ports were bound behind its back.
#[doc(alias = "EVTCHNOP_reset")]
pub fn reset<D: Domains>(
    domains: &mut D,
    caller: DomId,
    domain: DomId,
    reset: Reset,
) -> Result<Progress, Error> {
    let domain = resolve(caller, domain);
    let first = within(domains, domain, |channels, _| {
        if domain != caller {
            return Err(Error::Denied);
        }
        match (reset, channels.ports.reset_at()) {
            (Reset::Begin, None) => Ok(Port(1)),
            (Reset::Resume, Some(port)) => Ok(port),
            _ => Err(Error::Busy),
        }
    })?;
    let end = Port(first.0 + RESET_PORTS);
    for port in (first.0..end.0).map(Port) {
        // Most ports are not in use, which is no error here.
        let _ = close(domains, caller, port);
    }
    within(domains, caller, |channels, _| {
        let ports = &mut channels.ports;
        if ports.in_use() != 0 && ports.record(end).is_ok() {
            ports.set_reset(Some(end));
            return Ok(Progress::Unfinished);
        }
        ports.set_reset(None);
        if ports.in_use() == 0 { Ok(Progress::Done) } else { Err(Error::Again) }
    })
}

/// Runs `action`, a part of an operation that concerns one domain.
///
/// # Errors
///
/// When there is no such domain, and those of `action`.
pub fn within<D: Domains, R>(
    domains: &mut D,
    domain: DomId,
    action: impl FnOnce(&mut EventChannels, &mut D::SharedMemory) -> Result<R, Error>,
) -> Result<R, Error> {
    domains.with_channels(domain, action).unwrap_or(Err(Error::NoDomain))
}

/// Returns the domain that `named` means to the caller.
fn resolve(caller: DomId, named: DomId) -> DomId {
    if named.0 == xenolith_abi::domain::SELF { caller } else { named }
}
