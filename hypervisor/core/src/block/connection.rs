//! The device's connection: what its front end says in the store, and what comes of it.
//!
//! The states are those of Linux's back end (`xen/io/blkif.h`, "STATE DIAGRAMS").

use super::granted::Granted;
use super::nodes::{BackEnd, FrontEnd, number, read, read_number, text};
use super::ring::Ring;
use super::{BlockDevice, Link, Medium, Surroundings};
use crate::event_channel::{Port, Service};
use crate::grant_table::Access;
use crate::guest_memory::GuestMemory;
use core::fmt::Arguments;
use xenolith_abi::xenbus::{
    STATE_CLOSED, STATE_CLOSING, STATE_CONNECTED, STATE_INIT_WAIT, STATE_INITIALISED,
    STATE_INITIALISING, STATE_UNKNOWN,
};

/// The layout of requests that there is.
#[doc(alias = "XEN_IO_PROTO_ABI_X86_64")]
const PROTOCOL: &[u8] = b"x86_64-abi";

/// Nodes of a front end that ask for more than one ring of one page, and what they may say.
const AT_MOST: [(&str, u32); 3] =
    [("ring-page-order", 0), ("num-ring-pages", 1), ("multi-queue-num-queues", 1)];

/// Bytes of a wrong value that are logged.
const MOST_SHOWN: usize = 32;

impl<B> BlockDevice<B> {
    /// Looks at the front end's state, which has changed. Returns whether there are requests to
    /// serve.
    pub fn front_end_changed<M: GuestMemory, D: Medium>(
        &mut self,
        around: &mut Surroundings<'_, M, D>,
    ) -> bool {
        let front = FrontEnd(self.domain);
        let said = read(around.store, front, "state");
        let state = said.and_then(number).unwrap_or(STATE_UNKNOWN);
        if let Some(said) = said
            && number::<u32>(said).is_none()
        {
            let said = said[..said.len().min(MOST_SHOWN)].escape_ascii();
            (around.log)(format_args!("the front end's state is no number: \"{said}\""));
        }
        match state {
            STATE_INITIALISING if self.state == STATE_INIT_WAIT => {}
            STATE_INITIALISING => self.close(around, STATE_INIT_WAIT),
            STATE_INITIALISED | STATE_CONNECTED if self.state == STATE_CONNECTED => {}
            STATE_INITIALISED | STATE_CONNECTED => {
                // One that was closing may begin anew, with another ring.
                self.unlink(around);
                return self.connect(around);
            }
            STATE_CLOSING => self.enter(around, STATE_CLOSING),
            STATE_CLOSED | STATE_UNKNOWN => self.close(around, STATE_CLOSED),
            _ => self.fail(around, format_args!("saw state {state} at frontend")),
        }
        false
    }

    /// Returns whether the store knows in which state the device is.
    pub const fn is_told(&self) -> bool {
        self.is_told
    }

    /// Tells the store what there was no room for. Returns whether there is now.
    pub fn retell<M: GuestMemory, D: Medium>(
        &mut self,
        around: &mut Surroundings<'_, M, D>,
    ) -> bool {
        self.tell(around.store);
        self.is_told
    }

    /// Connects to the ring and the port that the front end names.
    fn connect<M: GuestMemory, D: Medium>(&mut self, around: &mut Surroundings<'_, M, D>) -> bool {
        let front = FrontEnd(self.domain);
        if let Some(protocol) = read(around.store, front, "protocol")
            && protocol.strip_suffix(b"\0").unwrap_or(protocol) != PROTOCOL
        {
            self.fail(around, format_args!("unknown fe protocol; x86_64-abi is the one there is"));
            return false;
        }
        for (node, most) in AT_MOST {
            let Some(value) = read(around.store, front, node) else { continue };
            if number::<u32>(value).is_none_or(|value| value > most) {
                self.fail(around, format_args!("{node} is more than {most}"));
                return false;
            }
        }
        let [reference, port] =
            ["ring-ref", "event-channel"].map(|node| read_number::<u32>(around.store, front, node));
        let (Some(reference), Some(port)) = (reference, port) else {
            let node = if reference.is_none() { "ring-ref" } else { "event-channel" };
            self.fail(around, format_args!("{node} is no number"));
            return false;
        };
        self.link(around, reference, Port(port))
    }

    fn link<M: GuestMemory, D: Medium>(
        &mut self,
        around: &mut Surroundings<'_, M, D>,
        reference: u32,
        port: Port,
    ) -> bool {
        let granted = match Granted::begin(around.memory, around.grants, reference, Access::Write) {
            Ok(granted) => granted,
            Err(mistake) => {
                self.fail(around, format_args!("mapping ring-ref {reference}: {mistake}"));
                return false;
            }
        };
        let ring = match Ring::attach(around.memory, granted.page) {
            Ok(ring) => ring,
            Err(broken) => {
                granted.end(around.memory);
                self.fail(around, format_args!("ring-ref {reference}: {broken}"));
                return false;
            }
        };
        if around.channels.connect_service(port, Service::Block).is_err() {
            granted.end(around.memory);
            let port = port.0;
            self.fail(
                around,
                format_args!(
                    "event-channel {port} does not wait for domain 0 (EVTCHNOP_alloc_unbound with \
                     remote_dom 0 makes one that does)"
                ),
            );
            return false;
        }
        self.link = Some(Link { ring, granted });
        self.enter(around, STATE_CONNECTED);
        // What was sent through the port before was not heard.
        true
    }

    /// Lets go of all that is the guest's, and is in `state` then.
    fn close<M: GuestMemory, D: Medium>(
        &mut self,
        around: &mut Surroundings<'_, M, D>,
        state: u32,
    ) {
        self.unlink(around);
        self.enter(around, state);
    }

    fn unlink<M: GuestMemory, D: Medium>(&mut self, around: &mut Surroundings<'_, M, D>) {
        self.job = None;
        if let Some(link) = self.link.take() {
            link.granted.end(around.memory);
            around.channels.disconnect_service(Service::Block);
        }
    }

    /// Is in `state` from now on, and tells so unless it is known: front ends that answer what they are
    /// told would be told for ever.
    fn enter<M: GuestMemory, D: Medium>(
        &mut self,
        around: &mut Surroundings<'_, M, D>,
        state: u32,
    ) {
        if self.is_told && self.state == state {
            return;
        }
        self.state = state;
        self.tell(around.store);
    }

    /// Gives the connection up, and says why: in the log, and in the store as `xenbus` does.
    pub(super) fn fail<M: GuestMemory, D: Medium>(
        &mut self,
        around: &mut Surroundings<'_, M, D>,
        why: Arguments<'_>,
    ) {
        (around.log)(format_args!("{why}; the device closes"));
        if let (Ok(node), Ok(why)) =
            (BackEnd(self.domain).error(), text(why).or_else(|_| text(format_args!("failed"))))
        {
            // The log has said it, should there be no room.
            let _ = around.store.make(node.as_bytes(), super::granted::BACK_END, self.domain);
            let _ = around.store.write(node.as_bytes(), why.as_bytes());
        }
        self.close(around, STATE_CLOSING);
    }
}
