//! Serving every port that has an event, in an order that starves none.
//!
//! Words of the bitmap are visited in a circle that goes on, from one upcall to the next, behind the
//! word visited last, and a visit serves each port of the word once at most, whatever is raised
//! meanwhile. So between two turns of a port, every other port that is ready has its own.

use super::{Bitmaps, Port, port::WORD_BITS};

/// The word with which the circle goes on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Cursor(u32);

impl Cursor {
    /// Returns the first word in the circle that is set in `selector`, which is not zero.
    const fn next(self, selector: u64) -> u32 {
        (self.0 + selector.rotate_right(self.0).trailing_zeros()) % u64::BITS
    }

    /// Returns a cursor that goes on with a word.
    pub const fn from_word(word: u32) -> Self {
        Self(word % u64::BITS)
    }

    /// Returns the word with which the circle goes on.
    pub const fn word(self) -> u32 {
        self.0
    }

    /// Returns the cursor behind a word.
    const fn behind(word: u32) -> Self {
        Self((word + 1) % u64::BITS)
    }
}

/// Serves events until no upcall is due, with events disabled; returns where to go on next time.
///
/// Each event is cleared before it is served, so that one which comes meanwhile is served again.
pub fn drain(vcpu: &impl Bitmaps, mut cursor: Cursor, mut serve: impl FnMut(Port)) -> Cursor {
    loop {
        // In this order: what is raised behind the exchange makes an upcall due again.
        vcpu.clear_due();
        let mut selector = vcpu.take_selector();
        while selector != 0 {
            let word = cursor.next(selector);
            selector &= !(1 << word);
            cursor = Cursor::behind(word);
            serve_word(vcpu, word, &mut serve);
        }
        if !vcpu.is_pending() {
            return cursor;
        }
    }
}

/// Serves the ports of a word that are ready, in ascending order.
fn serve_word(vcpu: &impl Bitmaps, word: u32, serve: &mut impl FnMut(Port)) {
    let mut bit = 0;
    while bit < WORD_BITS {
        // Read again each time: a handler may mask its neighbours.
        let ahead = ready(vcpu, word) & (u64::MAX << bit);
        if ahead == 0 {
            return;
        }
        bit = ahead.trailing_zeros();
        let port = Port::at(word, bit);
        vcpu.clear_pending(port);
        serve(port);
        bit += 1;
    }
}

/// Returns which ports of a word are to be served.
fn ready(vcpu: &impl Bitmaps, word: u32) -> u64 {
    vcpu.pending(word) & !vcpu.masked(word)
}

/// Takes the mask off a port, and makes an upcall due if an event waited behind it.
///
/// This is the hypervisor's unmask (`EVTCHNOP_unmask`) done by the kernel itself, for a port that
/// notifies this vCPU; events are disabled, and whoever enables them finds the upcall.
pub fn unmask(vcpu: &impl Bitmaps, port: Port) {
    if vcpu.unmask_port(port)
        && vcpu.pending(port.word()) & port.bit() != 0
        && vcpu.select(port.word())
    {
        vcpu.set_due();
    }
}
