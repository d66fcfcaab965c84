//! The two levels of bitmaps as a kernel uses them, apart from where they are.
//!
//! ```text
//! evtchn_pending_sel      64 bits    which words of evtchn_pending to look at
//! evtchn_pending          64 words   which ports have an event
//! evtchn_mask             64 words   which ports shall not make an upcall due
//! ```

use core::sync::atomic::Ordering::{AcqRel, Relaxed, SeqCst};

use super::Port;
use crate::{
    irq::UpcallFlag,
    shared_info::{VcpuWords, mask_word, pending_word},
};

/// The words that tell a vCPU which ports have events.
pub trait Bitmaps: UpcallFlag {
    /// Says that no upcall is due, until the next event makes one due.
    fn clear_due(&self);

    /// Says that an upcall is due.
    fn set_due(&self);

    /// Returns the selector and leaves it zero: a full barrier.
    fn take_selector(&self) -> u64;

    /// Sets the selector's bit for a word; returns whether it was clear.
    fn select(&self, word: u32) -> bool;

    /// Returns which ports of a word have events.
    fn pending(&self, word: u32) -> u64;

    /// Returns which ports of a word are masked.
    fn masked(&self, word: u32) -> u64;

    /// Clears the event of a port.
    fn clear_pending(&self, port: Port);

    /// Masks a port; returns whether it was not.
    fn mask_port(&self, port: Port) -> bool;

    /// Takes the mask off a port; returns whether it had one. A full barrier: who looks at the
    /// port's event behind it sees one, or the sender has seen the mask gone.
    fn unmask_port(&self, port: Port) -> bool;
}

fn index(word: u32) -> usize {
    usize::try_from(word).unwrap_or(usize::MAX)
}

impl Bitmaps for VcpuWords {
    fn clear_due(&self) {
        self.upcall_pending().store(0, Relaxed);
    }

    fn set_due(&self) {
        self.upcall_pending().store(1, Relaxed);
    }

    fn take_selector(&self) -> u64 {
        self.pending_selector().swap(0, AcqRel)
    }

    fn select(&self, word: u32) -> bool {
        let bit = 1 << word;
        self.pending_selector().fetch_or(bit, AcqRel) & bit == 0
    }

    fn pending(&self, word: u32) -> u64 {
        pending_word(index(word)).load(SeqCst)
    }

    fn masked(&self, word: u32) -> u64 {
        mask_word(index(word)).load(SeqCst)
    }

    fn clear_pending(&self, port: Port) {
        pending_word(index(port.word())).fetch_and(!port.bit(), AcqRel);
    }

    fn mask_port(&self, port: Port) -> bool {
        mask_word(index(port.word())).fetch_or(port.bit(), AcqRel) & port.bit() == 0
    }

    fn unmask_port(&self, port: Port) -> bool {
        mask_word(index(port.word())).fetch_and(!port.bit(), SeqCst) & port.bit() != 0
    }
}
