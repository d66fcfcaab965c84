//! Events that the kernel sends itself, and the mask: another event comes in between.

use xenolith_guest::{
    abi::{event_channel::SEND, hypercall::EVENT_CHANNEL_OP},
    events::{self, Port},
    hypercall::event_channel::{send, unmask},
    irq,
    probe::hypercall::direct,
};

use crate::sweep::{Sweeper, new_port};

const NOWHERE: u64 = 0x5eed_0000_0000_0000;

pub(crate) fn sweep(sweeper: &mut Sweeper<'_>) {
    let port = match new_port(|_| {}) {
        Ok(port) => port,
        Err(error) => return sweeper.error(error),
    };
    sweeper.sweep("disabled and enabled", || {
        irq::irq_disable();
        irq::irq_enable();
    });
    sweeper.sweep("send", || counted(port, || send(port).is_ok()));
    sweeper.sweep("send while disabled", || {
        counted(port, || {
            irq::irq_disable();
            let before = events::count(port);
            let sent = send(port).is_ok();
            let waits = events::count(port) == before;
            irq::irq_enable();
            sent && waits
        })
    });
    sweeper.sweep("send to a masked port", || {
        counted(port, || {
            let masked = events::mask(port);
            let before = events::count(port);
            let sent = send(port).is_ok() && send(port).is_ok();
            let waits = events::count(port) == before;
            masked && sent && waits && unmask(port).is_ok()
        })
    });
    sweeper.sweep("send to no port", || send(Port(4095)));
    sweeper.sweep("send from nowhere", || direct::<EVENT_CHANNEL_OP>([SEND.into(), NOWHERE, 0]));
}

/// Returns what `action` does, and how many events of the port it lets in.
fn counted(port: Port, action: impl FnOnce() -> bool) -> (bool, u64) {
    let before = events::count(port);
    (action(), events::count(port) - before)
}
